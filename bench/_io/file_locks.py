"""Locks that processes hold on files.

The system frees a lock when its holder ends, however it ends, so none is left behind; on a network
drive with locks, its server does. This is the only place that asks the system for locks, by
`filelock`, for Linux, macOS and Windows. Two open handles of one process exclude each other like
two processes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from filelock import lock_descriptor, unlock_descriptor

_POLL_S = 0.02
_NAME_AT = 1
"""Where the holder's name begins: Windows lets nobody else read the first byte, which is locked."""


def wait_for_holder(holder: str) -> None:
    """Wait for the holder, whoever it is: what `hold_file` does by default where a file is held."""


@contextmanager
def hold_file(path: Path, busy: Callable[[str], None] = wait_for_holder) -> Generator[None]:
    """Hold the file at `path`, made where it is missing, as long as the block runs.

    Where another holds it, `busy` is called with who that is (`process 4711 on node7`); it may
    raise, else the lock is waited for. Raise OSError where the file cannot be opened or locked.
    """
    with _open_lock(path) as file:
        if not lock_descriptor(file.fileno(), blocking=False):
            busy(_read_holder(path))
            lock_descriptor(file.fileno(), poll_interval=_POLL_S)
        _write_holder(file, f"process {os.getpid()} on {socket.gethostname()}")
        try:
            yield
        finally:
            _write_holder(file, "")
            # Not by closing alone: a process that was forked meanwhile has the file open as well.
            unlock_descriptor(file.fileno())


def require_lockable(path: Path) -> None:
    """Raise OSError unless the file at `path` can be opened and locked, now or later.

    It is made where it is missing.
    """
    with path.open("ab") as file:
        lock_descriptor(file.fileno(), blocking=False)


def hold_handle(handle: int) -> bool:
    """Hold an open file or folder as long as its handle is open.

    Return False where another process holds it, or the file system has no locks. Windows opens no
    folders.
    """
    try:
        return lock_descriptor(handle, blocking=False)
    except OSError:
        return False


def _open_lock(path: Path) -> BinaryIO:
    """Open a lock's file without emptying it: another may hold it."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(path, flags, 0o666), "r+b", buffering=0)


def _write_holder(file: BinaryIO, name: str) -> None:
    """Keep the holder's name in the file; a full disk keeps none, and the lock holds."""
    with suppress(OSError):
        file.truncate(_NAME_AT)
        file.seek(_NAME_AT)
        file.write(name.encode())


def _read_holder(path: Path) -> str:
    with suppress(OSError), path.open("rb", buffering=0) as file:
        file.seek(_NAME_AT)
        if name := file.read(200).decode(errors="replace"):
            return name
    return "another process"
