"""What happens to a row, a line at a time: where no terminal shows bars, and in a file."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from bench._io.printable import format_count

EVERY_S = 180.0
"""So many seconds at least lie between two lines of one epoch or one evaluation."""


def format_duration(seconds: float) -> str:
    """Return how long something takes.

    >>> [format_duration(seconds) for seconds in (51.4, 840.0, 4320.0, 35280.0)]
    ['51 s', '14 min', '1 h 12 min', '9.8 h']
    """
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 300 else f"{seconds / 3600:.1f} h"


class ProgressLog:
    """Writes lines about a row: when it begins, after each epoch, during long epochs, when it ends.

    A line is, for example, `12:04:31 S5 seed 666 epoch 7/50 loss 0.112 dev EER 3.90 % 14 min, left
    9.8 h`. The time left assumes that each further epoch takes as long as those of this process did
    on average.
    """

    def __init__(
        self,
        write: Callable[[str], None],
        seconds: Callable[[], float] = time.monotonic,
        time_of_day: Callable[[], str] = lambda: time.strftime("%H:%M:%S"),
    ) -> None:
        """`write` is given a whole line; `seconds` is a clock that only goes forward."""
        self._write, self._seconds, self._time_of_day = write, seconds, time_of_day
        self._name, self._epochs = "", 0
        self._trained = 0
        """Epochs that were trained since `_started_s`, which is when the first of them began."""
        self._started_s = self._epoch_started_s = self._last_line = seconds()
        self._resumed_epoch = 0
        """The last epoch of an earlier process, until the first step of this one."""
        self._stepped = False
        self._evaluation = ""
        self._evaluation_started_s = 0.0

    def write_line(self, text: str) -> None:
        """Write one line, after the time of day."""
        for part in text.splitlines():
            self._write(f"{self._time_of_day()} {part}")

    def begin(self, name: str, epochs: int) -> None:
        """A row and seed begin, with at most so many epochs."""
        self._name, self._epochs = name.replace(" · ", " "), epochs
        self._trained, self._resumed_epoch, self._stepped, self._evaluation = 0, 0, False, ""
        self._started_s = self._epoch_started_s = self._last_line = self._seconds()
        self._write_progress(f"begin, up to {format_count(epochs, 'epoch')}")

    def on_step(self, epoch: int, step: int, steps: int, losses: Mapping[str, float]) -> None:
        """Write where within a long epoch training is."""
        if self._resumed_epoch:
            self._write_progress(f"goes on after epoch {self._resumed_epoch}/{self._epochs}")
            self._resumed_epoch = 0
        self._stepped = True
        if step < steps and self._is_due():
            loss = f" loss {losses['loss']:.3g}" if "loss" in losses else ""
            self._write_progress(f"epoch {epoch}/{self._epochs} step {step} of {steps}{loss}")

    def on_epoch(self, epoch: int, results: Mapping[str, float]) -> None:
        """Write the epoch's loss, its EER on dev, its duration and the time left.

        Epochs that an earlier process trained have no line.
        """
        now = self._seconds()
        if not self._stepped:
            self._resumed_epoch = epoch
            self._started_s = self._epoch_started_s = now
            return
        self._stepped = False
        self._trained += 1
        took, self._epoch_started_s, self._last_line = now - self._epoch_started_s, now, now
        left = (now - self._started_s) / self._trained * (self._epochs - epoch)
        loss = f"loss {results['train.loss']:.3g} dev EER {100 * results['dev.eer']:.2f} %"
        if "dev.loss" in results:
            loss += f" dev loss {results['dev.loss']:.3g}"
        rest = f", left {format_duration(left)}" if epoch < self._epochs else ""
        took_text = format_duration(took)
        self._write_progress(f"epoch {epoch}/{self._epochs} {loss} {took_text}{rest}")

    def on_score(self, evaluation: str, done: int, total: int) -> None:
        """Write how far a long evaluation is."""
        now = self._seconds()
        if evaluation != self._evaluation:
            self._evaluation, self._evaluation_started_s = evaluation, now
            self._last_line = now
            self._write_progress(f"scoring {evaluation}: {format_count(total, 'utterance')}")
        elif done < total and done and self._is_due():
            left = (now - self._evaluation_started_s) / done * (total - done)
            text = f"scoring {evaluation}: {done:,} of {total:,}, left {format_duration(left)}"
            self._write_progress(text)

    def _write_progress(self, text: str) -> None:
        self.write_line(f"{self._name} {text}")

    def _is_due(self) -> bool:
        now = self._seconds()
        if now - self._last_line < EVERY_S:
            return False
        self._last_line = now
        return True
