"""Put Ctrl-C off until a transaction is over."""

from __future__ import annotations

import signal
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def undisturbed() -> Generator[None]:
    """Handle an interrupt only when the block is over.

    In the middle of a transaction it would leave SQLite locked against whatever this process still
    has to say of its run: MLflow rolls back on an Exception, which KeyboardInterrupt is not.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # handlers run in the main thread alone
        return
    came: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *given: came.append(given))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])
