"""The pages of the documentation as tests use them: their blocks, and a newcomer who follows them.

A page has three kinds of blocks that mean something to tests:

* `{code-block}` with a `:caption:` is a file, written at the caption's path;
* `console` holds commands after `$ `, which are executed, each followed by lines of its output, in
  order, with `...` for any lines between;
* `sh` holds commands that are only checked: their options exist.
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pytest
from markdown_it import MarkdownIt

from bench.cli import main
from bench.extensions import activate_extensions
from bench.metrics.registry import forget_metrics

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
HOW_TO = DOCS / "how-to"
WRITTEN = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "core/README.md",
    *sorted(path for path in DOCS.rglob("*.md") if "generated" not in path.parts),
]
"""Every page that is written by hand."""
_ELLIPSIS = "..."


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    caption: str
    """Path of the file that it is; empty for any other block."""
    text: str
    line: int


def read_blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    return [
        _as_block(token.info.strip(), token.content, token.map[0] + 1)
        for token in tokens
        if token.type == "fence" and token.map
    ]


def read_file(page: Path, caption: str) -> str:
    """Return the text of a file that a page shows."""
    (text,) = (block.text for block in read_blocks(page) if block.caption == caption)
    return text


def _as_block(info: str, content: str, line: int) -> Block:
    if not info.startswith("{code-block}"):
        return Block(info, "", content, line)
    caption, _, text = content.partition("\n")
    assert caption.startswith(":caption: "), f"line {line}: a code-block needs a caption"
    return Block(info.removeprefix("{code-block}").strip(), caption[10:].strip(), text, line)


class Command(NamedTuple):
    """A command of a `console` block, and the lines that the page shows of its output."""

    line: str
    shown: tuple[str, ...]


def read_commands(block: Block) -> Iterator[Command]:
    """Yield the commands of a `console` block."""
    for part in f"\n{block.text}".split("\n$ ")[1:]:
        command, *shown = part.replace("\\\n", " ").splitlines()
        yield Command(command, tuple(line for line in shown if line.strip()))


def _is_of_bench(line: str) -> bool:
    """Return whether a line is one command `bench`, and nothing that a shell does."""
    return line.startswith("bench ") and not {*line} & {*"|><;&$*`"}


@dataclass
class Newcomer:
    """Somebody who follows a page word by word in a folder."""

    folder: Path
    miniatures: Path | None
    """A work folder whose small miniature corpora stand in for those of `bench data mini`; without
    it the command makes them."""
    python_path: Path = ROOT
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    programs: Path | None = None
    """The folder of another environment's `bench` and `python`, where the suite is installed;
    without it those of this checkout."""
    skipped: tuple[str, ...] = ()
    """How commands begin that are not executed."""
    in_process: bool = True
    """Whether commands `bench` are executed in this process, which has imported torch already."""

    def follow(self, page: Path) -> None:
        """Write the page's files and execute its commands in order; AssertionError where a command
        fails or prints other lines than the page shows.
        """
        for block in read_blocks(page):
            if block.caption:
                path = self.folder / block.caption
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.language == "console":
                for command in read_commands(block):
                    self._execute(command, f"{page.name}, line {block.line}: {command.line}")

    def _execute(self, command: Command, where: str) -> None:
        if command.line.startswith(self.skipped):
            return
        if command.line.startswith("bench data mini") and self.miniatures is not None:
            work = self.folder / "work"
            work.mkdir(exist_ok=True)
            (work / "mini").symlink_to(self.miniatures / "mini")
            return
        execute = self._call if _is_of_bench(command.line) and self.in_process else self._spawn
        code, output = execute(command.line)
        assert code == 0, f"{where}\n{output[-4000:]}"
        printed = iter(line.rstrip() for line in output.splitlines())
        for line in command.shown:
            if line != _ELLIPSIS:
                assert line.rstrip() in printed, f"{where}\nnot printed: {line}\n{output}"

    def _spawn(self, line: str) -> tuple[int, str]:
        """Execute a line in a shell; return its exit code and output."""
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        return done.returncode, done.stdout

    def _call(self, line: str) -> tuple[int, str]:
        """Execute a line that is a command `bench` in this process, as a new one would."""
        output = io.StringIO()
        with pytest.MonkeyPatch.context() as patched:
            for name in {*os.environ} - {*(environment := self._environment())}:
                patched.delenv(name)
            for name, value in environment.items():
                patched.setenv(name, value)
            patched.chdir(self.folder)
            patched.setattr(sys, "argv", shlex.split(line))
            patched.setattr(sys, "stdin", io.StringIO())
            with redirect_stdout(output), redirect_stderr(output), pytest.raises(SystemExit) as end:
                main()
        activate_extensions(())
        forget_metrics()
        return int(end.value.code or 0), output.getvalue()

    def _environment(self) -> dict[str, str]:
        programs = self.programs or self._write_programs()
        own = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
        return {
            **own,
            "PATH": f"{programs}{os.pathsep}{own['PATH']}",
            "PYTHONPATH": "" if self.programs else str(self.python_path),
            "BENCH_CONFIG_WITHIN": str(self.folder),
            "COLUMNS": "200",
            **self.variables,
        }

    def _write_programs(self) -> Path:
        programs = self.folder.parent / "programs"
        for name, module in (("bench", "-m bench"), ("python", "")):
            program = programs / name
            if not program.exists():
                programs.mkdir(exist_ok=True)
                program.write_text(
                    f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n', encoding="utf-8"
                )
                program.chmod(0o755)
        return programs


if __name__ == "__main__":
    # `.ci/wheel`: follow pages in this folder, with the programs of an environment of the wheel.
    environment, *pages = sys.argv[1:]
    for page in pages:
        Newcomer(Path.cwd(), Path(), programs=Path(environment), in_process=False).follow(
            Path(page).resolve()
        )
        print(f"followed: {page}")
