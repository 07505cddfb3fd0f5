"""From a subset to batches: clips for training, utterances for scoring.

Every random draw is a function of (seed, epoch, utterance), never of a worker or of what was drawn
before: the same run gives the same clips whatever the number of workers, and a run resumed after
any step goes on exactly as it would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Sampler

from bench.config import Config
from bench.data.subset import Subset
from bench.models.augment import (
    DrawnBatch,
    DrawnClip,
    augment_batch,
    build_on_device,
    stack_drawn,
)
from bench.models.systems.base import Batch
from bench.specs.augment import Augment
from bench.specs.corpus import Audio
from bench.specs.run import HeldOutData, TrainData
from bench.training.clips import ClipReader, LabelledClip, held_out_key
from bench.units import to_samples


class TrainingClip(NamedTuple):
    """A clip, and what is left to do with it on the device."""

    clip: Batch
    """Without the first axis."""
    on_device: DrawnClip | None


class TrainingBatch(NamedTuple):
    """Clips, and what is left to do with them on the device."""

    batch: Batch
    on_device: DrawnBatch | None


class TrainingClips(Dataset[TrainingClip]):
    """Training clips: of one length, or whole utterances. Index with (epoch, utterance)."""

    def __init__(
        self,
        subset: Subset,
        data: TrainData,
        audio: Audio,
        augment: Augment,
        seed: int,
        config: Config,
    ) -> None:
        self.on_device = build_on_device(augment, data.splice, config)
        self.reader = ClipReader(subset, data, audio, augment, config, self.on_device)
        self.crop: Literal["random", "first"] = data.crop
        self.seed = seed

    def __len__(self) -> int:
        return len(self.reader.subset)

    def read_lengths(self) -> NDArray[np.int64] | None:
        """Return the samples of each utterance's clip; None where all have one length."""
        if self.reader.clip is not None:
            return None
        return np.array([self.reader.clip_length(index) for index in range(len(self))])

    def __getitem__(self, key: tuple[int, int]) -> TrainingClip:
        """Return one clip."""
        epoch, index = key
        clip = self.reader.read_clip(index, [self.seed, epoch, index], self.crop)
        return TrainingClip(_tensor_clip(clip, self.reader.attack_types[index]), clip.on_device)

    def collate_clips(self, clips: Sequence[TrainingClip]) -> TrainingBatch:
        """Stack clips into one batch."""
        batch = collate([clip.clip for clip in clips])
        drawn = [clip.on_device for clip in clips if clip.on_device is not None]
        if self.on_device is None:
            return TrainingBatch(batch, None)
        return TrainingBatch(batch, stack_drawn(self.on_device, drawn, batch.waves.shape[1]))

    def to_device(self, clips: TrainingBatch, device: torch.device) -> Batch:
        """Return a batch on the device, with the noise that is added there."""
        batch = Batch(*(part.to(device, non_blocking=True) for part in clips.batch))
        if self.on_device is None or clips.on_device is None:
            return batch
        return batch._replace(waves=augment_batch(self.on_device, batch.waves, clips.on_device))


def _tensor_clip(clip: LabelledClip, kind: np.int64) -> Batch:
    wave, spoof, valid, marks = (torch.from_numpy(part) for part in clip[:4])
    return Batch(wave, spoof, valid, torch.tensor(kind), marks)


class LengthBatches(NamedTuple):
    """Steps that learn from so many clips of nearly one length."""

    lengths: NDArray[np.int64]
    """The length of each utterance's clip."""
    size: int
    """Clips of a step, those of all processes together."""

    def order(self, drawn: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the utterances of an epoch, `drawn` at random, step by step.

        Whole steps are cut from utterances in the order of their length and come in an order that
        is drawn; the last step has what is left over, any utterances.
        """
        whole = len(drawn) - len(drawn) % self.size
        by_length = drawn[:whole][np.argsort(self.lengths[drawn[:whole]], kind="stable")]
        steps = by_length.reshape(-1, self.size)
        return np.concatenate([rng.permutation(steps).ravel(), drawn[whole:]])


class EpochSampler(Sampler[tuple[int, int]]):
    """A permutation for each epoch from (seed, epoch); each of `world` processes takes its share.

    With `batches` a step's utterances are of nearly one length. Shares are made equal by repeating
    the first utterances, as torch's DistributedSampler does: processes that step unequally often
    would wait for each other for ever.
    """

    def __init__(
        self,
        size: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        batches: LengthBatches | None = None,
    ) -> None:
        self.size, self.seed, self.rank, self.world = size, seed, rank, world
        self.batches = batches
        self.epoch = self.used = 0
        """`used` utterances of the epoch are left out: before its stop it has learnt from them."""

    def __len__(self) -> int:
        """Return how many utterances of a whole epoch are this process's share."""
        return -(-self.size // self.world)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        order = rng.permutation(self.size)
        if self.batches is not None:
            order = self.batches.order(order, rng)
        padded = np.resize(order, len(self) * self.world)
        for index in padded[self.used + self.rank :: self.world]:
            yield self.epoch, int(index)


class ScoringBatch(NamedTuple):
    """Utterances of one length, for scoring."""

    indices: Sequence[int]
    """Rows of the subset's table."""
    batch: Batch
    durations_s: Sequence[float]
    """Length of each utterance by its audio file."""


class Utterances(Dataset[ScoringBatch]):
    """Batches of utterances of equal length, so that none is padded to another's.

    Whole ones, with audio padded with zeros or cut to its labels' frames, by one frame at most (to
    20 ms where utterances are labelled); or the first clip of each. `augment` is for the released
    code's augmented dev set alone.
    """

    def __init__(
        self,
        subset: Subset,
        data: HeldOutData,
        audio: Audio,
        batch_s: float,
        config: Config,
        augment: Augment | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.subset, self.data = subset, data
        self.reader = ClipReader(subset, data, audio, augment, config)
        self.labels = [self.reader.scored_labels(i) for i in range(len(subset))]
        """What scores are compared with, for each utterance a bool array: True is spoof."""
        rank, world = share
        lengths = [self.reader.clip_length(i) for i in range(len(subset))]
        self.batches = _equal_lengths(lengths, batch_s)[rank::world]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> ScoringBatch:
        """Return batch `number`."""
        indices = self.batches[number]
        clips = [self.reader.read_clip(i, held_out_key(i), "first") for i in indices]
        kinds = self.reader.attack_types[indices]
        batch = collate([_tensor_clip(clip, kind) for clip, kind in zip(clips, kinds, strict=True)])
        return ScoringBatch(indices, batch, [clip.duration_s for clip in clips])


def _equal_lengths(lengths: Sequence[int], batch_s: float) -> list[list[int]]:
    """Group utterances of equally many samples into batches of at most `batch_s` seconds."""
    sorted_out = np.array(lengths)
    batches: list[list[int]] = []
    for length in np.unique(sorted_out):
        members = np.flatnonzero(sorted_out == length)
        size = max(1, int(to_samples(batch_s) // max(1, length)))
        batches += [members[i : i + size].tolist() for i in range(0, len(members), size)]
    return batches


def collate(clips: Sequence[Batch]) -> Batch:
    """Stack clips into one batch; what follows shorter ones is zeros, which are not valid."""
    return Batch(*(_stack_parts(parts) for parts in zip(*clips, strict=True)))


def _stack_parts(parts: Sequence[Tensor]) -> Tensor:
    if len({part.shape for part in parts}) == 1:
        return torch.stack([*parts])
    return pad_sequence([*parts], batch_first=True)
