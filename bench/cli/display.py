"""Live progress of a table on a terminal; a line for each row where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType

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

from bench.printable import visible


def _whole() -> Column:
    """Return a column that is never cut."""
    return Column(no_wrap=True, min_width=7)


class Display:
    """Shows which row, which epoch, the losses and the time left; a context manager."""

    def __init__(self, title: str, jobs: int) -> None:
        self.console = Console(file=sys.stderr, highlight=False)
        self.title, self.jobs = title, jobs
        self.epochs = 0
        self.began = time.monotonic()
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=_whole()),
            BarColumn(bar_width=10, table_column=_whole()),
            MofNCompleteColumn(table_column=_whole()),
            TimeElapsedColumn(table_column=_whole()),
            TimeRemainingColumn(table_column=_whole()),
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
        self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def begin(self, name: str, epochs: int) -> None:
        """A row and seed begin, with at most so many epochs."""
        self.epochs = epochs
        self.began = time.monotonic()
        self.progress.reset(
            self.row, description=visible(name), total=epochs, visible=True, note="epochs: starting"
        )

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Move the row's bar within the epoch."""
        parts = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
        done = epoch - 1 + step / steps
        self.progress.update(self.row, completed=round(done, 2), note=parts)

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Show the epoch's dev EER, and the dev loss where that selects."""
        note = f"loss {figures['train.loss']:.4f}, dev EER {figures['dev.eer']:.2%}"
        if "dev.loss" in figures:
            note += f", dev loss {figures['dev.loss']:.4f}"
        last = "; scoring" if epoch == self.epochs else ""
        self.progress.update(self.row, completed=epoch, note=note + last)

    def say(self, text: str) -> None:
        """Print one line that stays."""
        self.console.print(visible(text), markup=False, soft_wrap=True)

    def end(self, name: str, state: str, message: str) -> None:
        """A row and seed have ended: one line that stays."""
        took = f" in {time.monotonic() - self.began:.0f} s" if state == "finished" else ""
        self.console.print(visible(f"{self.title}  {name}: {state}{took}"), markup=False)
        for line in message.splitlines():
            self.say(f"    {line}")
        self.progress.update(self.row, visible=False)
        self.progress.advance(self.table)
