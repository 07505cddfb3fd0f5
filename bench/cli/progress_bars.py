"""Progress bars for work that is counted; nothing where there is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


@contextmanager
def show_progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves a bar named `what` on standard error."""
    with _make_progress() as progress:
        task = progress.add_task(what, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def show_progress_each(unit: str) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function of (name, done, total) that shows a bar for each name.

    A bar counts in `unit` and disappears when all is done.
    """
    with _make_progress(*Progress.get_default_columns(), MofNCompleteColumn()) as progress:
        tasks: dict[str, TaskID] = {}

        def update_bar(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(f"{name}, {total:,} {unit}", total=total)
            progress.update(tasks[name], completed=done, visible=done < total)

        yield update_bar


@contextmanager
def show_downloads() -> Iterator[Callable[[str, int, int | None], None]]:
    """Yield a function of (name, bytes done, bytes of all) that shows a bar for each name.

    Several threads may call it.
    """
    with _make_progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    ) as progress:
        tasks: dict[str, TaskID] = {}

        def update_bar(name: str, done: int, total: int | None) -> None:
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=total, completed=done)
            whole = total is not None and done >= total
            progress.update(tasks[name], completed=done, total=total, visible=not whole)

        yield update_bar


def _make_progress(*columns: ProgressColumn | str) -> Progress:
    console = Console(file=sys.stderr)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def runs_wait(count: int) -> str:
    """Return how many runs wait.

    >>> runs_wait(1), runs_wait(2)
    ('1 run waits', '2 runs wait')
    """
    return "1 run waits" if count == 1 else f"{count} runs wait"
