"""The MLflow tracking store: the only importer of mlflow.

One MLflow run stands for one row of one table with one seed, one set of settings (the signature)
and one state of the data. Whoever begins it again after it died goes on in that same run. The store
is worked through `MlflowClient`, never through MLflow's fluent functions, whose one active run for
a whole process is left open by whatever raises at the wrong moment.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd

from bench.config import Config, Form
from bench.errors import BenchError
from bench.metrics.scores import Figure
from bench.tracking import process
from bench.tracking.client import (
    connect,
    cut,
    is_local,
    log_inputs,
    log_metrics,
    log_params,
    now_ms,
    system_monitor,
)
from bench.tracking.entry import (
    DatasetUse,
    RunEntry,
    ScoredEntry,
    describe,
    describe_scored,
    per_cent,
    values,
)
from bench.tracking.frame import tidy, tidy_scored

_TAG_LENGTH = 500
_NOTE = "mlflow.note.content"
_PARENT = "mlflow.parentRunId"
_HOURS = "hours"


class Store:
    """The tracking store of this machine's configuration, opened (and made where it is new)."""

    def __init__(self, config: Config) -> None:
        """Open `config.tracking_uri`. Processes that open a new store at once wait for each other.

        Raise BenchError where MLflow cannot open it.
        """
        self.uri = config.tracking_uri
        self._artifacts = config.artifacts if is_local(self.uri) else None
        database = Path(self.uri.removeprefix("sqlite:///").partition("?")[0])
        self._lock_file = Path(
            f"{database}.lock" if is_local(self.uri) else config.work / "tracking.lock"
        )
        self._lock_file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock():
            self._client = connect(self.uri)

    def begin(self, entry: RunEntry) -> TrackedRun:
        """Return the tracked run of `entry`, running: a new one, or the unfinished one reopened.

        Used as a context manager: an exception marks it FAILED, an interrupt KILLED, and leaving it
        before `finish` FAILED. Raise BenchError where it is finished already, or is being run by a
        living process (of this machine, or of this program itself).
        """
        with self._lock():
            known = self._find(entry)
            if any(run.info.status == "FINISHED" for run in known):
                raise BenchError(f"{entry.table}: {entry.name} is finished already")
            if not known:
                return TrackedRun(self._client, self._create(entry), entry, begun_before=False)
            _refuse_if_alive(known[0], entry)
            self._reopen(known[0], entry)
            return TrackedRun(self._client, known[0].info.run_id, entry, begun_before=True)

    def finished(self, entry: RunEntry) -> bool:
        """Return whether a run with the settings, seed and data of `entry` is finished."""
        return any(run.info.status == "FINISHED" for run in self._find(entry))

    def curves(self, entry: RunEntry, names: Sequence[str]) -> list[dict[str, float]]:
        """Return the named curves of the finished run of `entry`, epoch by epoch; rates are
        fractions. Epochs that lack one of them are left out.
        """
        (run,) = (run for run in self._find(entry) if run.info.status == "FINISHED")
        epochs: dict[int, dict[str, float]] = {}
        for name in names:
            for point in self._client.get_metric_history(run.info.run_id, name):
                epochs.setdefault(point.step, {})[name] = point.value / per_cent(name, 1.0)
        return [found for _, found in sorted(epochs.items()) if len(found) == len(names)]

    def sweep_dead(self) -> list[str]:
        """Mark runs FAILED whose process died without a word (kill -9, power); return their names.

        A run of another machine is left alone: whether it lives cannot be known here.
        """
        dead: list[str] = []
        for experiment in self._client.search_experiments():
            for run in self._search(experiment.experiment_id, "attributes.status = 'RUNNING'"):
                holder = run.data.tags.get("process")
                if holder is None or process.alive(process.parse(holder)):
                    continue
                self._client.set_tag(run.info.run_id, "failure", f"its process {holder} died")
                self._client.set_terminated(run.info.run_id, "FAILED")
                dead.append(f"{experiment.name}: {run.info.run_name}")
        return dead

    def frame(self, table_key: str, form: Form) -> pd.DataFrame:
        """Return the runs of a table's own rows in one form, one row each; columns as in
        `tracking.frame`.
        """
        return tidy(run for run in self._runs(table_key, form) if _kind(run) == "row")

    def scored(self, table_key: str, form: Form) -> pd.DataFrame:
        """Return what `keep_scored` keeps beside a table, one row each; columns as in
        `tracking.frame.SCORED`.
        """
        return tidy_scored(run for run in self._runs(table_key, form) if _kind(run) == "scored")

    def keep_scored(self, entry: ScoredEntry, artifacts: Sequence[Path]) -> str:
        """Keep the judged score file of another system as a finished run; return the run's id.

        The same file, judged alike, is kept once: its run is returned as it is.
        """
        with self._lock():
            finished = [run for run in self._find(entry) if run.info.status == "FINISHED"]
            if finished:
                return finished[0].info.run_id
            tags = {
                **entry.identity,
                "split": entry.split,
                "commit": entry.commit,
                "fingerprints": json.dumps({entry.split: entry.fingerprint}),
                "process": str(process.here()),
                _NOTE: describe_scored(entry),
            }
            name = f"{entry.system} · scored"
            run_id = self._new(entry.table, name, tags)
        use = DatasetUse(entry.split, entry.fingerprint, "evaluation")
        try:
            log_inputs(self._client, run_id, [use])
            log_params(self._client, run_id, entry.settings)
            log_metrics(self._client, run_id, values(entry.figures), step=0)
            for path in artifacts:
                self._client.log_artifact(run_id, str(path))
        except BaseException:
            self._client.set_terminated(run_id, "FAILED")
            raise
        self._client.set_terminated(run_id, "FINISHED")
        return run_id

    def _runs(self, table_key: str, form: Form) -> list[Any]:
        experiment = self._client.get_experiment_by_name(table_key)
        if experiment is None:
            return []
        return self._search(experiment.experiment_id, f"tags.form = '{form}'")

    def _find(self, entry: RunEntry | ScoredEntry) -> list[Any]:
        """Return the runs of `entry`, the one that began last first."""
        return self.search(entry.table, entry.identity)

    def search(self, table: str, tags: Mapping[str, str]) -> list[Any]:
        """Return MLflow's runs in the experiment `table` that have all the tags, the one that began
        last first.
        """
        experiment = self._client.get_experiment_by_name(table)
        if experiment is None:
            return []
        wanted = " and ".join(f"tags.{key} = '{value}'" for key, value in tags.items())
        return self._search(experiment.experiment_id, wanted)

    def shared(
        self, table: str, name: str, identity: Mapping[str, str], more: Mapping[str, str]
    ) -> str:
        """Return the id of the run that has the tags `identity`, for several processes to work on;
        where there is none it is made, with `more` tags.
        """
        with self._lock():
            found = self.search(table, identity)
            return found[0].info.run_id if found else self._new(table, name, {**identity, **more})

    @property
    def client(self) -> Any:
        """MLflow's client of this store."""
        return self._client

    def _search(self, experiment_id: str, wanted: str) -> list[Any]:
        found: list[Any] = []
        token = None
        while True:
            page = self._client.search_runs(
                [experiment_id],
                wanted,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found

    def _create(self, entry: RunEntry) -> str:
        tags = {
            **entry.identity,
            "paper": entry.paper,
            "form": entry.run.form,
            "commit": entry.commit,
            "device": entry.device,
            "fingerprints": json.dumps(dict(entry.fingerprints), sort_keys=True),
            "process": str(process.here()),
            _NOTE: describe(entry, {}),
        }
        if entry.parent:
            tags[_PARENT] = entry.parent
        return self._new(entry.table, entry.name, tags)

    def _new(self, table: str, name: str, tags: Mapping[str, str]) -> str:
        run = self._client.create_run(
            self._experiment(table), start_time=now_ms(), run_name=name, tags=tags
        )
        return run.info.run_id

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return experiment.experiment_id
        place = (self._artifacts / name).as_uri() if self._artifacts else None
        return self._client.create_experiment(name, artifact_location=place)

    def _reopen(self, run: Any, entry: RunEntry) -> None:
        run_id, tags = run.info.run_id, run.data.tags
        self._client.update_run(run_id, status="RUNNING")
        self._client.set_tag(run_id, "process", str(process.here()))
        for key, value in (("commit", entry.commit), ("device", entry.device)):
            self._client.set_tag(run_id, key, _joined(tags[key], value))
        if "failure" in tags:
            self._client.delete_tag(run_id, "failure")

    @contextmanager
    def _lock(self) -> Generator[None]:
        """Hold the store's lock file: MLflow's first set-up and look-then-create cannot race."""
        with self._lock_file.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class TrackedRun:
    """One MLflow run, open. Made by `Store.begin`; rates go in as fractions, are kept in per
    cent."""

    def __init__(self, client: Any, run_id: str, entry: RunEntry, *, begun_before: bool) -> None:
        self.run_id = run_id
        self.begun_before = begun_before
        """Whether an earlier process began it."""
        self._client = client
        self._entry = entry
        self._since = time.monotonic()
        self._last_steps: dict[str, int] = {}
        logged: dict[str, float] = client.get_run(run_id).data.metrics
        self._hours_before = logged.get(_HOURS, 0.0)
        self._closed = False
        # A run that died while beginning may have only some of its settings.
        log_params(client, run_id, entry.run.flat())
        self._monitor = system_monitor(client, run_id)

    def __enter__(self) -> TrackedRun:
        """Return the run itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the run if `finish` has not; see `Store.begin`."""
        if self._closed:
            return
        if kind is None:
            self._close("FAILED", "it was left before its figures were there")
        else:
            status = "FAILED" if issubclass(kind, Exception) else "KILLED"
            self._close(status, f"{kind.__name__}: {error}".removesuffix(": "))

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Log points of curves at `step`; rates (`bench.metrics.catalogue`) are fractions.

        A point at or before a metric's last logged step is skipped. So a run that goes back to its
        last checkpoint and repeats some steps keeps the curve of an uninterrupted run, without
        second points; where the repeated values differ, the first stand.
        """
        fresh = {name: value for name, value in metrics.items() if step > self._last_step(name)}
        if fresh:
            self._send({name: per_cent(name, value) for name, value in fresh.items()}, step)
            self._last_steps.update(dict.fromkeys(fresh, step))
            self._log_hours()

    def inputs(self, datasets: Sequence[DatasetUse]) -> None:
        """Log the splits that the run uses as MLflow's dataset inputs; repeating them is
        harmless."""
        log_inputs(self._client, self.run_id, datasets)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of the file at `path`, in `folder` of the run's artifacts or at their top."""
        if not path.is_file():
            raise BenchError(f"{path}: there is no such file to keep with {self._entry.name}")
        self._client.log_artifact(self.run_id, str(path), folder)

    def finish(self, figures: Mapping[str, Figure]) -> None:
        """Log the final figures (fractions by `<evaluation>.<metric>`) and mark the run
        FINISHED."""
        self._send(values(figures), step=0)
        self._client.set_tag(self.run_id, _NOTE, describe(self._entry, figures))
        self._close("FINISHED")

    def _close(self, status: str, failure: str | None = None) -> None:
        if self._monitor is not None:
            self._monitor.finish()
        self._log_hours()
        if failure is not None:
            self._client.set_tag(self.run_id, "failure", cut(failure, _TAG_LENGTH))
        self._client.set_terminated(self.run_id, status)
        self._closed = True

    def _log_hours(self) -> None:
        """Log the hours of work, over all processes so far, at a step of whole seconds."""
        hours = self._hours_before + (time.monotonic() - self._since) / 3600
        self._send({_HOURS: hours}, step=int(hours * 3600))

    def _last_step(self, name: str) -> int:
        if name not in self._last_steps:
            history: list[Any] = self._client.get_metric_history(self.run_id, name)
            self._last_steps[name] = max((point.step for point in history), default=-1)
        return self._last_steps[name]

    def _send(self, metrics: Mapping[str, float], step: int) -> None:
        log_metrics(self._client, self.run_id, metrics, step)


def _kind(run: Any) -> str:
    return run.data.tags["kind"]


def _refuse_if_alive(run: Any, entry: RunEntry) -> None:
    """Refuse a run that a process of this machine works on; another machine's is taken over.

    A job that a cluster moves to another node comes back there, and its old process is gone.
    """
    holder = process.parse(run.data.tags["process"])
    here = process.here()
    if run.info.status == "RUNNING" and holder.host == here.host and process.alive(holder):
        who = "this very process" if holder == here else f"process {holder.pid}"
        raise BenchError(f"{entry.table}: {entry.name} is being run by {who} on {holder.host}")


def _joined(before: str, now: str) -> str:
    return before if now in before.split(", ") else f"{before}, {now}"
