"""Where a study is kept: a file of this machine that several processes share, or PostgreSQL.

The file is Optuna's journal (`bench.sweeps.journal`). SQLite is not offered: Optuna itself advises
against it where several processes write.

A server may be restarted while a trial trains: it is waited for. Whoever was writing at that moment
leaves the trial, and the next process goes on with it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import optuna
from optuna.exceptions import StorageInternalError

from bench.errors import BenchError
from bench.sweeps import journal

T = TypeVar("T")

_SERVER = "postgresql"
_PATIENCE_S, _AGAIN_S = 1800.0, 2.0
"""How long, and how often, a server is asked again that was there when the study was opened."""
_ATTEMPTS = 5
"""How often something is written while the server is lost at that very moment."""


class StudyLost(BaseException):
    """The study's server is lost; no Exception, which the runner would record as a failed trial."""


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
    return _open_server(url, say)


@contextmanager
def explain_loss() -> Generator[None]:
    """Raise one BenchError where the study's server is lost in the middle of its work."""
    from sqlalchemy.exc import OperationalError

    try:
        yield
    except (StudyLost, StorageInternalError, OperationalError) as error:
        reason: BaseException = error
        while not isinstance(reason, OperationalError) and reason.__cause__ is not None:
            reason = reason.__cause__
        raise BenchError(
            "sweep.storage-lost",
            f"--storage: the database went away ({_first_line(reason)}): give the same command "
            "again when it is back, it goes on with the trial",
        ) from error


def retry_write(write: Callable[[], T]) -> T:
    """Return what `write` does in a study, tried again where its server was lost at that moment.

    Raise StudyLost where it stays lost.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return write()
        except StorageInternalError:
            time.sleep(_AGAIN_S)
    try:
        return write()
    except StorageInternalError as error:
        raise StudyLost from error


def _open_file(path: Path, say: Callable[[str], None]) -> Storage:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()

    @contextmanager
    def hold_lock(name: str) -> Generator[None]:
        with journal.hold_alone(path.with_name(f"{path.name}.{name}")):
            yield

    return Storage(journal.open_journal(path, say), hold_lock)


def _open_server(url: str, say: Callable[[str], None]) -> Storage:
    import sqlalchemy
    from sqlalchemy.exc import OperationalError, SQLAlchemyError
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
                    with suppress(OperationalError):  # a connection that is lost has given it back
                        connection.execute(sqlalchemy.text("select pg_advisory_unlock(:key)"), key)

        tables = {*sqlalchemy.inspect(engine).get_table_names()}
        if "experiments" in tables and "studies" not in tables:
            raise BenchError(
                "sweep.storage-failed",
                "--storage: is the database of a tracking store: a study needs one of its own, "
                "because MLflow and Optuna note their versions in a table of the same name",
            )
        with hold_lock("open"):  # two processes that make its tables at once would fail
            storage = optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": NullPool})
        for each in (engine, storage.engine):
            _wait_for_server(each, say)
    except ModuleNotFoundError as error:
        raise BenchError(
            "machine.not-installed",
            f"--storage: the driver {error.name} of PostgreSQL is not installed: "
            f"`pip install {error.name}`",
        ) from error
    except (SQLAlchemyError, ValueError) as error:
        raise BenchError("sweep.storage-failed", f"--storage: cannot be opened: {error}") from error
    except RuntimeError as error:  # so Optuna refuses tables of another version
        raise BenchError("sweep.storage-version", f"--storage: {error}") from error
    return Storage(storage, hold_lock)


def _wait_for_server(engine: Any, say: Callable[[str], None]) -> None:
    """Have an engine wait for a server that does not answer any more; `say` is told so."""
    from sqlalchemy import event

    @event.listens_for(engine, "do_connect")
    def connect(dialect: Any, _record: Any, arguments: Any, options: Any) -> Any:
        until = time.monotonic() + _PATIENCE_S
        is_reported = False
        while True:
            try:
                return dialect.connect(*arguments, **options)
            except dialect.loaded_dbapi.OperationalError as error:
                if time.monotonic() > until:
                    raise StudyLost from error
                if not is_reported:
                    is_reported = True
                    why = _first_line(error)
                    say(f"the study's database does not answer and is waited for: {why}")
            time.sleep(_AGAIN_S)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
