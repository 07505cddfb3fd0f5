"""One MLflow run, open: what is kept of it, there or, while its server is away, in the outbox."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from bench._io import atomic_files
from bench._io.interrupts import defer_sigint
from bench.errors import BenchError, InputChanged, Stopped
from bench.jobs.leases import LeaseLost
from bench.metrics.measured import MetricResult
from bench.tracking import registered_models, run_files, run_lifecycle
from bench.tracking.client import (
    NOTE,
    cut_text,
    log_inputs,
    log_metrics,
    log_params,
    system_monitor,
)
from bench.tracking.mlflow_store import Away, MlflowStore
from bench.tracking.outbox import StoreWithOutbox
from bench.tracking.rounded_tags import our_tags
from bench.tracking.run_artifacts import PICTURES
from bench.tracking.run_lifecycle import code_tags, join_values
from bench.tracking.run_record import (
    FAILURE,
    DatasetUse,
    RunRecord,
    describe_run,
    per_cent,
    result_tags,
    results_csv,
    tracked_values,
)
from bench.tracking.run_workers import LEASE

_HOURS = "hours"

T = TypeVar("T")


class TrackedRun:
    """One MLflow run, open. Made by `Store.begin_run`; rates go in as fractions, stay in per cent.

    Where its server stops answering, the run goes on in the outbox: whatever was not taken is
    recorded there, and `bench sync` brings both together.
    """

    def __init__(self, access: StoreWithOutbox, entry: RunRecord) -> None:
        """Begin the run of `entry`, or go on with the unfinished one."""
        self._access, self._entry = access, entry
        self._store, self.run_id, self.begun_before = access.begin_run(entry)
        self._since = time.monotonic()
        self._stopped: float | None = None
        self._last_steps: dict[str, int] = {}
        self._closing = self._closed = False
        self._monitor: Any = None
        logged = self._run_work(lambda client, run_id: client.get_run(run_id).data.metrics)
        self._hours_before: float = logged.get(_HOURS, 0.0)
        self._log_settings()

    def __enter__(self) -> TrackedRun:
        """Return the run itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the run if `finish_run` has not; see `Store.begin_run`."""
        if self._closed:
            return
        if isinstance(error, LeaseLost):
            self._stop_monitor()  # the run is that of whoever has the lease now
            return
        if kind is None:
            self._end_run("FAILED", "it was left before its results were there")
        else:
            failed = issubclass(kind, Exception) and not issubclass(kind, Stopped)
            status = "FAILED" if failed else "KILLED"
            self._end_run(status, f"{kind.__name__}: {error}".removesuffix(": "))
        if isinstance(error, InputChanged):
            # Its curves would stay in it: the row begins a new run. MLflow can restore this one.
            self._run_work(lambda client, run_id: client.delete_run(run_id))

    def log_epoch(self, metrics: Mapping[str, float], step: int) -> None:
        """Log points of curves at `step`; rates (`bench.metrics.catalogue`) are fractions.

        A point at or before a metric's last logged step is skipped. So a run that goes back to its
        last checkpoint and repeats some steps keeps the curve of an uninterrupted run, without
        second points; where the repeated values differ, the first stand.
        """
        fresh = {name: value for name, value in metrics.items() if step > self._last_step(name)}
        if fresh:
            self._log_metrics({name: per_cent(name, value) for name, value in fresh.items()}, step)
            self._last_steps.update(dict.fromkeys(fresh, step))
            self._log_hours()

    def set_tag(self, name: str, value: str) -> None:
        """Set a text of the run (`breaths`, `kept_epoch`, ...); an earlier one is replaced.

        `bench.tracking.stored_runs.StoredRun` has fields of these names.
        """
        self._run_work(lambda client, run_id: client.set_tag(run_id, name, value))

    def log_datasets(self, datasets: Sequence[DatasetUse]) -> None:
        """Log the splits of the run as MLflow's dataset inputs; repeating it is harmless."""
        self._run_work(lambda client, run_id: log_inputs(client, run_id, datasets))

    def add_artifact(
        self, path: Path, folder: str | None = None, *, is_final: bool = False
    ) -> None:
        """Keep the file at `path`, in `folder` of the run's artifacts or at their top.

        A file that `is_final`, which is never changed but replaced, is stored once where that is
        possible (`run_files.keep_file`); of others a copy is kept.
        """
        if not path.is_file():
            raise BenchError(
                "file.missing", f"{path}: there is no such file to keep with {self._entry.name}"
            )
        if is_final:
            self._run_work(lambda client, run_id: run_files.keep_file(client, run_id, path, folder))
        else:
            self._run_work(lambda client, run_id: client.log_artifact(run_id, str(path), folder))

    def add_model(self, checkpoint: Path) -> None:
        """Keep a checkpoint that holds its module as an MLflow model, stored once where possible.

        See `bench.tracking.registered_models`.
        """
        with atomic_files.scratch_folder(checkpoint) as folder:
            registered_models.write_model(checkpoint, folder / registered_models.FOLDER)
            self._run_work(lambda client, run_id: run_files.keep_folder(client, run_id, folder))
        self._run_work(registered_models.register_model)

    def end_work(self, lease: Path) -> None:
        """Stop the clock and the monitor: what is left is computed beside other work.

        The run is from now on known by another `lease`.
        """
        self._closing = True
        self._stop_monitor()
        self._log_hours()
        self._stopped = time.monotonic()
        self._entry = replace(self._entry, lease=str(lease.absolute()))
        self.set_tag(LEASE, self._entry.lease)

    def finish_run(self, figures: Mapping[str, MetricResult], failure: str = "") -> None:
        """Log the final results, fractions by `<evaluation>.<metric>`; mark the run FINISHED.

        `failure` says which of them are missing, and why.
        """
        self._run_work(lambda client, run_id: log_results(client, run_id, self._entry, figures))
        self._end_run("FINISHED", failure or None)

    def _run_work(self, work: Callable[[Any, str], T]) -> T:
        """Return what `work` does with MLflow's client and the run's id.

        Where the server does not do it, the run moves to the outbox and it is done there.
        """
        if not self._store.is_local:
            try:
                return self._store.reach(lambda to: work(to.client, self.run_id))
            except Away as away:
                self._move_to_outbox(away)
        with defer_sigint():
            return work(self._store.client, self.run_id)

    def _move_to_outbox(self, why: Exception) -> None:
        self._stop_monitor()
        self._access.report_away(why)
        self._store, self.run_id, _ = run_lifecycle.begin_run(self._access.outbox, self._entry)
        self._log_settings()

    def _log_settings(self) -> None:
        """Log the settings and start the monitor of the machine.

        A run that died while it began may have only some of the settings.
        """
        settings = self._entry.run.flat_settings()
        self._run_work(lambda client, run_id: log_params(client, run_id, settings))
        # Where that found the server away, the monitor runs already: it began in the outbox.
        if self._monitor is None and not self._closing:
            self._monitor = self._run_work(lambda *at: self._monitor or system_monitor(*at))

    def _end_run(self, status: str, failure: str | None = None) -> None:
        self._closing = True
        self._stop_monitor()
        self._log_hours()
        if failure is not None:
            text = cut_text(failure)
            self._run_work(lambda client, run_id: client.set_tag(run_id, FAILURE, text))
        if self._store.is_local:
            self._run_work(run_files.tag_file_count)
        self._run_work(lambda client, run_id: client.set_terminated(run_id, status))
        self._closed = True

    def _stop_monitor(self) -> None:
        if self._monitor is not None:
            self._monitor.finish()
            self._monitor = None

    def _log_hours(self) -> None:
        """Log the hours of work, over all processes so far, at a step of whole seconds."""
        until = time.monotonic() if self._stopped is None else self._stopped
        hours = self._hours_before + (until - self._since) / 3600
        self._log_metrics({_HOURS: hours}, step=int(hours * 3600))

    def _last_step(self, name: str) -> int:
        if name not in self._last_steps:
            history = self._run_work(lambda client, run_id: client.get_metric_history(run_id, name))
            self._last_steps[name] = max((point.step for point in history), default=-1)
        return self._last_steps[name]

    def _log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        self._run_work(lambda client, run_id: log_metrics(client, run_id, metrics, step))


