"""Ctrl-C, SIGTERM and SIGUSR1: put off, kept from being lost, noted, or waited for.

Ctrl-C ends what runs at once. SIGTERM and SIGUSR1, which a cluster sends before it ends a job, only
ask for a stop: whoever works looks at `is_stop_asked` where it can stop without a loss.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from bench.errors import BenchError, make_stop

STOP_SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)
)
"""Signals that ask for a stop; Windows has no SIGUSR1."""


@contextmanager
def defer_sigint() -> Generator[None]:
    """Handle an interrupt only when the block is over.

    In the middle of a transaction it would leave SQLite locked against everything else that this
    process has to write: MLflow rolls back on an Exception, which KeyboardInterrupt is not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    came: list[tuple[Any, ...]] = []

    def note(*given: Any) -> None:
        came.append(given)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])


class _StopRequest:
    """Whether this process was asked to stop.

    A plain value: a handler that took a lock could wait for the very code that it interrupts.
    """

    asked = False


def ask_stop(*_: object) -> None:
    """Note that this process should stop; a handler of signals may call it, any number of times."""
    _StopRequest.asked = True


def is_stop_asked() -> bool:
    """Return whether this process should stop at its next good place."""
    return _StopRequest.asked


def raise_if_stop_asked(point: str) -> None:
    """Raise Stopped, at `point`, where this process should stop."""
    if _StopRequest.asked:
        raise make_stop(point)


@contextmanager
def note_stop_signals() -> Generator[None]:
    """While the block runs, SIGTERM and SIGUSR1 ask for a stop and do nothing else.

    Once they have asked, they are ignored after the block, so that a second one does not disturb
    the end of the process.
    """
    _StopRequest.asked = False
    before = {number: signal.signal(number, ask_stop) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if _StopRequest.asked else handler)
        _StopRequest.asked = False


class InterruptGuard:
    """While the block runs, Ctrl-C ends it in KeyboardInterrupt, whatever a library makes of it.

    torch's file writer, for one, raises RuntimeError in its clean-up when a save is interrupted,
    and the row would then count as failed instead of stopped. Python drops an interrupt that comes
    while an object is collected; `raise_if_asked` finds it. Where a stop was asked for, a failure
    that the suite does not know ends the block in Stopped: a process of ours got the signal as
    well, and died of it.
    """

    def __init__(self) -> None:
        self.asked = False

    def raise_if_asked(self) -> None:
        """Raise KeyboardInterrupt where one was asked for."""
        if self.asked:
            raise KeyboardInterrupt

    def __enter__(self) -> InterruptGuard:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        signal.signal(signal.SIGINT, self._before)
        if self.asked and isinstance(error, Exception):
            raise KeyboardInterrupt from error
        if is_stop_asked() and isinstance(error, Exception) and not isinstance(error, BenchError):
            raise make_stop("stopped") from error

    def _ask(self, *_: object) -> None:
        self.asked = True
        self.raise_if_asked()


@contextmanager
def catch_stop() -> Generator[threading.Event]:
    """Yield an event that Ctrl-C and SIGTERM set, instead of what else they do."""
    stopped = threading.Event()

    def stop(*_: Any) -> None:
        stopped.set()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
