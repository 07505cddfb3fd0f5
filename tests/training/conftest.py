"""A very small run on very small corpora."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.specs.run import Run

SMALL = [
    "training.epochs=3",
    "training.batch_size=4",
    "train.clip_s=1.28",
    "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}",
    "system.hidden=8",
]
"""Overrides that make a row of table 4 train in about a second."""


@pytest.fixture
def config(miniatures: Path, tmp_path: Path) -> Config:
    """A machine whose corpora are miniatures and whose work folder is this test's own."""
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    return Config(work=tmp_path, device="cpu", workers=0)


@pytest.fixture
def with_workers(config: Config) -> Config:
    """The same with two loader processes."""
    return dataclasses.replace(config, workers=2)


@pytest.fixture
def small() -> Callable[..., Run]:
    """Resolve a row of table 4, made very small."""

    def resolve(row: str, *overrides: str) -> Run:
        return table_cards.resolve_row(
            table_cards.read_table("table4"), row, "smoke", [*SMALL, *overrides]
        )

    return resolve


DETECTION = """
title = "SAL on whole utterances"
caption = "For these tests."
text_columns = ["System"]
seeds = [7]
columns = [{ heading = "EER", metric = "asvspoof2019la.eer" }]

[base]
system.kind = "sal"
system.hidden = 8
system.layers.kind = "last"
system.context.kind = "none"
system.auxiliary.kind = "none"
frontend = { kind = "tiny", blocks = 2, dim = 16, heads = 2, feed_forward = 16, channels = 8 }
augment.kind = "none"
mix.kind = "none"
optimiser = { kind = "adam", learning_rate = 1e-3 }
schedule.kind = "constant"
training = { epochs = 3, batch_size = 4, select = "dev.loss" }

[base.train]
corpus = "asvspoof2019la"
split = "train"
resolution_s = "utterance"
clip_s = 1.0
fill = "repeat"

[base.dev]
corpus = "asvspoof2019la"
split = "dev"
resolution_s = "utterance"
clip_s = 1.0
fill = "repeat"

[base.evaluate.asvspoof2019la]
corpus = "asvspoof2019la"
split = "eval"
resolution_s = "utterance"

[rows.X]
cells = ["X"]
"""


@pytest.fixture
def detection(tmp_path: Path) -> Callable[..., Run]:
    """Resolve a row that learns whole utterances of a detection corpus, made very small."""
    path = tmp_path / "detection.toml"
    path.write_text(DETECTION, encoding="utf-8")
    card = table_cards.parse_table("test/detection", path)
    return lambda *overrides: table_cards.resolve_row(card, "X", "smoke", overrides)
