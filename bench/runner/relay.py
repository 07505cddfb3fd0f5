"""Progress of the first device's process, sent to the process that started those of all devices."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from bench.training.callbacks import TrainingCallback


class ProgressSender:
    """Sends all that it is told through a pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Send it."""
        self._pipe.send(("on_step", (epoch, step, steps, {**losses})))

    def on_epoch(self, epoch: int, figures: Mapping[str, float]) -> None:
        """Send it."""
        self._pipe.send(("on_epoch", (epoch, {**figures})))

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        """Send it."""
        self._pipe.send(("on_score", (evaluation, done, total)))


@contextmanager
def relay_progress(observer: TrainingCallback) -> Generator[Connection]:
    """Yield the end of a pipe for a `ProgressSender` in another process.

    A thread of this process passes what it sends on to `observer`. What `observer` raises is raised
    at the end of the block.
    """
    here, there = get_context("spawn").Pipe(duplex=False)
    raised: list[BaseException] = []

    def pass_on() -> None:
        message: tuple[str, tuple[Any, ...]] | None
        while (message := here.recv()) is not None:
            if not raised:  # else the pipe is only emptied: who sends would wait for that
                try:
                    getattr(observer, message[0])(*message[1])
                except BaseException as error:  # raised where the block ends
                    raised.append(error)

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        yield there
    finally:
        there.send(None)
        thread.join()
        here.close()
        there.close()
    if raised:
        raise raised[0]
