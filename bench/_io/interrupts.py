"""Ctrl-C and SIGTERM: put off until a transaction is over, kept from being lost, or waited for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


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


class InterruptGuard:
    """While the block runs, Ctrl-C ends it in KeyboardInterrupt, whatever a library makes of it.

    torch's file writer, for one, raises RuntimeError in its clean-up when a save is interrupted,
    and the row would then count as failed instead of stopped. Python drops an interrupt that comes
    while an object is collected; `raise_if_asked` finds it.
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
