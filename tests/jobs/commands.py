"""Slurm's commands, replaced by scripts that answer what a test says."""

from __future__ import annotations

from pathlib import Path

COMMANDS = ("squeue", "sacct", "scontrol")


class FakeCommands:
    """A folder that stands alone on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def answer(self, name: str, output: str = "", errors: str = "", code: int = 0) -> None:
        """Have a command print `output` and `errors` and exit with `code`, and log its options."""
        (self.folder / f"{name}.out").write_text(f"{output}\n")
        (self.folder / f"{name}.err").write_text(f"{errors}\n")
        lines = (
            "#!/bin/sh",
            f'echo "{name} $*" >> {self.folder}/calls',
            f'while IFS= read -r line; do echo "$line"; done < {self.folder}/{name}.out',
            f'while IFS= read -r line; do echo "$line" >&2; done < {self.folder}/{name}.err',
            f"exit {code}",
        )
        self._write(name, "\n".join(lines))

    def hang(self, name: str) -> None:
        """Have a command never answer."""
        self._write(name, "#!/bin/sh\nwhile :; do :; done")

    def read_calls(self) -> list[str]:
        """Return how the commands were called."""
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(f"{text}\n")
        path.chmod(0o755)
