"""Which process works on something, and whether it still lives."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process of some machine."""

    host: str
    pid: int
    started: str
    """When it started, as the system says it, so that a number given out anew is not mistaken for
    it; empty where the system does not say."""

    def __str__(self) -> str:
        """Return `host:pid:started`, as it is kept in the tracking store."""
        return f"{self.host}:{self.pid}:{self.started}"


def this_process() -> Process:
    """Return this process."""
    return Process(socket.gethostname(), os.getpid(), _started(os.getpid()) or "")


def parse_process(text: str) -> Process:
    """Return the process that `str` made `text` of.

    >>> parse_process("node7:4711:123456")
    Process(host='node7', pid=4711, started='123456')
    """
    host, pid, started = text.rsplit(":", 2)
    return Process(host, int(pid), started)


def machine_id() -> str:
    """Return what tells the processes that this system knows from those of any other.

    Two containers on one machine may have one host name, and know nothing of each other's
    processes. "" where the system has no such number.
    """
    with suppress(OSError):
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return f"{boot} {os.readlink(_PROC / 'self/ns/pid')}"
    return ""


def is_alive(process: Process) -> bool:
    """Return whether a process of this machine still runs. Say True for another machine's.

    Nothing is known of other machines, and to call a living run dead would be worse than the
    reverse.
    """
    if process.host != socket.gethostname():
        return True
    if process.started:
        return _started(process.pid) == process.started
    import psutil  # the small package does without, and Linux needs none

    return psutil.pid_exists(process.pid)


def _started(pid: int) -> str | None:
    """Return when a living process started; None where it is over or the system does not say.

    The unit is Linux's clock ticks from /proc, elsewhere seconds since 1970. Ticks do not change
    when the clock is set, as psutil's time of creation does.
    """
    if not (_PROC / "self" / "stat").exists():
        import psutil

        try:
            process = psutil.Process(pid)
            return None if process.status() == psutil.STATUS_ZOMBIE else str(process.create_time())
        except psutil.Error:
            return None
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold blanks and brackets
    state, started = fields[0], fields[19]
    return None if state == "Z" else started
