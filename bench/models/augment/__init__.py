"""Augmentation of training clips, a module for each kind (`bench.specs.kinds`).

Waveforms are changed one by one (RawBoost, recorded noise), two clips are spliced (mix-frame), or
the clips of a batch are mixed with their labels (Cross-Segment Mixing).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

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


class DeviceAugmentation(Protocol):
    """Changes the clips of a batch on the device, as an `Augmentation` would one by one.

    What is drawn for a clip is drawn where the clip is read, from the clip's own generator.
    """

    def draw_clip(self, samples: int, rng: np.random.Generator) -> Any:
        """Return what is drawn for a clip of so many samples; None where it stays as it is."""
        ...

    def stack_clips(self, draws: Sequence[Any], samples: int) -> tuple[Tensor, ...]:
        """Return the draws of clips that are filled up to so many samples, as a named tuple."""
        ...

    def change_clips(self, waves: Tensor, lengths: Tensor, drawn: Any) -> Tensor:
        """Return the changed clips, "clips samples", and zeros after each one's length."""
        ...


class DrawnClip(NamedTuple):
    """What the device is to do with a clip."""

    drawn: Any
    """None where the clip stays as it is (`DeviceAugmentation.draw_clip`)."""
    length: int
    """Samples before it was filled up."""
    period: int
    """Samples after which it is repeated, at least `length`; 0 where it is followed by zeros."""


class DrawnBatch(NamedTuple):
    """What the device is to do with the clips of a batch."""

    rows: Tensor
    """"changed", the clips that are changed, the only ones below."""
    lengths: Tensor
    periods: Tensor
    """"changed", as in `DrawnClip`."""
    drawn: Any
    """As `DeviceAugmentation.stack_clips` gives it; None where no clip is changed."""


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


def build_on_device(spec: Augment, splice: Splice, config: Config) -> DeviceAugmentation | None:
    """Return the augmentation of batches on the device, where the configuration asks for it.

    None where there is none for `spec`, or clips are spliced after they are augmented.
    """
    if config.augment_on == "host" or isinstance(spec, Absent) or not isinstance(splice, Absent):
        return None
    return spec.build_on_device()


def stack_drawn(
    augmentation: DeviceAugmentation, clips: Sequence[DrawnClip], samples: int
) -> DrawnBatch:
    """Return what the device is to do with the clips of a batch, each of so many samples."""
    import torch

    rows = [row for row, clip in enumerate(clips) if clip.drawn is not None]
    changed = [clips[row] for row in rows]
    drawn = augmentation.stack_clips([clip.drawn for clip in changed], samples) if rows else None
    lengths = torch.tensor([clip.length for clip in changed], dtype=torch.long)
    periods = torch.tensor([clip.period or samples for clip in changed], dtype=torch.long)
    return DrawnBatch(torch.tensor(rows, dtype=torch.long), lengths, periods, drawn)


def augment_batch(augmentation: DeviceAugmentation, waves: Tensor, batch: DrawnBatch) -> Tensor:
    """Return the waves of a batch, "clips samples", with those changed that are to be."""
    import torch

    if batch.drawn is None:
        return waves
    device = waves.device
    rows, lengths, periods = (part.to(device, non_blocking=True) for part in batch[:3])
    drawn = batch.drawn._make(part.to(device, non_blocking=True) for part in batch.drawn)
    places = torch.arange(waves.shape[1], device=device)
    clips = waves[rows] * (places < lengths[:, None])
    changed = augmentation.change_clips(clips, lengths, drawn)
    return waves.index_copy(0, rows, changed.gather(1, places % periods[:, None]))


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
