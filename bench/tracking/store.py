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

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pandas as pd

from bench.cards import table_cards
from bench.config import Config, Form
from bench.errors import BenchError
from bench.metrics.measured import Figure
from bench.specs.table import Table
from bench.tracking import (
    file_store,
    maintenance,
    mlflow_store,
    mlflow_views,
    registered_models,
    run_lifecycle,
    scored_record,
    scored_runs,
    shared_runs,
    sync,
)
from bench.tracking.client import is_of_store, unreachable
from bench.tracking.mlflow_store import MlflowStore
from bench.tracking.run_frame import tidy
from bench.tracking.run_lifecycle import OpenRun
from bench.tracking.run_record import RunEntry, ScoredEntry
from bench.tracking.tracked_run import TrackedRun, renew_results

if TYPE_CHECKING:
    from torch import nn

T = TypeVar("T")


class _Away(Exception):
    """The store's server does not answer, and why."""


def _to_stderr(text: str) -> None:
    print(text, file=sys.stderr)


class Store:
    """The tracking store of this machine's configuration, opened (and made where it is new)."""

    def __init__(self, config: Config, say: Callable[[str], None] = _to_stderr) -> None:
        """Open `config.tracking_uri`. Processes that open a new store at once wait for each other.

        `say` is told where records go to the outbox. Raise BenchError where MLflow cannot open it.
        """
        self._config, self._say = config, say
        self._own = mlflow_store.open_configured(config)
        self._told = False
        self.uri = self._own.at.shown
        """Its address, as it may be shown."""

    def answers(self) -> bool:
        """Return whether the store is a file, or its server takes connections."""
        return self._own.answers()

    def no_answer(self, why: Exception) -> str:
        """Return in a line that the store's server does not answer, and why."""
        return f"the tracking server {self.uri} does not answer: {self._own.said(why)}"

    @property
    def client(self) -> Any:
        """MLflow's client of this store, or of the outbox while the store does not answer."""
        return self._try(lambda to: to.client)

    def require_writable(self) -> None:
        """Raise BenchError where nothing can be kept in the store."""
        self._try(lambda to: to.require_writable())

    def begin(self, entry: RunEntry) -> TrackedRun:
        """Return the tracked run of `entry`, running: a new one, or the unfinished one reopened.

        Used as a context manager: an exception marks it FAILED, an interrupt KILLED, and leaving it
        before `finish` FAILED. Raise BenchError where it is finished already, or is being run by a
        living process (of this machine, or of this program itself).
        """
        begun = self._try(lambda to: self._begin(to, entry))

        def outbox(error: Exception) -> OpenRun:
            self._tell(error)
            return run_lifecycle.begin_run(self._outbox, entry)

        return TrackedRun(begun, entry, outbox)

    def finished(self, entry: RunEntry) -> Any | None:
        """Return the MLflow run with the settings, seed, data and contents of `entry` that finished
        last; None where none is finished.
        """
        return next((run for run in self._alike(entry) if run.info.status == "FINISHED"), None)

    def renew_results(self, run_id: str, entry: RunEntry, figures: Mapping[str, Figure]) -> None:
        """Log the figures of a finished run (fractions) that were computed anew from its score
        files, and by which code; BenchError where the store does not answer.
        """
        self._reached(lambda to: renew_results(to, run_id, entry, figures))

    def finished_id(self, entry: RunEntry) -> str | None:
        """Return the id of the run that `finished` returns."""
        found = self.finished(entry)
        return found.info.run_id if found else None

    def next_repeat(self, entry: RunEntry) -> RunEntry:
        """Return the entry by which what is finished is run once more, or goes on being so."""
        return run_lifecycle.next_repeat(entry, self._alike(entry))

    def changed_since(self, entry: RunEntry) -> list[str]:
        """Return what the last finished run with the settings, seed and data of `entry` was made
        from and is another by now, by name.
        """
        for run in self.search(entry.table, entry.asked_for):
            if run.info.status == "FINISHED":
                return run_lifecycle.changed_since(run, entry)
        return []

    def _alike(self, entry: RunEntry) -> list[Any]:
        found = self._try(lambda to: run_lifecycle.find_alike(to, entry))
        if self._waits:
            found += run_lifecycle.find_alike(self._outbox, entry)
        return sorted(found, key=lambda run: -run.info.start_time)

    def sweep_dead(self) -> list[str]:
        """Mark runs FAILED whose process died without a word (kill -9, power); return their names.

        A run of another machine is left alone: whether it lives cannot be known here.
        """
        return self._try(maintenance.fail_dead_runs)

    def present(self, table: Table) -> None:
        """Have MLflow's pages show the runs of a table as the paper shows its rows; see
        `bench.tracking.mlflow_views`.
        """
        self._try(lambda to: maintenance.present_table(to, table))

    def pages(self) -> dict[str, str]:
        """Return where MLflow's pages show each table that has runs, below the server's address."""
        found = self._reached(lambda to: to.client.search_experiments())
        key = f"mlflow.sharedViewState.{mlflow_views.VIEW}"
        return {
            of.name: mlflow_views.view_address(of.experiment_id) for of in found if key in of.tags
        }

    def frame(self, table_key: str, form: Form) -> pd.DataFrame:
        """Return the runs of a table's own rows in one form, one row each; columns as in
        `tracking.frame`. Raise BenchError where the store does not answer.
        """
        return tidy(self._runs(table_key, form, "row"))

    def scored(self, table_key: str, form: Form) -> pd.DataFrame:
        """Return what `keep_scored` keeps beside a table, one row each; columns as in
        `tracking.scored_record.SCORED`. What was kept without MLflow is sent to the store first.
        Raise BenchError where the store does not answer.
        """
        if waiting := file_store.names(self._records):
            try:
                self._take_records()
            except BenchError as error:
                self._say(f"{len(waiting)} judged score files wait for `bench sync`: {error}")
        return scored_record.scored_runs_frame(self._runs(table_key, form, "scored"))

    def model(self, run_id: str) -> nn.Module:
        """Return the trained system of a finished run, from the store's artifacts."""
        return self._try(lambda to: registered_models.load_registered_model(to.client, run_id))

    def runs_trained_in(self, folder: str) -> list[Any]:
        """Return the finished runs, of whatever table, whose training has the folder `place` below
        a work folder, the one that began last first.
        """
        return self._try(lambda to: shared_runs.runs_trained_in(to, folder))

    def fetch_artifact(self, run_id: str, path: str, folder: Path) -> Path:
        """Return a copy, in `folder`, of a file or folder that a run keeps; BenchError where it
        keeps none, or the store does not give it.
        """
        return self._try(lambda to: shared_runs.fetch_artifact(to, run_id, path, folder))

    def artifact_names(self, run_id: str, below: str) -> list[str]:
        """Return the paths of the files that a run keeps in a folder of its artifacts."""
        return self._try(lambda to: shared_runs.artifact_names(to, run_id, below))

    def keep_scored(self, entry: ScoredEntry, artifacts: Mapping[str, Sequence[Path]]) -> str:
        """Keep the judged score file of another system as a finished run, a part of the system's;
        return its id. `artifacts` are files by the folder of the run's that they come into.

        The same file, judged alike, is kept once. Of one corpus the file that was judged last
        stands; earlier ones are kept (`bench.tracking.scored_runs`).
        """
        return self._try(lambda to: scored_runs.keep_scored_file(to, entry, artifacts))

    def search(self, table: str, tags: Mapping[str, str]) -> list[Any]:
        """Return MLflow's runs in the experiment `table` that have all the tags, the one that began
        last first.
        """
        return self.search_tables([table], tags)

    def search_tables(self, tables: Sequence[str], tags: Mapping[str, str]) -> list[Any]:
        """Return what `search` does, of several tables; the store is asked for all at once."""
        return self._try(lambda to: to.search_tables(tables, tags))

    def shared(
        self, table: str, name: str, identity: Mapping[str, str], more: Mapping[str, str]
    ) -> str:
        """Return the id of the run that has the tags `identity`, for several processes to work on;
        where there is none it is made, with `more` tags.
        """
        return self._try(lambda to: _shared(to, table, name, identity, more))

    def waiting(self) -> list[str]:
        """Return the names of the runs that the outbox holds, and of records that MLflow has not
        got yet.
        """
        kept = file_store.names(self._records)
        return [*(sync.waiting_runs(self._outbox) if self._waits else []), *kept]

    def synchronise(self, *, elsewhere: bool = False) -> list[sync.Sent]:
        """Send what the outbox holds to the store, and what was kept without MLflow; what is sent
        is not sent again. What was recorded for another store is sent only with `elsewhere`.

        Raise BenchError where the store does not answer: what was not sent still waits.
        """
        sent: list[sync.Sent] = []
        if self._waits:
            sent += self._reached(lambda to: self._send(to, elsewhere=elsewhere))
        return [*sent, *self._take_records()]

    @functools.cached_property
    def _outbox(self) -> MlflowStore:
        return mlflow_store.open_outbox(self._config)

    @property
    def _records(self) -> Path:
        return file_store.folder(self._config)

    def _take_records(self) -> list[sync.Sent]:
        """Send what was kept without MLflow to the store."""
        if not file_store.names(self._records):
            return []

        def keep(record: file_store.StoredRecord) -> None:
            judged = record.judged_ms
            self._reached(
                lambda to: scored_runs.keep_scored_file(to, record.entry, record.files, judged)
            )
            if record.entry.table in table_cards.table_keys():
                self.present(table_cards.table(record.entry.table))

        return [sync.Sent(name, "sent") for name in file_store.send_records(self._records, keep)]

    @property
    def _waits(self) -> bool:
        return mlflow_store.outbox_file(self._config).is_file()

    def _begin(self, to: MlflowStore, entry: RunEntry) -> OpenRun:
        if to is self._own and self._waits:
            self._send(to, entry.identity)  # so that it goes on in one place
        return run_lifecycle.begin_run(to, entry)

    def _send(
        self, to: MlflowStore, identity: Mapping[str, str] | None = None, *, elsewhere: bool = False
    ) -> list[sync.Sent]:
        self._outbox.require_writable()
        systems = scored_runs.list_systems(self._outbox) if identity is None else []
        sent = [*sync.send_runs(self._outbox, to, identity, elsewhere=elsewhere)]
        for tags in systems:
            scored_runs.refresh_system(to, tags)
        return sent

    def _try(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store, or, where that does not answer, in the outbox."""
        try:
            return self._there(work)
        except _Away as away:
            self._tell(away)
        return work(self._outbox)

    def _reached(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store itself."""
        try:
            return self._there(work)
        except _Away as away:
            raise BenchError("tracking.no-answer", self.no_answer(away)) from away

    def _there(self, work: Callable[[MlflowStore], T]) -> T:
        if not self._own.answers():
            raise _Away("it takes no connection")
        try:
            return work(self._own)
        except Exception as error:
            if not self._own.is_local and unreachable(error):
                raise _Away(self._own.said(error)) from error
            if is_of_store(error):
                said = self._own.said(error)
                raise BenchError(
                    "tracking.store-failed", f"the tracking store {self.uri}: {said}"
                ) from error
            raise

    def _tell(self, why: Exception) -> None:
        if self._told:
            return
        self._told = True
        file = mlflow_store.outbox_file(self._config)
        self._say(f"{self.no_answer(why)}; records go to {file}, `bench sync` sends them on")

    def _runs(self, table_key: str, form: Form, kind: str) -> list[Any]:
        wanted = {"form": form, "kind": kind}
        return self._reached(lambda to: to.search(table_key, wanted))


def _shared(
    to: MlflowStore, table: str, name: str, identity: Mapping[str, str], more: Mapping[str, str]
) -> str:
    with to.lock():
        found = to.search(table, identity)
        if found:
            return found[0].info.run_id
        return to.create_run(table, name, {**identity, "identity": " ".join(identity), **more})
