"""The tracked runs of tables' rows; without opening a store that is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench._io import packages
from bench.config import Config, Form
from bench.jobs import submissions
from bench.tracking import address, sqlite_runs


def table_runs(config: Config, table: str, form: Form) -> list[Any]:
    """Return the MLflow runs of a table's rows in one form, newest first.

    While a server does not answer, they are those of the outbox. None where MLflow is not installed
    (`bench.tracking.open_store.explain_unread` says so).
    """
    return runs_by_table(config, [table], form)[table]


def runs_by_table(config: Config, tables: Sequence[str], form: Form) -> dict[str, list[Any]]:
    """Return what `table_runs` does, of each of several tables; the store is asked once."""
    by_table: dict[str, list[Any]] = {table: [] for table in tables}
    for run in _search_rows(config, tables, {"form": form, "kind": "row"}):
        by_table[run.data.tags["table"]].append(run)
    return by_table


def _search_rows(config: Config, tables: Sequence[str], tags: Mapping[str, str]) -> list[Any]:
    """Return the runs; none where there is no store yet, or no MLflow."""
    if not packages.is_installed("mlflow"):
        return []
    to = address.configured_address(config)
    if to.is_new:
        return []
    if to.file is not None and submissions.current_unit() is None:
        runs = sqlite_runs.read_runs(to.file, tables, tags)
        if runs is not None:
            return runs
    from bench.tracking.store import Store

    return Store(config).search_tables(tables, tags)


def overrides_by_run(runs: list[Any]) -> dict[str, str]:
    """Return the settings that `--set` changed, by the id of the run; "" where it changed none."""
    return {run.info.run_id: run.data.tags.get("overrides", "") for run in runs}


def row_states(config: Config, table: str, form: Form) -> dict[str, str]:
    """Return the states of each signature's runs, e.g. `finished: seed 666; failed: seed 667`.

    Return none where MLflow is not installed (`bench.tracking.open_store.explain_unread` says so).
    """
    last: dict[str, dict[int, str]] = {}
    # Newest first: the last run of a seed says how that seed stands.
    for run in table_runs(config, table, form):
        tags = run.data.tags
        last.setdefault(tags["signature"], {}).setdefault(int(tags["seed"]), run.info.status)
    by_signature: dict[str, str] = {}
    for signature, status_of in last.items():
        seeds_of: dict[str, list[str]] = {}
        for seed, status in sorted(status_of.items()):
            seeds_of.setdefault(status, []).append(str(seed))
        parts = (f"{status}: seed {', '.join(seeds)}" for status, seeds in sorted(seeds_of.items()))
        by_signature[signature] = "; ".join(parts).lower()
    return by_signature
