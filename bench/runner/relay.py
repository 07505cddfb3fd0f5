"""What passes between the processes of several devices and the one that started them.

Progress comes from the first device's process; that training should stop goes to all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from typing import Any, NamedTuple

from bench._io import interrupts
from bench.training.callbacks import TrainingCallback

_POLL_S = 0.2
"""How often it is looked whether training should stop."""


class DeviceRelay(NamedTuple):
    """What the process of a device is given."""

    pipe: Connection
    """Takes the progress, by a `ProgressSender` in one process."""
    stop: Event
    """Set where training should stop."""

    def watch_stop(self) -> None:
        """Have this process stop training when the one that started it should."""

        def wait_for_stop() -> None:
            self.stop.wait()
            interrupts.ask_stop()

        threading.Thread(target=wait_for_stop, daemon=True).start()


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
def relay_progress(observer: TrainingCallback) -> Generator[DeviceRelay]:
    """Yield what the processes of several devices are given.

    A thread of this process passes the progress on to `observer`. What `observer` raises is raised
    at the end of the block.
    """
    context = get_context("spawn")
    here, there = context.Pipe(duplex=False)
    stop = context.Event()
    raised: list[BaseException] = []

    def pass_on() -> None:
        message: tuple[str, tuple[Any, ...]] | None
        while True:
            while not here.poll(_POLL_S):
                if interrupts.is_stop_asked():
                    stop.set()
            if (message := here.recv()) is None:
                return
            if not raised:  # else the pipe is only emptied: who sends would wait for that
                try:
                    getattr(observer, message[0])(*message[1])
                except BaseException as error:  # raised where the block ends
                    raised.append(error)

    thread = threading.Thread(target=pass_on, daemon=True)
    thread.start()
    try:
        yield DeviceRelay(there, stop)
    finally:
        there.send(None)
        thread.join()
        here.close()
        there.close()
    if raised:
        raise raised[0]
