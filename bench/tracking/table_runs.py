"""The tracked runs of tables' rows; without opening a store that is not there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
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
    if not packages.is_installed("mlflow") or address.configured_address(config).is_new:
        return []
    runs = read_local_runs(config, tables, tags)
    if runs is not None:
        return runs
    from bench.tracking.store import Store

    return Store(config).search_tables(tables, tags)


def read_local_runs(
    config: Config, tables: Sequence[str], tags: Mapping[str, str]
) -> list[Any] | None:
    """Return the runs of a local store without MLflow; None where only MLflow can say.

    That is where the store is new, no file or not readable so, or where this process, a unit of a
    submission, has runs in a store of its own.
    """
    file = _local_file(config)
    return None if file is None else sqlite_runs.read_runs(file, tables, tags)


def find_artifact_uri(config: Config, run_id: str) -> str | None:
    """Return where a run of a local store keeps its files; None where only MLflow can say.

    That is where `read_local_runs` says None, and where the files are not below the artifacts' root
    of the configuration, as before a store that was moved is opened for the first time.
    """
    file = _local_file(config)
    uri = None if file is None else sqlite_runs.read_artifact_uri(file, run_id)
    is_here = uri is not None and uri.startswith(f"{config.artifact_root.as_uri()}/")
    return uri if is_here else None


def _local_file(config: Config) -> Path | None:
    to = address.configured_address(config)
    return None if to.is_new or submissions.current_unit() is not None else to.file


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
