"""The SQLite file of a local store: created whole, usable after a move, readable when read-only.

It is examined with SQLite, before MLflow opens it.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from bench._io import atomic_files, file_locks
from bench.errors import BenchError
from bench.tracking.address import file_address, local_folder
from bench.tracking.client import open_client

_DEFAULT = "0"
"""The experiment that MLflow makes with each store; it would stand empty among the tables."""


def write_refusal(file: Path, lock_file: Path) -> str:
    """Return why a store cannot be written, "" where it can. The lock file's folder is made.

    A store that cannot be locked cannot be written either: two processes would spoil it.
    """
    try:
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        file_locks.require_lockable(lock_file)
    except OSError as error:
        return f"{lock_file} cannot be locked: {error.strerror or error}"
    # SQLite needs its folder for its journal.
    paths = [path for path in (file, file.parent) if path.exists()]
    shut = [path for path in paths if not os.access(path, os.W_OK)]
    return f"there is no permission to write {shut[0]}" if shut else ""


def make_store(file: Path) -> None:
    """Make the store where it is new, or was left half-made by a process that was killed.

    It is made in a folder beside and moved into place when it is whole. Only a file that holds no
    experiment is taken for half-made: MLflow's own is made last. Raise BenchError where the file is
    no database, or another program's. To be called under the store's lock.
    """
    if _is_whole(file):
        return
    for leftover in ("-journal", "-wal", "-shm"):  # they would be taken for the new file's
        file.with_name(file.name + leftover).unlink(missing_ok=True)
    with atomic_files.scratch_folder(file) as folder:
        aside = folder / file.name
        write_empty(aside)
        atomic_files.write_bytes(file, aside.read_bytes())


def write_empty(file: Path) -> None:
    """Write a store that holds nothing."""
    open_client(file_address(file)).delete_experiment(_DEFAULT)


def _is_whole(file: Path) -> bool:
    """Return whether a file is a store that was once whole."""
    if not file.exists() or not file.stat().st_size:
        return False
    try:
        with closing(sqlite3.connect(file)) as database:
            rows = database.execute("select name from sqlite_master where type = 'table'")
            tables = {name for (name,) in rows}
            held = [
                database.execute(f"select 1 from {table} limit 1").fetchone()
                for table in {"experiments", "runs"} & tables
            ]
    except sqlite3.Error as error:
        raise BenchError(
            "tracking.cannot-open", f"the tracking store {file} cannot be opened: {error}"
        ) from error
    if tables - {"alembic_version"} and "experiments" not in tables:
        raise BenchError(
            "tracking.not-a-store",
            f"the tracking store {file} is another program's database (it has the table "
            f"{min(tables)!r}): name another file",
        )
    return any(held)


def relocate_artifacts(file: Path, root: Path) -> None:
    """Have the runs of a store that was moved or copied name the artifacts that came with it.

    MLflow keeps where artifacts are as whole paths. A run's are below `root` if they are there, or
    if it is to go on and has none where they were; else they stay known where they were. To be
    called under the store's lock.
    """
    prefix = f"{root.as_uri()}/"
    with closing(sqlite3.connect(file)) as database, database:
        elsewhere = database.execute(
            "select run_uuid, status, artifact_uri, experiment_id, experiments.name "
            "from runs join experiments using (experiment_id) "
            "where substr(artifact_uri, 1, ?) <> ?",
            (len(prefix), prefix),
        )
        for run, status, old, *names in elsewhere.fetchall():
            earlier = local_folder(old)
            for name in names:  # MLflow's own pages call an experiment's folder by its number
                tail = Path(str(name), run, "artifacts")
                if earlier is None or earlier.parts[-len(tail.parts) :] != tail.parts:
                    continue
                if (root / tail).is_dir() or (status != "FINISHED" and not earlier.is_dir()):
                    _move_run(database, run, old, (root / tail).as_uri())


def direct_artifacts(file: Path, experiment_id: str, to: Path) -> None:
    """Make `to` the folder of the artifacts of an experiment's future runs.

    An experiment whose artifacts are not on this machine is left alone. The caller holds the
    store's lock.
    """
    with closing(sqlite3.connect(file)) as database, database:
        query = "select artifact_location from experiments where experiment_id = ?"
        (location,) = database.execute(query, (experiment_id,)).fetchone()
        if local_folder(location) not in (None, to):
            statement = "update experiments set artifact_location = ? where experiment_id = ?"
            database.execute(statement, (to.as_uri(), experiment_id))


def _move_run(database: sqlite3.Connection, run: str, old: str, new: str) -> None:
    """Name a run's artifacts, and its registered model, by their new place."""
    database.execute("update runs set artifact_uri = ? where run_uuid = ?", (new, run))
    for column in ("source", "storage_location"):
        database.execute(
            f"update model_versions set {column} = ? || substr({column}, ?) "
            f"where run_id = ? and substr({column}, 1, ?) = ?",
            (new, len(old) + 1, run, len(old), old),
        )


def copy_store(file: Path, to: Path) -> None:
    """Copy a store that cannot be written; BenchError where it cannot be read.

    Another process may be writing it: it is asked for a state between two transactions, and only
    where its lock cannot be had, because nobody can write there, read as it lies.
    """
    error: Exception | None = None
    for how in ("mode=ro", "immutable=1"):
        try:
            with (
                closing(sqlite3.connect(f"{file.as_uri()}?{how}", uri=True)) as source,
                closing(sqlite3.connect(to)) as target,
            ):
                source.backup(target)
            return
        except sqlite3.Error as raised:
            error = raised
    raise BenchError(
        "tracking.not-readable",
        f"the tracking store {file} cannot be read ({error}): ask its owner for permission to read "
        "it, or name another by MLFLOW_TRACKING_URI",
    ) from error
