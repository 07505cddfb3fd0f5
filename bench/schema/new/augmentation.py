"""EXAMPLE, an augmentation: a random change of loudness."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.config import Config
from bench.models.augment import Augmentation, apply_sometimes
from bench.specs.base import NotNegative, Share
from bench.specs.kinds import AugmentSettings


class Example(AugmentSettings):
    """A random change of loudness."""

    kind: Literal["example"]
    probability: Share = 0.5
    """Probability that a clip is changed."""
    most_db: NotNegative = 6.0
    """Largest change, up or down."""

    def build(self, config: Config) -> Augmentation:
        """Return the augmentation; it needs no file of this machine."""
        return partial(apply_sometimes, self.probability, partial(change_gain, self.most_db))


def change_gain(
    most_db: float, wave: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return `wave` louder or softer by up to `most_db`, drawn evenly in dB."""
    return (wave * 10 ** (rng.uniform(-most_db, most_db) / 20)).astype(np.float32)
