"""The tracked runs of a table's rows; without opening a store that is not there."""

from __future__ import annotations

from typing import Any

from bench import packages
from bench.config import Config, Form


def table_runs(config: Config, table: str, form: Form) -> list[Any]:
    """Return MLflow's runs of the rows of a table in one form, the one that began last first; where
    a server is away, those that the outbox has. None where MLflow is not installed
    (`bench.tracking.opened.unread` says so).
    """
    if not packages.installed("mlflow"):
        return []
    from bench.tracking import address
    from bench.tracking.store import Store

    file = address.configured(config).file
    if file is not None and not file.is_file():
        return []
    return Store(config).search(table, {"form": form, "kind": "row"})


def overrides(runs: list[Any]) -> dict[str, str]:
    """Return what `--set` changed, by the ids of the runs; of those with other settings that say
    nothing of it "".
    """
    return {run.info.run_id: run.data.tags.get("overrides", "") for run in runs}
