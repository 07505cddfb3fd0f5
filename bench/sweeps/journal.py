"""Optuna's journal of a study, a record a line, with a lock of ours and a reader of ours.

Optuna's own locks are files that a killed process leaves behind, and that others break after 30 s,
two at once if it happens so; the kernel gives ours back when its holder dies. Its reader stops at
the first line that is no record, for ever; ours goes on where nothing is lost by it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from optuna.storages.journal import JournalFileBackend, JournalStorage
from optuna.storages.journal._file import BaseJournalFileLock
from optuna.storages.journal._storage import JournalOperation

from bench._io import file_locks, machine
from bench.errors import BenchError, quote_text
from bench.jobs.cluster_jobs import current_job
from bench.jobs.leases import hold_lease

_RECORD = re.compile(rb'(?=\{"op_code":)')
"""Where a record begins; within one, quotes are escaped."""
_OPERATION = re.compile(rb'\{"op_code":(\d+),')
_SHARED = ".shared"
"""Beside a journal: processes of several machines work at it."""
_COUNTED = (JournalOperation.CREATE_STUDY, JournalOperation.CREATE_TRIAL)
"""What is numbered by its order: without one of these, later records are of other trials."""


def open_journal(path: Path, say: Callable[[str], None]) -> JournalStorage:
    """Return the storage in the file at `path`, which is there, be it empty.

    `say` is told which records are passed over. BenchError, with file and line, where what follows
    a damaged line cannot be understood without it.
    """
    try:
        return JournalStorage(_Journal(path, say))
    except (KeyError, TypeError, ValueError, AssertionError) as error:
        raise BenchError(
            "sweep.journal-damaged", f"{path}: is no journal of a sweep ({error!r}): {_REMEDY}"
        ) from error


_REMEDY = "restore a copy of it, or move it away: the sweep then begins anew"


class _Position(NamedTuple):
    """How far the file is read."""

    record: int = 0
    """Records so far."""
    offset: int = 0
    line: int = 0
    last: bytes = b""
    """The last line."""


class _Journal(JournalFileBackend):
    """The journal in a file."""

    def __init__(self, path: Path, say: Callable[[str], None]) -> None:
        super().__init__(str(path), lock_obj=FileLock(path))
        self._path, self._say = path, say
        self._position = _Position()

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append records; an OSError names the file."""
        with machine.name_path(self._path):
            super().append_logs(logs)

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """Yield the records from that number (from 0) on, of all lines that are whole."""
        at = self._position if log_number_from == self._position.record else _Position()
        with self._path.open("rb") as file:
            file.seek(at.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break  # another process is writing it
                number = at.record
                for record in self._read_line(line, at):
                    if number >= log_number_from:
                        yield record
                    number += 1
                at = _Position(number, at.offset + len(line), at.line + 1, line)
        self._position = at

    def _read_line(self, line: bytes, before: _Position) -> Iterator[dict[str, Any]]:
        """Yield the records of a line.

        That is one; none if the line is blank or repeats the last one; several if lines ran
        together. Torn records that no other record depends on are passed over.
        """
        if not line.strip() or line == before.last:
            return
        for piece in filter(None, _RECORD.split(line.strip())):
            record = _parse_record(piece)
            if record is not None:
                yield record
                continue
            where = f"{self._path}:{before.line + 1}"
            operation = _OPERATION.match(piece)
            if operation is None or int(operation[1]) in _COUNTED:
                raise BenchError(
                    "sweep.journal-damaged",
                    f"{where}: is no record of a sweep: {quote_text(piece)}: {_REMEDY}",
                )
            self._say(f"{where}: a torn record is passed over: {quote_text(piece)}")


def _parse_record(piece: bytes) -> dict[str, Any] | None:
    """Return a record; None where the piece is none."""
    try:
        record = json.loads(piece)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


@contextmanager
def hold_alone(path: Path) -> Generator[None]:
    """Hold what the lock file at `path` stands for, on this machine and on all others.

    On one machine the kernel's lock does. A study that jobs of a cluster work at is shared from
    then on: all its processes hold a lease instead, which is safe on a network drive.
    """
    shared = path.with_name(path.name.partition(".journal")[0] + _SHARED)
    if current_job():
        shared.touch()
    if shared.exists():
        lease = path.with_name(f"{path.name}.lease")
        with hold_lease(lease, file_locks.wait_for_holder):
            yield
    else:
        with file_locks.hold_file(path):
            yield


class FileLock(BaseJournalFileLock):
    """A lock on a journal, held by one process; the kernel releases it when its holder dies."""

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._stack = ExitStack()

    def acquire(self) -> bool:
        """Wait for the lock, then cut off a torn last line."""
        lock_file = self._journal.with_name(self._journal.name + ".lock")
        self._stack.enter_context(hold_alone(lock_file))
        _cut_torn_line(self._journal)
        return True

    def release(self) -> None:
        """Let others go on."""
        self._stack.close()


def _cut_torn_line(journal: Path) -> None:
    with journal.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return
        file.seek(size - 1)
        if file.read(1) != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
