"""Run a table's rows on this machine, one after the other, each tracked.

A row that fails stops no other.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from bench._io import atomic_files, interrupts, machine
from bench._io.interrupts import InterruptGuard
from bench.config import Config
from bench.errors import BenchError, Busy, RowFailed, Stopped, plain_message
from bench.evaluation import row_evaluation
from bench.jobs import host_leases, leases
from bench.provenance import read_commit
from bench.reports.stored_results import StoredResults
from bench.runner import results
from bench.runner.named_device import device_name
from bench.runner.process_team import TeamLost
from bench.runner.request import RunRequest
from bench.runner.row_run import RowRun
from bench.specs.run import Run
from bench.tracking import artifact_check
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from bench.training.callbacks import TrainingCallback
from bench.training.row import DatasetCache, RowData


class ProgressReporter(TrainingCallback, Protocol):
    """Who shows a person what happens."""

    def begin(self, name: str, epochs: int) -> None:
        """A row and seed begin, with at most so many epochs."""

    def say(self, text: str) -> None:
        """Something worth a line."""


class RowJob(NamedTuple):
    """One row and seed of a table, resolved, with its data."""

    row: str
    seed: int
    run: Run
    data: RowData

    @property
    def name(self) -> str:
        """As the tracker and the display have it."""
        return f"{self.row} · seed {self.seed}"


class JobOutcome(NamedTuple):
    """How a job ended."""

    job: str
    state: Literal["finished", "already finished", "busy", "failed"]
    """Busy: another process runs it, and the message says which."""
    message: str = ""
    code: str = ""
    """Of what failed, or of who is busy, as in `bench.error_codes`; "" where it finished."""
    kept_dev: Mapping[str, float] = MappingProxyType({})
    """What the kept weights reach on dev, fractions; empty where it did not finish."""
    by_disk: bool = False
    """Whether it failed for the disk (full, read-only), so through no fault of its own."""


def plan_jobs(order: RunRequest, config: Config) -> list[RowJob]:
    """Return every job with its data loaded; raise where a corpus is missing or broken."""
    runs = order.resolve_runs()
    library = DatasetCache(config)
    data = {row: library.load_row(run) for row, run in runs.items()}
    return [
        RowJob(row, seed, runs[row], data[row])
        for row in order.rows
        for seed in order.row_seeds(row)
    ]


def find_unfinished(
    order: RunRequest, config: Config, store: Store, anew: bool = False
) -> list[RowJob]:
    """Return the jobs that `run_jobs` would run: those that are not finished, or all `anew`."""
    ordered = plan_jobs(order, config)
    if anew:
        return ordered
    return [
        job for job in ordered if store.find_finished(_describe_job(job, order, device="")) is None
    ]


def run_jobs(
    order: RunRequest, config: Config, store: Store, watcher: ProgressReporter, anew: bool = False
) -> Iterator[JobOutcome]:
    """Run the jobs in order and yield how each ended.

    Ctrl-C and a signal that asks for a stop end the begun one, resumable.

    A job that another process runs is left, and looked at once more after the others: so several
    processes, on one machine or on many, share the rows of a table. `anew` runs what is finished
    once more, beside the earlier run.
    """
    for name in store.fail_dead_runs():
        watcher.say(f"marked failed, its process had died: {name}")
    store.present_table(order.table)
    artifact_check.require_artifacts(store, order.table.key)
    device = device_name(config)
    ordered = plan_jobs(order, config)
    evaluated = (
        (data, job.data.evaluate[name].subset)
        for job in ordered
        for name, data in job.run.evaluate.items()
    )
    for text in dict.fromkeys(row_evaluation.list_lacking(evaluated)):
        watcher.say(text)
    # Reports need not wait for what the table's columns ask of a run's scores.
    draw = partial(StoredResults(store, config.work).draw_replicates, order.table)
    begin = partial(run_job, config=config, store=store, watcher=watcher, afterwards=draw)
    busy: list[tuple[RowJob, RunRecord]] = []
    for job in ordered:
        interrupts.raise_if_stop_asked(f"{job.name}: stopped before it began")
        entry = _describe_job(job, order, device)
        outcome = begin(job, entry, anew=anew)
        if outcome.state == "busy" and not anew:
            watcher.say(f"{job.name}: left for now: {outcome.message}")
            busy.append((job, entry))
        else:
            yield outcome
    for job, entry in busy:
        yield begin(job, entry)


def fail_jobs(order: RunRequest, config: Config, store: Store, error: RowFailed) -> None:
    """Mark the jobs that are not finished as failed for `error`, without running them."""
    for job in find_unfinished(order, config, store):
        with suppress(RowFailed), store.begin_run(_describe_job(job, order, device="")):
            raise error


def run_job(
    job: RowJob,
    entry: RunRecord,
    config: Config,
    store: Store,
    watcher: ProgressReporter,
    afterwards: Callable[[str], None] | None = None,
    *,
    anew: bool = False,
) -> JobOutcome:
    """Run one job, tracked as `entry`, and return how it ended.

    `afterwards` is called with the id of the finished run. A job that is finished is not run,
    unless `anew`. Whatever is wrong with the job is its outcome. Ctrl-C, Stopped, and what a
    watcher raises to stop the job, pass through after the tracked run is marked as killed.
    """
    row = RowRun(job, entry, config, store, watcher, InterruptGuard())
    try:
        if not anew and (outcome := _find_outcome(row)):
            return outcome
        watcher.begin(job.name, job.run.training.epochs)
        if anew:
            row = replace(row, entry=store.next_repeat(entry))
        if changed := store.changed_since(row.entry):
            names = ", ".join(changed)
            watcher.say(f"{job.name}: run again, changed since it was finished: {names}")
        run_id, trained = row.train_and_evaluate()
    except Busy as error:
        return JobOutcome(job.name, "busy", plain_message(error), error.code)
    except (Stopped, TeamLost):
        raise
    except Exception as error:  # of one row: the others go on, and its traceback is kept
        if getattr(error, "code", "") == "row.already-finished" and (outcome := _find_outcome(row)):
            return outcome  # by another process, after this one had looked
        code, message = _explain_failure(row, error)
        return JobOutcome(job.name, "failed", message, code, by_disk=machine.is_disk_error(error))
    if afterwards is not None:
        try:
            afterwards(run_id)
        except Exception as error:
            # The row and its results are safe; what comes afterwards can be done again.
            watcher.say(f"{job.name}: finished, but {_explain_failure(row, error)[1]}")
    kept_dev = trained.selection.dev if trained.selection else {}
    return JobOutcome(job.name, "finished", kept_dev=kept_dev)


def _find_outcome(row: RowRun) -> JobOutcome | None:
    """Return the outcome of a row that is finished, its results renewed; None where it is not."""
    finished = row.store.find_finished(row.entry)
    if not finished:
        return None
    job, say = row.job, row.watcher.say
    host_leases.remove_dead(row.folder / leases.NAME)  # of a process that died at the very end
    results.renew_row(row.store, row.entry, finished, job.data, row.folder, say)
    kept_dev = json.loads(finished.data.tags.get("kept_dev", "{}"))
    return JobOutcome(job.name, "already finished", kept_dev=kept_dev)


def _explain_failure(row: RowRun, error: Exception) -> tuple[str, str]:
    """Return the code and the message of an error; the traceback of a fault of ours is kept."""
    if isinstance(error, BenchError):
        return error.code, plain_message(error)
    if (explanation := machine.explain_error(error)) is not None:
        return explanation.code, explanation.message
    log = row.folder / "error.txt"
    message = f"{type(error).__name__}: {plain_message(error)}"
    with suppress(OSError):  # the error is reported in any case
        atomic_files.write_text(log, traceback.format_exc())
        message += f" (whole traceback: {log})"
    return "row.failed", message


def _describe_job(job: RowJob, order: RunRequest, device: str) -> RunRecord:
    """Return what a row's run is known by, with what only rows of tables have."""
    row = order.table.rows[job.row]
    return replace(
        RunRecord.from_data(order.table.key, job.row, job.seed, job.run, job.data),
        commit=read_commit(),
        device=device,
        paper_results=row.published_figures,
        cells=dict(zip(order.table.text_columns, row.cells, strict=True)),
        line=order.row_index(job.row),
        overrides=order.overrides,
    )
