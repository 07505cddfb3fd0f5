"""Leases: one process at a time works on something, on one machine or on many.

A lease is a folder with one file, which says who holds it and is renewed by a thread. It is made
aside and moved into place: a folder takes the place of another only where that one is empty, so of
several processes exactly one succeeds, and a reader never meets half a lease. POSIX demands this of
`rename` (ENOTEMPTY), and RFC 1813 (section 3.3.14) of a server for NFS version 3: atomic to the
client, and an error where the target is a folder that is not empty. rename(2) warns that on NFS an
error does not prove that nothing was renamed; so the lease itself is looked at afterwards.

Why no file made with O_EXCL, which open(2) allows on NFS since version 3: a dead holder's lease has
to be removed before the next can be made, and between looking at a file of a fixed name and
removing it, it may have become the lease of a living process. Here the file's name is the holder's
random token: removing it removes this one holder's lease or nothing. By the same name a holder that
was frozen for long learns that it is the holder no more.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from bench._io import atomic_files, interrupts, machine
from bench.errors import BenchError
from bench.jobs import holders
from bench.jobs.holders import Holder

NAME = "lease"
"""What the lease of a folder is called."""
_FIRST_POLL_S, _LAST_POLL_S = 0.05, 2.0
_FAR_POLL_S = 15.0
"""How often another machine's lease is looked at at least: that may ask the cluster."""
_ATTEMPTS = 50
"""So often a lease that nobody holds is tried for: something else lies in its folder."""
_GONE = (errno.ENOENT, errno.ESTALE, errno.ENOTDIR)
_TAKEN = (errno.EEXIST, errno.ENOTEMPTY)


class LeaseLost(BenchError):
    """Another process took the lease over, because this one had not renewed it for long."""


class Lease:
    """A lease that this process holds."""

    def __init__(self, path: Path, holder: Holder) -> None:
        self.path = path
        self._holder = holder
        self._file = path / holder.file_name()
        self._renewed = monotonic()
        self._lost = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._keep_renewing, name="lease", daemon=True)
        self._thread.start()

    def require_held(self) -> None:
        """Raise LeaseLost where another process has taken the lease over.

        The file is looked at only where the thread has not renewed it lately.
        """
        if monotonic() - self._renewed > 2 * holders.RENEW_S:
            self._renew()
        if self._lost:
            current = holders.read_holder(self.path)
            who = current.describe(self.path) if current else "nobody by now"
            raise LeaseLost(
                "lease.lost",
                f"{self.path}: this process did not renew its lease for more than "
                f"{holders.SILENT_S / 60:.0f} minutes (it was stopped, or the drive was away), or "
                f"somebody removed it; it is held by {who}",
            )

    def give_back(self) -> None:
        """Give the lease back; a forked child of its holder does nothing."""
        if not self._is_holder():
            return
        self._over.set()
        if threading.current_thread() is not self._thread:  # which may be the one to collect it
            self._thread.join(timeout=holders.RENEW_S)
        with suppress(OSError):  # what is left is known to be dead with this process
            self._file.unlink(missing_ok=True)
            self.path.rmdir()

    def _keep_renewing(self) -> None:
        while not self._lost and not self._over.wait(holders.RENEW_S):
            self._renew()

    def _renew(self) -> None:
        """Set the file's time to the server's; a drive that is away is tried again later."""
        try:
            if self._is_holder():
                os.utime(self._file)
            else:
                self._file.stat()
        except OSError as error:
            self._lost = self._lost or error.errno in _GONE
            return
        self._renewed = monotonic()

    def _is_holder(self) -> bool:
        return os.getpid() == self._holder.pid


@contextmanager
def hold_lease(path: Path, busy: Callable[[str], None]) -> Generator[Lease]:
    """Hold the lease in the folder `path` as long as the block runs; its parent must exist.

    Where another process holds it, `busy` is called once with who that is, since when and how to
    free it; it may raise, else the lease is waited for. Raise OSError where it cannot be made.
    """
    holder = holders.describe_this_process(secrets.token_hex(16))
    _take_lease(path, holder, busy)
    lease = Lease(path, holder)
    try:
        yield lease
    finally:
        lease.give_back()


def _take_lease(path: Path, holder: Holder, busy: Callable[[str], None]) -> None:
    pause, longest, attempts, is_reported = _FIRST_POLL_S, _LAST_POLL_S, 0, False
    while True:
        current = holders.read_holder(path)
        interrupts.raise_if_stop_asked("stopped while another process had the lease")
        verdict = current.judge(path) if current else "free"
        if verdict == "free":
            _remove_lease(path, current)
            if _place_lease(path, holder):
                return
        elif verdict == "held" and current and not is_reported:
            busy(current.describe(path))
            is_reported = True
        attempts = 0 if current else attempts + 1
        if attempts > _ATTEMPTS:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(path))
        if current:
            longest = _LAST_POLL_S if current.is_of_this_machine else _FAR_POLL_S
        time.sleep(pause)
        pause = min(2 * pause, longest)


def _remove_lease(path: Path, holder: Holder | None) -> None:
    """Remove the lease of a dead holder; a later one has another name."""
    if holder is not None:
        with machine.name_path(path):
            (path / holder.file_name()).unlink(missing_ok=True)
        atomic_files.remove_leftovers([path.parent])


def _place_lease(path: Path, holder: Holder) -> bool:
    """Make the lease, and return whether it is this holder's: another may have been faster."""
    with machine.name_path(path), atomic_files.scratch_folder(path) as aside:
        made = aside / NAME
        made.mkdir()
        file = made / holder.file_name()
        file.write_text(holder.format_file(), encoding="utf-8")
        with suppress(OSError):
            path.rmdir()  # an empty one: not every system moves a folder over it
        try:
            os.rename(made, path)
        except OSError as error:
            if (path / file.name).is_file():
                return True
            if error.errno in _TAKEN or path.is_dir():
                return False
            raise
    return True
