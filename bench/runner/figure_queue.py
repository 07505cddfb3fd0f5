"""Rows that are trained and scored, and wait for their figures while the next row trains.

Their figures are computed one row after the other, in a process beside this one, or at once in this
process; what is computed is the same (`bench.runner.row_figures`). Only this process writes
their tracked runs, which stay open until then: whoever looks sees them running, and a command that
is stopped or killed leaves them for the next one, which trains and scores nothing of them again.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType

from bench._io import interrupts
from bench._io.child_processes import ChildFailed, ProcessBeside
from bench._io.cores import count_cores
from bench.config import Config
from bench.jobs.leases import Lease
from bench.models import devices
from bench.runner import results
from bench.runner.outcomes import JobOutcome, explain_failure
from bench.runner.row_figures import (
    Failure,
    FigureTask,
    RowFigures,
    compute_figures,
    compute_pickled,
)
from bench.tracking.store import TrackedRun

_POLL_S = 0.2
"""How often it is looked whether this process should stop."""


@dataclass(frozen=True)
class ScoredRow:
    """A row that is trained and scored; its tracked run is open."""

    job: str
    task: FigureTask
    kept_dev: Mapping[str, float]
    lease: Lease
    """By which others know that somebody is at it."""
    tracked: TrackedRun
    opened: ExitStack
    """Closes the run and gives the lease back."""

    def log_figures(self, figures: RowFigures) -> JobOutcome:
        """Log the figures, finish the tracked run, and return how the row ended."""
        try:
            with self.opened:
                self.lease.require_held()
                results.log_figures(self.tracked, figures)
        except Exception as error:  # of the store: the same command does it again
            code, message = explain_failure(error, self.task.folder)
            return JobOutcome(self.job, "failed", message, code)
        if figures.failures:
            missing = figures.failures[0]._replace(message=results.describe_failures(figures))
            return incomplete_outcome(self.job, missing, self.kept_dev)
        return JobOutcome(self.job, "finished", kept_dev=self.kept_dev)


def incomplete_outcome(job: str, missing: Failure, kept_dev: Mapping[str, float]) -> JobOutcome:
    """Return the outcome of a finished row that lacks figures."""
    message = (
        f"it is trained and scored, but figures are missing: {missing.message}; `bench run` "
        "(without --on) computes them again and trains nothing"
    )
    return JobOutcome(job, "incomplete", message, missing.code, kept_dev)


class FigureQueue:
    """Computes and logs the figures of rows, in order; a context manager.

    Where the block raises, rows whose figures are not logged are marked as stopped: the same
    command completes them.
    """

    def __init__(self, config: Config, say: Callable[[str], None]) -> None:
        """Prepare the queue; `say` is told when a row waits and when its figures are there."""
        kind = config.evaluate
        if kind == "auto":
            is_alone = devices.device_kind(config.device) == "cpu" and count_cores() == 1
            kind = "before" if is_alone else "beside"
        self._is_beside, self._say = kind == "beside", say
        self._waiting: deque[ScoredRow] = deque()
        """`_process` computes the first one."""
        self._process = ProcessBeside()
        self._ended: list[JobOutcome] = []

    def __enter__(self) -> FigureQueue:
        """Return the queue itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what is computed, and leave rows without figures to the next command."""
        self._process.end_process()
        opened = ExitStack()
        for row in self._waiting:
            opened.push(row.opened)
        opened.__exit__(kind, error, trace)

    def add_row(self, row: ScoredRow, *, is_last: bool) -> None:
        """Have a row's figures computed; at once where no row is before it or comes after it."""
        if self._is_beside and row.task.splits and (self._waiting or not is_last):
            self._waiting.append(row)
            self._say(f"{row.job}: trained and scored; its figures are computed meanwhile")
            if len(self._waiting) == 1:
                self._begin_first()
            return
        with ExitStack() as opened:  # closes the run where Ctrl-C comes
            opened.push(row.opened)
            figures = compute_figures(row.task)
            opened.pop_all()
        self._ended.append(row.log_figures(figures))

    def log_ready(self) -> None:
        """Log what is computed, and go on with the next row; quick where nothing is ready."""
        while self._waiting and self._process.is_over():
            self._log_first()

    def finish_all(self) -> None:
        """Wait until the figures of all rows are logged; raise Stopped where that is asked for."""
        while self._waiting:
            interrupts.raise_if_stop_asked(f"{self._waiting[0].job}: stopped before its figures")
            if self._process.is_over(_POLL_S):
                self._log_first()

    def take_ended(self) -> list[JobOutcome]:
        """Return how rows ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def _begin_first(self) -> None:
        self._process.begin_call(compute_pickled, pickle.dumps(self._waiting[0].task))

    def _log_first(self) -> None:
        """Log the answer of the call that is over, and begin the next one."""
        row = self._waiting.popleft()
        try:
            figures: RowFigures = self._process.take_answer()
        except ChildFailed as error:
            figures = RowFigures({}, {}, [Failure("row.figures-lost", str(error))])
        self._ended.append(row.log_figures(figures))
        self._say(f"{row.job}: its figures are there")
        # Not before: the next row may draw pictures of the same score files in their place.
        if self._waiting:
            self._begin_first()
