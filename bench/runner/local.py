"""Run a table's rows on this machine, one after the other, each tracked.

A row that fails stops no other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, Protocol

from bench._io import interrupts, machine
from bench._io.interrupts import InterruptGuard
from bench.config import Config
from bench.errors import Busy, RowFailed, Stopped, plain_message
from bench.evaluation import row_evaluation
from bench.jobs import host_leases, leases
from bench.provenance import read_commit
from bench.reports.stored_results import list_drawn_metrics
from bench.runner import results
from bench.runner.figure_queue import FigureQueue, incomplete_outcome
from bench.runner.named_device import device_name
from bench.runner.outcomes import JobOutcome, explain_failure
from bench.runner.process_team import TeamLost
from bench.runner.request import RunRequest
from bench.runner.row_run import RowRun
from bench.specs.run import Run
from bench.tracking import artifact_check
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from bench.training import file_names
from bench.training.callbacks import TrainingCallback
from bench.training.row import DatasetCache, RowData, score_paths, training_path


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
    begin = partial(
        run_job,
        config=config,
        store=store,
        watcher=watcher,
        replicates=list_drawn_metrics(order.table),
    )
    busy: list[tuple[RowJob, RunRecord]] = []
    with FigureQueue(config, watcher.say) as queue:
        for job in ordered:
            interrupts.raise_if_stop_asked(f"{job.name}: stopped before it began")
            entry = _describe_job(job, order, device)
            outcome = begin(job, entry, queue=queue, anew=anew, is_last=job is ordered[-1])
            if outcome.state == "busy" and not anew:
                watcher.say(f"{job.name}: left for now: {outcome.message}")
                busy.append((job, entry))
            elif outcome.state != "scored":
                yield outcome
            yield from queue.take_ended()
        for job, entry in busy:
            outcome = begin(job, entry, queue=queue, is_last=job is busy[-1][0])
            if outcome.state != "scored":
                yield outcome
            yield from queue.take_ended()
        queue.finish_all()
        yield from queue.take_ended()


def fail_jobs(order: RunRequest, config: Config, store: Store, error: RowFailed) -> None:
    """Mark the jobs that are not finished as failed for `error`, without running them."""
    for job in plan_jobs(order, config):
        entry = _describe_job(job, order, device="")
        if store.find_finished(entry) is None:
            with suppress(RowFailed), store.begin_run(entry):
                raise error


def run_job(
    job: RowJob,
    entry: RunRecord,
    config: Config,
    store: Store,
    watcher: ProgressReporter,
    queue: FigureQueue,
    replicates: Mapping[str, Sequence[str]] = MappingProxyType({}),
    *,
    anew: bool = False,
    is_last: bool = False,
) -> JobOutcome:
    """Run one job, tracked as `entry`, and return how it ended.

    Where it is `scored`, its figures are left to the `queue`, which says how it ends; at once where
    it `is_last`. `replicates` are the metrics, by evaluation, of which reports need the bootstrap
    replicates. A job that is finished is not run, unless `anew`. Whatever is wrong with the job is
    its outcome. Ctrl-C, Stopped, and what a watcher raises to stop the job, pass through after the
    tracked run is marked as killed.
    """
    row = RowRun(job, entry, config, store, watcher, InterruptGuard(), queue, replicates)
    try:
        if not anew and (outcome := _find_outcome(row)):
            return outcome
        if anew:
            row = replace(row, entry=store.next_repeat(entry))
        if changed := store.changed_since(row.entry):
            names = ", ".join(changed)
            watcher.say(f"{job.name}: run again, changed since it was finished: {names}")
        scored = row.train_and_score()
        queue.add_row(scored, is_last=is_last)
    except Busy as error:
        return JobOutcome(job.name, "busy", plain_message(error), error.code)
    except (Stopped, TeamLost):
        raise
    except Exception as error:  # of one row: the others go on, and its traceback is kept
        if getattr(error, "code", "") == "row.already-finished" and (outcome := _find_outcome(row)):
            return outcome  # by another process, after this one had looked
        code, message = explain_failure(error, row.folder)
        return JobOutcome(job.name, "failed", message, code, by_disk=machine.is_disk_error(error))
    return JobOutcome(job.name, "scored", kept_dev=scored.kept_dev)


def is_scored(job: RowJob, config: Config) -> bool:
    """Return whether a job is trained in this work folder, with all its score files."""
    folder = training_path(config.work, job.run, job.data, job.seed)
    needed = [folder / file_names.SELECTION] if job.run.is_trained else []
    needed += score_paths(folder, job.run, job.data).values()
    return all(path.is_file() for path in needed)


def _find_outcome(row: RowRun) -> JobOutcome | None:
    """Return the outcome of a row that is finished, its results renewed; None where it is not."""
    finished = row.store.find_finished(row.entry)
    if not finished:
        return None
    host_leases.remove_dead(row.folder / leases.NAME)  # of a process that died at the very end
    missing = results.renew_row(row, finished)
    kept_dev = json.loads(finished.data.tags.get("kept_dev", "{}"))
    if missing is not None:
        return incomplete_outcome(row.job.name, missing, kept_dev)
    return JobOutcome(row.job.name, "already finished", kept_dev=kept_dev)


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