def log_results(
    client: Any, run_id: str, entry: RunRecord, figures: Mapping[str, MetricResult]
) -> None:
    """Log a run's results (fractions) beside the paper's; earlier ones stay in the history."""
    note = describe_run(entry, figures)
    numbers = tracked_values(figures)
    log_metrics(client, run_id, numbers, step=0)
    for name, value in {**result_tags(figures), **our_tags(numbers), NOTE: note}.items():
        client.set_tag(run_id, name, value)
    if figures:
        client.log_text(run_id, note, "figures.md")
        client.log_text(run_id, results_csv(entry, figures), "figures.csv")


def renew_results(
    to: MlflowStore,
    run_id: str,
    entry: RunRecord,
    figures: Mapping[str, MetricResult],
    pictures: Mapping[str, Sequence[Path]],
    failure: str,
) -> None:
    """Log the figures of a finished run that were computed anew, and add by which code.

    `pictures` are files by evaluation. `failure` says which figures are still missing, and why.
    """
    to.require_writable()
    tags = to.client.get_run(run_id).data.tags
    for name, paths in pictures.items():
        for path in paths:
            run_files.keep_file(to.client, run_id, path, f"{PICTURES}/{name}")
    log_results(to.client, run_id, entry, figures)
    for key, value in code_tags(entry.commit).items():
        to.client.set_tag(run_id, key, join_values(tags.get(key, value), value))
    if failure:
        to.client.set_tag(run_id, FAILURE, cut_text(failure))
    elif FAILURE in tags:
        to.client.delete_tag(run_id, FAILURE)
    if to.is_local:
        run_files.tag_file_count(to.client, run_id)
