"""A table whose row has two stages, and a watcher of its runs."""

from __future__ import annotations

from bench.config import Config
from bench.runner import local
from bench.runner.outcomes import JobOutcome
from bench.runner.request import RunRequest
from bench.tracking.store import Store

CARD = """
title = "Two stages"
text_columns = ["System"]
seeds = [7]
columns = [{ heading = "EER", metric = "asvspoof2019la.eer" }]

[base]
system = { kind = "sal", layers.kind = "last", context.kind = "none", auxiliary.kind = "none" }
frontend = { kind = "tiny", blocks = 2, dim = 16, heads = 2, feed_forward = 16, channels = 8 }
augment.kind = "none"
mix.kind = "none"
train = { corpus = "asvspoof2019la", split = "train", resolution_s = "utterance", clip_s = 1.0375 }
dev = { corpus = "asvspoof2019la", split = "dev", resolution_s = "utterance", clip_s = 1.0375 }
optimiser = { kind = "adam", learning_rate = 1e-3 }
schedule.kind = "constant"
training = { epochs = 1, batch_size = 4 }
evaluate.asvspoof2019la = { corpus = "asvspoof2019la", split = "eval", resolution_s = "utterance" }

[rows.alone]
cells = ["alone"]

[rows.two]
from = "alone"
cells = ["two stages"]
[rows.two.start]
kind = "stage"
[rows.two.start.stage]
train = { resolution_s = 0.02, fill = "repeat", splice = { kind = "mix-frame" } }
dev = { resolution_s = 0.02, fill = "repeat", splice = { kind = "mix-frame" } }
training.epochs = 2
optimiser.learning_rate = 1e-3

[rows.again]
from = "two"
cells = ["two stages, another second one"]
optimiser.learning_rate = 2e-3
"""


class Watcher:
    """Keeps what it is told; may stop the run that is named."""

    def __init__(self, stop: str = "") -> None:
        self.said: list[str] = []
        self.begun: list[str] = []
        self.steps: list[str] = []
        self.stop = stop

    def begin(self, name: str, epochs: int) -> None:
        self.begun.append(name)

    def say(self, text: str) -> None:
        self.said.append(text)

    def on_step(self, epoch, step, steps, losses) -> None:
        self.steps.append(self.begun[-1])
        if self.begun[-1] == self.stop and epoch == 2:
            raise KeyboardInterrupt

    def on_epoch(self, epoch, figures) -> None:
        pass

    def on_score(self, evaluation, done, total) -> None:
        pass


def run_rows(card, config: Config, rows: list[str], watcher: Watcher) -> list[JobOutcome]:
    """Run rows of a table in smoke form."""
    store = Store(config)
    return list(local.run_jobs(RunRequest(card, rows, None, "smoke"), config, store, watcher))
