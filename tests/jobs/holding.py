"""Processes that hold leases, for tests."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.errors import Busy
from bench.jobs import holders, leases

_HOLD = """
import sys
from pathlib import Path
from bench.errors import BenchError
from bench.jobs import holders, leases
holders.RENEW_S = float(sys.argv[2])
def refuse(who):
    print("busy", flush=True)
    sys.exit(3)
with leases.hold_lease(Path(sys.argv[1]), refuse) as lease:
    print("held", flush=True)
    for _ in sys.stdin:
        try:
            lease.require_held()
            print("still held", flush=True)
        except BenchError as error:
            print(error.code, flush=True)
"""


class HoldingProcess:
    """Another process that holds a lease, and looks whether it still does when asked."""

    def __init__(self, path: Path, renew_s: float = 20.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, str(path), str(renew_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.read_line() == "held"

    def read_line(self) -> str:
        """Return what it says next."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def look(self) -> str:
        """Have it look whether it still holds the lease; return `still held` or an error's code."""
        assert self.process.stdin is not None
        print("look", file=self.process.stdin, flush=True)
        return self.read_line()

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        self.process.send_signal(signal.SIGKILL)
        self.end()

    def end(self) -> None:
        """Let it end by itself."""
        self.process.communicate()


@contextmanager
def hold_elsewhere(path: Path, renew_s: float = 20.0) -> Generator[HoldingProcess]:
    """Have another process hold a lease while the block runs."""
    holding = HoldingProcess(path, renew_s)
    try:
        yield holding
    finally:
        holding.process.send_signal(signal.SIGCONT)
        holding.end()


def refuse_busy(holder: str) -> None:
    """Raise Busy, which says who holds a lease."""
    raise Busy("row.busy", holder)


def take_lease(path: Path) -> None:
    """Take a lease and give it back; raise Busy where another holds it."""
    with leases.hold_lease(path, refuse_busy):
        pass


def is_held(path: Path) -> bool:
    """Return whether a living process holds a lease, as far as can be known."""
    holder = holders.read_holder(path)
    return holder is not None and holder.judge(path) != "free"


def move_to_host(patched: pytest.MonkeyPatch, host: str) -> None:
    """Have this process believe that it runs on another machine."""
    patched.setattr("socket.gethostname", lambda: host)
