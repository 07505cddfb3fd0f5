"""Settings of made training and held-out data."""

from __future__ import annotations

from bench.specs.augment import Augment
from bench.specs.base import Absent
from bench.specs.run import HeldOutData, TrainData

NONE: Augment = Absent(kind="none")


def train(clip_s: float | None, **settings) -> TrainData:
    whole = {"corpus": "c", "split": "train", "resolution_s": None, "clip_s": clip_s}
    return TrainData(**{**whole, **settings})


def held_out(**settings) -> HeldOutData:
    return HeldOutData(**{"corpus": "c", "split": "dev", "resolution_s": None, **settings})
