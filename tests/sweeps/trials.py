"""Trials of a small sweep, their watcher and their table."""

from __future__ import annotations

import io

import pandas as pd


def kept(trials: pd.DataFrame) -> pd.DataFrame:
    """The table as it comes back from the tracking store: all of it text."""
    return pd.read_csv(io.StringIO(trials.to_csv(index=False)), dtype=str, keep_default_na=False)


SMALL = """
title = "λ"
from = "sal/table4:S5"
trials = 3
sampler.kind = "grid"
epochs = 2

[space]
system.auxiliary.weight = { kind = "float", low = 0.1, high = 0.3, step = 0.1 }

[smoke.base]
training.batch_size = 4
train.clip_s = 1.28
frontend = { blocks = 1, dim = 16, heads = 2, feed_forward = 16, channels = 8 }
system = { hidden = 8, context = { blocks = 1 } }
"""


class Watcher:
    """Shows nothing; may raise at the beginning of an epoch of a trial."""

    def __init__(self, stop: str = "", error: BaseException | None = None) -> None:
        self.stop, self.error = stop, error
        self.steps: list[str] = []
        self.said: list[str] = []
        self.name = ""

    def begin(self, name: str, epochs: int) -> None:
        self.name = name

    def say(self, text: str) -> None:
        self.said.append(text)

    def on_step(self, epoch, step, steps, losses) -> None:
        self.steps.append(self.name)
        if self.error is not None and self.name.startswith(self.stop) and epoch == 2:
            raise self.error

    def on_epoch(self, epoch, figures) -> None:
        pass

    def on_score(self, evaluation, done, total) -> None:
        pass
