"""Where a study is kept: a file of this machine that several processes share, or PostgreSQL.

The file is Optuna's journal (`bench.sweeps.journal`). SQLite is not offered: Optuna itself advises
against it where several processes write.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import optuna

from bench.errors import BenchError
from bench.sweeps import journal

_SERVER = "postgresql"


class Storage(NamedTuple):
    """An open storage, and what keeps others out of it for a moment."""

    optuna: Any
    """Optuna's."""
    hold_lock: Callable[[str], AbstractContextManager[None]]
    """Holds a lock of that name, which every process that uses the storage asks for."""


def open_storage(url: str | None, name: str, work: Path, say: Callable[[str], None]) -> Storage:
    """Return the storage at `url`; by default a file for the study `name` in the work folder.

    `say` is told what is passed over of a damaged file. A BenchError where the URL is of another
    kind than PostgreSQL's, or it cannot be opened.
    """
    if url is None:
        return _open_file(work / "sweeps" / f"{name}.journal", say)
    if not url.startswith((f"{_SERVER}://", f"{_SERVER}+")):
        scheme = url.partition(":")[0]
        raise BenchError(
            "option.invalid",
            f"--storage {scheme}:...: should be postgresql://user@host/database; without it a "
            "study is kept in a file, which processes of this machine can share",
        )
    return _open_server(url)


def _open_file(path: Path, say: Callable[[str], None]) -> Storage:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

    @contextmanager
    def hold_lock(name: str) -> Generator[None]:
        with journal.hold_alone(path.with_name(f"{path.name}.{name}")):
            yield

    return Storage(journal.open_journal(path, say), hold_lock)


def _open_server(url: str) -> Storage:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        # A connection for each use: one kept over hours of training would be dropped by then.
        engine = sqlalchemy.create_engine(url, poolclass=NullPool)

        @contextmanager
        def hold_lock(name: str) -> Generator[None]:
            # Of the session, so that it is given back when the process or its connection dies.
            key = {"key": zlib.crc32(name.encode())}
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text("select pg_advisory_lock(:key)"), key)
                try:
                    yield
                finally:
                    connection.execute(sqlalchemy.text("select pg_advisory_unlock(:key)"), key)

        with hold_lock("open"):  # two processes that make its tables at once would fail
            storage = optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": NullPool})
    except ModuleNotFoundError as error:
        raise BenchError(
            "machine.not-installed",
            f"--storage: the driver {error.name} of PostgreSQL is not installed: "
            f"`pip install {error.name}`",
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise BenchError("sweep.storage-failed", f"--storage: cannot be opened: {error}") from error
    return Storage(storage, hold_lock)
