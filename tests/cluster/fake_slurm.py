"""Slurm's commands as far as the launcher asks them: they note what they are asked, and answer
from a file. No job is run.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

COMMANDS = ("sbatch", "squeue", "scontrol", "scancel", "sacct")


class FakeSlurm:
    """What tests set, and what the commands noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        for name in COMMANDS:
            path = self.bin / name
            path.write_text(f"#!{sys.executable}\n{_CALL.format(tests=str(_ROOT))}")
            path.chmod(0o755)
        self.change(max_array=1001, queue=[], refuse={})

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to find the commands before any others."""
        path = f"{self.bin}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "FAKE_SLURM": str(self.folder)}

    def change(self, **settings: Any) -> None:
        """Set `max_array`; `queue`, the lines of squeue; `refuse`, words of refusal by command."""
        path = self.folder / "settings.json"
        before = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(before | settings))

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call: `command`, `arguments` and, of sbatch, the `script` and its `job`."""
        path = self.folder / "calls.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def scripts(self, part: str = "") -> list[dict[str, Any]]:
        """The calls of sbatch whose script has `part`."""
        calls = (call for call in self.calls if call["command"] == "sbatch")
        return [call for call in calls if part in call["script"]]


_ROOT = Path(__file__).parents[2]
_CALL = """
import sys
sys.path.insert(0, {tests!r})
from tests.cluster.fake_slurm import answer
sys.exit(answer(sys.argv))
"""


def answer(argv: list[str]) -> int:
    """Note a call, print the answer and return the exit code."""
    folder, command = Path(os.environ["FAKE_SLURM"]), Path(argv[0]).name
    settings = json.loads((folder / "settings.json").read_text())
    path = folder / "calls.jsonl"
    number = len(path.read_text().splitlines()) + 100 if path.exists() else 100
    call = {"command": command, "arguments": argv[1:], "script": "", "job": str(number)}
    call["temporary"] = os.environ.get("TMPDIR")
    if command == "sbatch":
        call["script"] = sys.stdin.read()
    with path.open("a") as file:
        file.write(json.dumps(call) + "\n")
    refusal = settings["refuse"].get(command)
    if refusal and not (command == "scontrol" and "config" in argv):
        print(refusal, file=sys.stderr)
        return 1
    match command:
        case "sbatch":
            print(number)
        case "squeue":
            print("\n".join(settings["queue"]))
        case "scontrol" if "config" in argv:
            print(f"MaxArraySize            = {settings['max_array']}")
        case "scontrol":
            os.kill(os.getppid(), signal.SIGTERM)  # Slurm ends the job that it puts back
        case "sacct":
            print("Slurm accounting storage is disabled", file=sys.stderr)
            return 1
    return 0
