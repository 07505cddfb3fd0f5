"""What `run` and `sweep` print while rows are trained: progress bars on a terminal, else lines.

The lines also go to a file if one is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column

from bench._io.printable import escape_invisible
from bench.cli.progress_log import ProgressLog
from bench.cli.warning_lines import WarningLines, warning_lines
from bench.errors import BenchError


def _uncut_column() -> Column:
    """Return a column that is never cut."""
    return Column(no_wrap=True, min_width=7)


class Display:
    """Shows which row, which epoch, the losses and the time left; a context manager."""

    def __init__(self, title: str, jobs: int, log: Path | None = None) -> None:
        """Prepare the display; `log` is a file that lines are appended to.

        BenchError, when the display is entered, if the file cannot be opened.
        """
        self.console = Console(file=sys.stderr, highlight=False)
        self.title, self.jobs = title, jobs
        self.epochs = 0
        self._log_path = log
        self._log_file: TextIO | None = None
        self._log = ProgressLog(self._write_line)
        self._stack = ExitStack()
        self._warnings: WarningLines | None = None
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=_uncut_column()),
            BarColumn(bar_width=10, table_column=_uncut_column()),
            MofNCompleteColumn(table_column=_uncut_column()),
            TimeElapsedColumn(table_column=_uncut_column()),
            TimeRemainingColumn(table_column=_uncut_column()),
            # Where the terminal is narrow it is the note that is cut.
            TextColumn(
                "{task.fields[note]}", markup=False, table_column=Column(no_wrap=True, ratio=1)
            ),
            expand=True,
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.table = self.progress.add_task(title, total=jobs, note="rows")
        self.row = self.progress.add_task("", total=None, visible=False, note="")

    def __enter__(self) -> Display:
        if self._log_path is not None:
            try:
                self._log_file = self._stack.enter_context(
                    self._log_path.open("a", encoding="utf-8", buffering=1)
                )
            except OSError as error:
                raise BenchError(
                    "file.unwritable",
                    f"--log {self._log_path}: cannot be written: {error.strerror}",
                ) from error
        self._warnings = self._stack.enter_context(warning_lines(self.say))
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.progress.stop()
        self._stack.close()

    def begin(self, name: str, epochs: int) -> None:
        """A row and seed begin, with at most so many epochs."""
        if self._warnings is not None:
            self._warnings.take_over_loggers()
        self.epochs = epochs
        self._log.begin(name, epochs)
        self.progress.reset(
            self.row,
            description=escape_invisible(name),
            total=epochs,
            visible=True,
            note="epochs: starting",
        )

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Move the row's bar within the epoch."""
        self._log.on_step(epoch, step, steps, losses)
        parts = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        done = epoch - 1 + step / steps
        self.progress.update(self.row, completed=round(done, 2), note=parts)

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Show the epoch's dev EER, and the dev loss where that selects."""
        self._log.on_epoch(epoch, figures)
        note = f"loss {figures['train.loss']:.4f}, dev EER {figures['dev.eer']:.2%}"
        if "dev.loss" in figures:
            note += f", dev loss {figures['dev.loss']:.4f}"
        last = "; scoring" if epoch == self.epochs else ""
        self.progress.update(self.row, completed=epoch, note=note + last)

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        """Show how many utterances of an evaluation are scored."""
        self._log.on_score(evaluation, done, total)
        self.progress.update(self.row, note=f"scoring {evaluation}: {done:,} of {total:,}")

    def say(self, text: str) -> None:
        """Print one line that stays."""
        if self.console.is_terminal:
            self._print_text(text)
        self._log.write_line(text)

    def pass_on(self, line: str) -> None:
        """Print a line of another process, which has the time of day already."""
        if self.console.is_terminal:
            self._print_text(line)
        self._write_line(line)

    def end(self, name: str, state: str, message: str, results: str = "") -> None:
        """Print a line that stays: a row and seed have ended, with results and messages."""
        headline = f"{name}: {state}" + (f"  {results}" if results else "")
        self.say("\n    ".join([f"{self.title}  {headline}", *message.splitlines()]))
        self.progress.update(self.row, visible=False)
        self.progress.advance(self.table)

    def count_end(self) -> None:
        """Count a row and seed whose process has printed that it ended."""
        self.progress.advance(self.table)

    def _write_line(self, line: str) -> None:
        """Write a line where no terminal shows bars, and to the file."""
        if not self.console.is_terminal:
            self._print_text(line)
        if self._log_file is not None:
            self._log_file.write(f"{escape_invisible(line)}\n")
            self._log_file.flush()

    def _print_text(self, text: str) -> None:
        self.console.print(escape_invisible(text), markup=False, soft_wrap=True)
