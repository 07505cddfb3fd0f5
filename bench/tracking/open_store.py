"""The store of `bench score` and of reports: MLflow's, or records where MLflow is missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bench._io import packages
from bench.config import Config
from bench.specs.table import Table
from bench.tracking.address import mask_secrets
from bench.tracking.file_store import FileStore

if TYPE_CHECKING:
    from bench.tracking.store import Store


def open_to_read(config: Config) -> Store | FileStore:
    """Return the store to make reports from.

    Raise NotInstalled where there is an MLflow store and no MLflow to read it with: its rows would
    be shown as not run.
    """
    if text := explain_unread(config):
        raise packages.NotInstalled("package.missing", text)
    return open_to_write(config)


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
