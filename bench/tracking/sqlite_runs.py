"""The runs of a local SQLite store, read with SQLite alone: importing MLflow takes two seconds."""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_REVISION = re.compile(r"^(down_)?revision\b[^=]*= *[\"'](\w+)[\"']", re.MULTILINE)


class RunInfo(NamedTuple):
    """What MLflow's `run.info` says, as far as tables need it."""

    run_id: str
    run_name: str
    status: str
    start_time: int
    """In milliseconds, as `end_time`."""
    end_time: int | None


class RunValues(NamedTuple):
    """What MLflow's `run.data` holds."""

    tags: dict[str, str]
    params: dict[str, str]
    metrics: dict[str, float]
    """The last value of each."""


class SqliteRun(NamedTuple):
    """A run as MLflow's client gives it, as far as tables need it."""

    info: RunInfo
    data: RunValues


def read_runs(file: Path, tables: Sequence[str], tags: Mapping[str, str]) -> list[SqliteRun] | None:
    """Return what `bench.tracking.store.Store.search_tables` does of the store in a file.

    Nothing is written. Return None where the file cannot be read so, and MLflow says what is wrong:
    it is locked or damaged, its tables are not those of the installed MLflow, or the only
    experiment that is asked for was deleted. Of several, deleted ones have no runs.
    """
    try:
        with _open_newest(file) as database:
            return _select_runs(database, tables, tags)
    except sqlite3.Error:
        return None


def read_artifact_uri(file: Path, run_id: str) -> str | None:
    """Return where a run keeps its files; None where there is none, or `read_runs` returns None."""
    try:
        with _open_newest(file) as database:
            query = "select artifact_uri from runs where run_uuid = ?"
            return next((uri for (uri,) in database.execute(query, [run_id])), None)
    except sqlite3.Error:
        return None


def list_artifact_uris(file: Path, table: str) -> list[str] | None:
    """Return where the runs of a table keep their files; None where `read_runs` returns None."""
    try:
        with _open_newest(file) as database:
            query = (
                "select artifact_uri from runs join experiments using (experiment_id) "
                "where experiments.name = ? order by run_uuid"
            )
            return [uri for (uri,) in database.execute(query, [table])]
    except sqlite3.Error:
        return None


@contextmanager
def _open_newest(file: Path) -> Generator[sqlite3.Connection]:
    """Open a store to read it; sqlite3.Error where its tables are not the installed MLflow's."""
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
        revisions = database.execute("select version_num from alembic_version").fetchall()
        if {revision for (revision,) in revisions} != _newest_revisions():
            raise sqlite3.DatabaseError("another schema")
        yield database


def _select_runs(
    database: sqlite3.Connection, tables: Sequence[str], tags: Mapping[str, str]
) -> list[SqliteRun]:
    deleted = "select 1 from experiments where lifecycle_stage = 'deleted' and name = ?"
    if len(tables) == 1 and database.execute(deleted, tables).fetchone():
        raise sqlite3.DatabaseError("a deleted experiment")
    marks = ", ".join("?" * len(tables))
    with_tag = "run_uuid in (select run_uuid from tags where key = ? and value = ?)"
    chosen = (
        "from runs join experiments using (experiment_id) "
        f"where experiments.name in ({marks}) and experiments.lifecycle_stage = 'active' "
        f"and runs.lifecycle_stage = 'active' {''.join(f' and {with_tag}' for _ in tags)}"
    )
    values = [*tables, *(text for pair in tags.items() for text in pair)]
    columns = "run_uuid, runs.name, status, start_time, end_time"
    order = "order by start_time desc, run_uuid"
    lines = database.execute(f"select {columns} {chosen} {order}", values)
    runs = {run[0]: SqliteRun(RunInfo(*run), RunValues({}, {}, {})) for run in lines}
    among = f"where run_uuid in (select run_uuid {chosen})"
    for table in ("tags", "params"):
        for run_id, key, text in database.execute(
            f"select run_uuid, key, value from {table} {among}", values
        ):
            getattr(runs[run_id].data, table)[key] = text
    for run_id, key, value, is_nan in database.execute(
        f"select run_uuid, key, value, is_nan from latest_metrics {among}", values
    ):
        runs[run_id].data.metrics[key] = math.nan if is_nan else value
    return [*runs.values()]


@cache
def _newest_revisions() -> set[str]:
    """Return the schema of the installed MLflow: revisions that no migration script follows."""
    package = find_spec("mlflow")
    if package is None or package.origin is None:
        return set()
    folder = Path(package.origin).with_name("store") / "db_migrations" / "versions"
    made, followed = set[str](), set[str]()
    for script in folder.glob("*.py"):
        for down, revision in _REVISION.findall(script.read_text(encoding="utf-8")):
            (followed if down else made).add(revision)
    return made - followed
