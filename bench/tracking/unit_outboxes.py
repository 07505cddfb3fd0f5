"""Outboxes that units of a submission, or other machines, record to instead of a SQLite file.

SQLite on a drive that machines share must not be written by two of them. So each unit has a store
of its own below `outboxes` of the work folder; `bench sync` sends all of them.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from bench._io import atomic_files
from bench.config import Config
from bench.jobs import process, submissions

_FOLDER, _FILE = "outboxes", "outbox.db"
_HOSTS = "hosts"


def unit_outbox(config: Config) -> Path | None:
    """Return the outbox of the unit that this process runs; None where it runs none."""
    unit = submissions.current_unit()
    if unit is None:
        return None
    return _outbox_path(config, unit.submission.name, unit.name)


def host_outbox(config: Config) -> Path:
    """Return the outbox of this machine."""
    return _outbox_path(config, _HOSTS, process.this_process().host)


def _outbox_path(config: Config, *names: str) -> Path:
    parts = (atomic_files.portable_name(name) for name in names)
    return Path(config.work, _FOLDER, *parts, _FILE).absolute()


def list_outboxes(config: Config) -> list[Path]:
    """Return the databases of all outboxes of units and machines."""
    return sorted((config.work / _FOLDER).absolute().glob(f"*/*/{_FILE}"))


def list_run_names(file: Path) -> list[str]:
    """Return the names of the runs that wait in an outbox, without opening it by MLflow.

    One that cannot be read, as while another machine writes it, counts as one run.
    """
    query = (
        "select experiments.name, runs.name from runs join experiments using (experiment_id) "
        "where runs.lifecycle_stage = 'active' order by runs.start_time"
    )
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            return [f"{table}: {name}" for table, name in database.execute(query)]
    except sqlite3.Error:
        return [f"{file.parent.parent.name}: {file.parent.name}"]


def count_waiting(config: Config) -> int:
    """Return how many runs of units and machines wait to be sent."""
    return sum(len(list_run_names(file)) for file in list_outboxes(config))


def has_tag(file: Path, name: str, value: str) -> bool:
    """Return whether any run in an outbox has a tag of this value; False where it is not read."""
    query = "select 1 from tags where key = ? and value = ? limit 1"
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database,
    ):
        return database.execute(query, (name, value)).fetchone() is not None
    return False


def remove_outbox(file: Path) -> None:
    """Remove an outbox that was sent, and the folders above it that are empty then."""
    shutil.rmtree(file.parent, ignore_errors=True)
    with suppress(OSError):
        file.parent.parent.rmdir()
        file.parent.parent.parent.rmdir()
