"""What `bench report` is asked for, and what `--check` prints."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from bench.cli import json_output
from bench.config import Form

MARKDOWN_AND_CSV = "md,csv"
_ENDINGS = {"html": {".html"}, "latex": {".tex", ".bib"}}
"""The formats that are written on request only, and the endings of their files."""


@dataclass(frozen=True)
class ReportRequest:
    """What `bench report` is asked for."""

    table: str
    """A table, `sweep/NAME`, `all` or `papers`."""
    form: Form
    formats: str
    detail: bool
    check: bool
    output_dir: Path | None
    as_json: bool

    @property
    def folder(self) -> Path:
        """Where reports of tables and sweeps are written."""
        return self.output_dir or Path("reports", "smoke" if self.form == "smoke" else "published")

    def command(self, formats: Sequence[str]) -> str:
        """Return the command that writes the report that is asked for, also in `formats`."""
        words = ["bench", "report", self.table]
        words += ["--smoke"] if self.form == "smoke" else []
        words += ["--detail"] if self.detail else []
        words += [] if self.output_dir is None else ["--output-dir", str(self.output_dir)]
        words += ["--format", ",".join(formats)] if formats else []
        return shlex.join(words)


def print_stale(request: ReportRequest, stale: Sequence[Path], folder: Path) -> None:
    """Print which files are out of date and which command writes them; exit with 1 if any is."""
    endings = {path.suffix for path in stale}
    command = request.command([name for name, of_it in _ENDINGS.items() if endings & of_it])
    json_output.print_json("report check", {"stale": [*stale], "command": command})
    for path in stale:
        click.echo(f"stale: {path} (write it with `{command}`)", err=True)
    if stale:
        raise click.exceptions.Exit(1)
    click.echo(f"up to date: {folder}")
