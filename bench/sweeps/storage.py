"""Where a study is kept: a file of this machine that several processes share, or PostgreSQL.

The file is Optuna's journal, with a lock of ours. Optuna's own locks are files that a killed
process leaves behind, and that others break after 30 s, two at once if it happens so; the kernel
gives ours back when its holder dies. SQLite is not offered: Optuna itself advises against it where
several processes write.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import optuna
from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.storages.journal._file import BaseJournalFileLock

from bench.errors import BenchError

_SERVER = "postgresql"


class Storage(NamedTuple):
    """An open storage, and what keeps others out of it for a moment."""

    optuna: Any
    """Optuna's."""
    alone: Callable[[str], AbstractContextManager[None]]
    """Holds a lock of that name, which every process that uses the storage asks for."""


def opened(url: str | None, name: str, work: Path) -> Storage:
    """Return the storage at `url`; by default a file for the study `name` in the work folder.

    A BenchError where the URL is of another kind than PostgreSQL's, or cannot be opened.
    """
    if url is None:
        return _file(work / "sweeps" / f"{name}.journal")
    if not url.startswith((f"{_SERVER}://", f"{_SERVER}+")):
        scheme = url.partition(":")[0]
        raise BenchError(
            f"--storage {scheme}:...: should be postgresql://user@host/database; without it a "
            "study is kept in a file, which processes of this machine can share"
        )
    return _server(url)


class FileLock(BaseJournalFileLock):
    """A lock on a journal, held by one process; the kernel releases it when its holder dies."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._held: BinaryIO | None = None

    def acquire(self) -> bool:
        """Wait for the lock; then cut off a line that a process killed in its midst left torn, so
        that the next is not written behind it.
        """
        self._held = self._journal.with_name(self._journal.name + ".lock").open("wb")
        fcntl.flock(self._held, fcntl.LOCK_EX)
        _mend(self._journal)
        return True

    def release(self) -> None:
        """Let others go on."""
        if self._held is not None:
            self._held.close()
            self._held = None


def _mend(journal: Path) -> None:
    with journal.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def _file(path: Path) -> Storage:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    backend = JournalFileBackend(str(path), lock_obj=FileLock(path))

    @contextmanager
    def alone(name: str) -> Generator[None]:
        with path.with_name(f"{path.name}.{name}").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    return Storage(JournalStorage(backend), alone)


def _server(url: str) -> Storage:
    import sqlalchemy
    from sqlalchemy.exc import SQLAlchemyError
    from sqlalchemy.pool import NullPool

    try:
        # A connection for each use: one kept over hours of training would be dropped by then.
        engine = sqlalchemy.create_engine(url, poolclass=NullPool)

        @contextmanager
        def alone(name: str) -> Generator[None]:
            # Of the session, so that it is given back when the process or its connection dies.
            key = {"key": zlib.crc32(name.encode())}
            with engine.connect() as connection:
                connection.execute(sqlalchemy.text("select pg_advisory_lock(:key)"), key)
                try:
                    yield
                finally:
                    connection.execute(sqlalchemy.text("select pg_advisory_unlock(:key)"), key)

        with alone("open"):  # two processes that make its tables at once would fail
            storage = optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": NullPool})
    except ModuleNotFoundError as error:
        raise BenchError(
            f"--storage: the driver {error.name} of PostgreSQL is not installed: "
            f"`pip install {error.name}`"
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise BenchError(f"--storage: cannot be opened: {error}") from error
    return Storage(storage, alone)
