"""Augmentation of training clips, a module for each kind (`bench.specs.kinds`).

Waveforms are changed one by one (RawBoost, recorded noise), two clips are spliced (mix-frame), or
the clips of a batch are mixed with their labels (Cross-Segment Mixing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.config import Config
from bench.specs.augment import Augment, Mix, Splice
from bench.specs.base import Absent

if TYPE_CHECKING:  # torch is needed where batches are mixed, and nowhere else here
    import torch
    from torch import Tensor


class Augmentation(Protocol):
    """Changes the samples of a clip."""

    def __call__(self, wave: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return as many samples; all that is drawn comes from `rng`."""
        ...


class SplicedClip(NamedTuple):
    """A clip after splicing."""

    wave: NDArray[np.float32]
    """(n,)"""
    injected: NDArray[np.bool_]
    """(hops,), whether a hop lies in a region from the other clip."""


class Splicer(Protocol):
    """Puts regions of one clip into another."""

    def splice_clips(
        self,
        base: NDArray[np.float32],
        injector: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> SplicedClip:
        """Return `base` with regions of `injector`, which is as long."""
        ...

    def label_clip(self, n: int, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return the labels that `splice_clips` gives a clip of `n` samples, without its audio.

        `rng` is a generator in the same state.
        """
        ...


class MixedBatch(NamedTuple):
    """Clips of a batch after mixing.

    `waves` are "batch samples", `spoof` and `valid` bool "batch frames", `attack_type` long
    "batch".
    """

    waves: Tensor
    spoof: Tensor
    valid: Tensor
    attack_type: Tensor


class Mixer(Protocol):
    """Mixes the clips of a batch with each other, labels with them."""

    def __call__(
        self,
        waves: Tensor,
        spoof: Tensor,
        valid: Tensor,
        attack_type: Tensor,
        *,
        samples_per_frame: int,
        generator: torch.Generator,
    ) -> MixedBatch:
        """Return the mixed batch; what is passed is not changed."""
        ...


def build_augmentation(spec: Augment | None, config: Config) -> Augmentation:
    """Return the augmentation that `spec` describes, if any.

    Raise BenchError where it needs recordings that this machine does not have.
    """
    if spec is None or isinstance(spec, Absent):
        return _keep_wave
    return spec.build(config)


def build_splicer(spec: Splice) -> Splicer | None:
    """Return the splicer that `spec` describes."""
    return None if isinstance(spec, Absent) else spec.build()


def build_mixer(spec: Mix) -> Mixer | None:
    """Return the mixer that `spec` describes."""
    return None if isinstance(spec, Absent) else spec.build()


def apply_sometimes(
    probability: float, change: Augmentation, wave: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return `wave` changed with `probability`, else as it is."""
    return change(wave, rng=rng) if rng.random() < probability else wave


def _keep_wave(wave: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:  # noqa: ARG001
    return wave
