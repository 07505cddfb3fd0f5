"""The store of `bench score` and of reports: MLflow's, or records where MLflow is missing."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from bench._io import packages
from bench.config import Config, Form
from bench.specs.table import Table
from bench.tracking import file_store, table_runs
from bench.tracking.address import mask_secrets
from bench.tracking.file_store import FileStore
from bench.tracking.scored_record import ScoredRecord, read_scored_records
from bench.tracking.stored_runs import StoredRun, read_stored_runs

if TYPE_CHECKING:
    from bench.tracking.store import Store


class StoreReader:
    """The MLflow store as reports read it: opened only for what SQLite alone does not give.

    Importing MLflow, and opening a store, takes seconds.
    """

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def _store(self) -> Store:
        from bench.tracking.store import Store

        return Store(self._config)

    @property
    def client(self) -> Any:
        """MLflow's client of the store."""
        return self._store.client

    def artifact_uri(self, run_id: str) -> str:
        """Return where a run keeps its files; a store that was moved is opened to find them."""
        uri = table_runs.find_artifact_uri(self._config, run_id)
        return self._store.artifact_uri(run_id) if uri is None else uri

    def stored_runs(self, table_key: str, form: Form) -> list[StoredRun]:
        """Return what `bench.tracking.store.Store.stored_runs` does."""
        runs = table_runs.read_local_runs(self._config, [table_key], {"form": form, "kind": "row"})
        return self._store.stored_runs(table_key, form) if runs is None else read_stored_runs(runs)

    def scored_records(self, table_key: str, form: Form) -> list[ScoredRecord]:
        """Return what `bench.tracking.store.Store.scored_records` does."""
        wanted = {"form": form, "kind": "scored"}
        # Records that were kept without MLflow are sent to the store first.
        is_behind = bool(file_store.record_names(file_store.records_folder(self._config)))
        runs = None if is_behind else table_runs.read_local_runs(self._config, [table_key], wanted)
        if runs is None:
            return self._store.scored_records(table_key, form)
        return read_scored_records(runs)


def open_to_read(config: Config) -> StoreReader | FileStore:
    """Return the store to make reports from.

    Raise NotInstalled where there is an MLflow store and no MLflow to read it with: its rows would
    be shown as not run.
    """
    if text := explain_unread(config):
        raise packages.NotInstalled("package.missing", text)
    return StoreReader(config) if packages.is_installed("mlflow") else FileStore(config)


def open_to_write(config: Config) -> Store | FileStore:
    """Return the store to keep evaluated score files in."""
    if not packages.is_installed("mlflow"):
        return FileStore(config)
    from bench.tracking.store import Store

    return Store(config)


def prepare_store(config: Config, table: Table) -> None:
    """Make the store, and the experiment of a table, before many processes use them at once.

    Raise BenchError where the store cannot be written.
    """
    from bench.tracking.store import Store

    store = Store(config)
    store.require_writable()
    store.present_table(table)


def explain_unread(config: Config) -> str:
    """Return what to install where there is an MLflow store and no MLflow; else ""."""
    if packages.is_installed("mlflow"):
        return ""
    named = os.environ.get("MLFLOW_TRACKING_URI") or config.tracking
    file = config.work / "mlflow.db"
    if not named and not file.is_file():
        return ""
    store = mask_secrets(named) if named else str(file)
    return packages.missing_message(f"reading the tracking store {store}", "mlflow")
