"""The MLflow tracking store. Only bench.tracking imports mlflow, and only when a store is opened.

One MLflow run stands for one row of one table with one seed, one set of settings (the signature),
one state of the data and of what else it is made from, and one of the times that this was run.
Whoever begins it again after it died goes on in that same run. The store is worked through
`MlflowClient`, never through MLflow's fluent functions, whose one active run for a whole process is
left open by whatever raises at the wrong moment.

Where the store is a server that does not answer, records go to the outbox, a store of the same form
in the work folder, and are looked up there as well; `bench sync` sends them on.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bench.cards import table_cards
from bench.config import Config, Form
from bench.errors import BenchError
from bench.metrics.measured import MetricResult
from bench.specs.table import Table
from bench.tracking import (
    file_store,
    maintenance,
    mlflow_views,
    registered_models,
    run_lifecycle,
    scored_runs,
    shared_runs,
    sync,
    unit_outboxes,
)
from bench.tracking.mlflow_store import MlflowStore
from bench.tracking.outbox import StoreWithOutbox
from bench.tracking.run_record import RunRecord, ScoredFile
from bench.tracking.scored_record import ScoredRecord, read_scored_records
from bench.tracking.stored_runs import StoredRun, read_stored_runs
from bench.tracking.tracked_run import TrackedRun, renew_results

if TYPE_CHECKING:
    from torch import nn


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


class Store:
    """The tracking store of this machine's configuration, opened (and made where it is new)."""

    def __init__(self, config: Config, say: Callable[[str], None] = _to_stderr) -> None:
        """Open `config.tracking_uri`. Processes that open a new store at once wait for each other.

        `say` is told where records go to the outbox. Raise BenchError where MLflow cannot open it.
        """
        self._config, self._say = config, say
        self._access = StoreWithOutbox(config, say)
        self.uri = self._access.store.address.shown
        """Its address, as it may be shown."""

    def is_reachable(self) -> bool:
        """Return whether the store is a file, or its server takes connections."""
        return self._access.store.is_reachable()

    def require_open(self) -> None:
        """Raise BenchError where the store does not answer, or MLflow cannot open it."""
        self._access.run_in_store(lambda to: to.client)

    def describe_no_answer(self, why: Exception) -> str:
        """Return in a line that the store's server does not answer, and why."""
        return self._access.describe_no_answer(why)

    @property
    def client(self) -> Any:
        """MLflow's client of this store, or of the outbox while the store does not answer."""
        return self._access.run_anywhere(lambda to: to.client)

    def artifact_uri(self, run_id: str) -> str:
        """Return where a run keeps its files."""
        return self.client.get_run(run_id).info.artifact_uri

    def require_writable(self) -> None:
        """Raise BenchError where nothing can be kept in the store."""
        self._access.write_anywhere(lambda to: to.require_writable())

    def begin_run(self, entry: RunRecord) -> TrackedRun:
        """Return the tracked run of `entry`, running: a new one, or the unfinished one reopened.

        Used as a context manager: an exception marks it FAILED, an interrupt KILLED, and leaving it
        before `finish_run` FAILED. Raise BenchError where it is finished already, or is being run
        by a living process (of this machine, or of this program itself).
        """
        return TrackedRun(self._access, entry)

    def find_finished(self, entry: RunRecord) -> Any | None:
        """Return the last finished run with the settings, seed, data and contents, or None."""
        return next((run for run in self._find_alike(entry) if run.info.status == "FINISHED"), None)

    def renew_results(
        self,
        run_id: str,
        entry: RunRecord,
        figures: Mapping[str, MetricResult],
        pictures: Mapping[str, Sequence[Path]] = MappingProxyType({}),
        failure: str = "",
    ) -> None:
        """Log results (fractions) that were computed again for a finished run, and by which code.

        `pictures` are files by evaluation; `failure` says which figures are still missing. Raise
        BenchError where the store does not answer, or this process must not write it.
        """

        def renew(to: MlflowStore) -> None:
            renew_results(to, run_id, entry, figures, pictures, failure)

        own = self._access.own
        if own is not None and own.has_run(run_id):
            renew(own)
        else:
            self._access.run_in_store(renew)

    def finished_id(self, entry: RunRecord) -> str | None:
        """Return the id of the run that `find_finished` returns."""
        finished = self.find_finished(entry)
        return finished.info.run_id if finished else None

    def next_repeat(self, entry: RunRecord) -> RunRecord:
        """Return the entry by which what is finished is run once more, or goes on being so."""
        return run_lifecycle.next_repeat(entry, self._find_alike(entry))

    def changed_since(self, entry: RunRecord) -> list[str]:
        """Return what has changed since a run with the data and seed of `entry` was finished."""
        for run in self.search_runs(entry.table, entry.request_tags):
            if run.info.status == "FINISHED":
                return run_lifecycle.changed_since(run, entry)
        return []

    def _find_alike(self, entry: RunRecord) -> list[Any]:
        tag = ("signature", entry.run.signature)
        runs = self._access.gather_runs(lambda to: run_lifecycle.find_alike(to, entry), tag)
        if self._access.has_outbox:
            runs += run_lifecycle.find_alike(self._access.outbox, entry)
        return sorted(runs, key=lambda run: -run.info.start_time)

    def fail_dead_runs(self) -> list[str]:
        """Mark runs FAILED whose process died without a word (kill -9, power); return their names.

        A run of another machine is left alone, unless its lease or its cluster says that nobody is
        at it.
        """
        return self._access.write_anywhere(maintenance.fail_dead_runs)

    def present_table(self, table: Table) -> None:
        """Make MLflow's pages show a table as the paper does (`bench.tracking.mlflow_views`)."""
        self._access.write_anywhere(lambda to: maintenance.present_table(to, table))

    def page_addresses(self) -> dict[str, str]:
        """Return where MLflow's pages show each table that has runs, below the server's address."""
        experiments = self._access.run_in_store(lambda to: to.client.search_experiments())
        key = f"mlflow.sharedViewState.{mlflow_views.VIEW}"
        return {
            experiment.name: mlflow_views.view_address(experiment.experiment_id)
            for experiment in experiments
            if key in experiment.tags
        }

    def stored_runs(self, table_key: str, form: Form) -> list[StoredRun]:
        """Return the runs of a table's own rows in one form, oldest first.

        Raise BenchError where the store does not answer.
        """
        return read_stored_runs(self._runs(table_key, form, "row"))

    def scored_records(self, table_key: str, form: Form) -> list[ScoredRecord]:
        """Return the evaluated score files of other systems beside a table, in that order.

        Records that were kept without MLflow are sent to the store first. Raise BenchError where
        the store does not answer.
        """
        if waiting := file_store.record_names(self._records):
            try:
                self._take_records()
            except BenchError as error:
                self._say(f"{len(waiting)} evaluated score files wait for `bench sync`: {error}")
        return read_scored_records(self._runs(table_key, form, "scored"))

    def load_model(self, run_id: str) -> nn.Module:
        """Return the trained system of a finished run, from the store's artifacts."""
        return self._access.run_by_id(
            run_id, lambda to: registered_models.load_registered_model(to.client, run_id)
        )

    def runs_trained_in(self, folder: str) -> list[Any]:
        """Return the finished runs of all tables that were trained in `folder`, newest first."""
        return self._access.gather_runs(
            lambda to: shared_runs.runs_trained_in(to, folder), (shared_runs.TRAINED_IN, folder)
        )

    def fetch_artifact(self, run_id: str, path: str, folder: Path) -> Path:
        """Copy a file or folder of a run's artifacts to `folder` and return the copy's path.

        Raise BenchError where the run has no such file, or the store does not give it.
        """
        return self._access.run_by_id(
            run_id, lambda to: shared_runs.fetch_artifact(to, run_id, path, folder)
        )

    def artifact_names(self, run_id: str, below: str) -> list[str]:
        """Return the paths of the files that a run keeps in a folder of its artifacts."""
        return self._access.run_by_id(
            run_id, lambda to: shared_runs.artifact_names(to, run_id, below)
        )

    def keep_scored_file(self, entry: ScoredFile, artifacts: Mapping[str, Sequence[Path]]) -> str:
        """Keep the evaluated score file of another system as a finished run; return the run's id.

        It is a part of the system's run. `artifacts` are files by the folder of the run's artifacts
        that they are copied to. The same file with the same settings is kept once. The file of a
        corpus that was evaluated last counts; earlier ones stay (`bench.tracking.scored_runs`).
        """
        return self._access.write_anywhere(
            lambda to: scored_runs.keep_scored_file(to, entry, artifacts)
        )

    def search_runs(self, table: str, tags: Mapping[str, str]) -> list[Any]:
        """Return the MLflow runs of the experiment `table` with all these tags, newest first."""
        return self.search_tables([table], tags)

    def search_tables(self, tables: Sequence[str], tags: Mapping[str, str]) -> list[Any]:
        """Return what `search_runs` does, of several tables; the store is asked for all at once."""
        return self._access.gather_runs(lambda to: to.search_tables(tables, tags))

    def ensure_run(
        self, table: str, name: str, identity: Mapping[str, str], more: Mapping[str, str]
    ) -> str:
        """Return the id of the run with the tags `identity`; it is created, with `more`, if new."""
        return self._access.write_anywhere(lambda to: _ensure_run(to, table, name, identity, more))

    def waiting_names(self) -> list[str]:
        """Return the names of the runs and records that wait to be sent to the store."""
        runs = sync.waiting_runs(self._access.outbox) if self._access.has_outbox else []
        for file in unit_outboxes.list_outboxes(self._config):
            runs += unit_outboxes.list_run_names(file)
        return [*runs, *file_store.record_names(self._records)]

    def send_waiting(self, *, elsewhere: bool = False) -> list[sync.Sent]:
        """Send to the store what the outbox has and what was kept without MLflow.

        What is sent is not sent again. Runs that were recorded for another store are sent only with
        `elsewhere`. Raise BenchError where the store does not answer: what was not sent still
        waits.
        """
        sent: list[sync.Sent] = []
        if self._access.has_outbox:
            sent += self._access.run_in_store(
                lambda to: self._access.send_to(to, elsewhere=elsewhere)
            )
        if unit_outboxes.list_outboxes(self._config):
            sent += self._access.run_in_store(
                lambda to: self._access.send_outboxes(to, elsewhere=elsewhere)
            )
        return [*sent, *self._take_records()]

    @property
    def _records(self) -> Path:
        return file_store.records_folder(self._config)

    def _take_records(self) -> list[sync.Sent]:
        """Send what was kept without MLflow to the store."""
        if not file_store.record_names(self._records):
            return []

        def keep_record(record: file_store.StoredRecord) -> None:
            self._access.run_in_store(
                lambda to: scored_runs.keep_scored_file(
                    to, record.entry, record.files, record.judged_ms
                )
            )
            if record.entry.table in table_cards.table_keys():
                self.present_table(table_cards.read_table(record.entry.table))

        names = file_store.send_records(self._records, keep_record)
        return [sync.Sent(name, "sent") for name in names]

    def _runs(self, table_key: str, form: Form, kind: str) -> list[Any]:
        wanted = {"form": form, "kind": kind}
        if self._access.own is not None:
            return self._access.gather_runs(lambda to: to.search_table(table_key, wanted))
        return self._access.run_in_store(lambda to: to.search_table(table_key, wanted))


def _ensure_run(
    to: MlflowStore, table: str, name: str, identity: Mapping[str, str], more: Mapping[str, str]
) -> str:
    with to.hold_lock():
        runs = to.search_table(table, identity)
        if runs:
            return runs[0].info.run_id
        return to.create_run(table, name, {**identity, "identity": " ".join(identity), **more})
