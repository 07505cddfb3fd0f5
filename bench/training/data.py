"""From a subset to clips for training and whole utterances for scoring.

Every random draw is a function of (seed, epoch, utterance), never of a worker or of what was drawn
before: the same run gives the same clips whatever the number of workers, and a run resumed at an
epoch's start goes on exactly as it would have.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import Dataset, Sampler

from bench.augment.rawboost import rawboost
from bench.corpora.audio import header, read_wave
from bench.corpora.subset import FrameVectors, Span, Spans, Subset
from bench.errors import BenchError
from bench.labels.frames import spoof_frames
from bench.specs.augment import Augment, RawBoost
from bench.specs.corpus import Audio
from bench.specs.run import Data, TrainData
from bench.systems.base import Batch
from bench.units import frame_samples, samples


def frame_labels(subset: Subset, data: Data) -> list[np.ndarray]:
    """Return for each utterance, in the table's order, a bool array: True where a frame is spoof.

    Official vectors are taken as they are, so they must be of the resolution asked for; spans are
    turned into frames by `data.label_rule`.
    """
    ids = subset.table["utterance"].tolist()
    match subset.timing:
        case FrameVectors(resolution_s=resolution_s, spoof=spoof):
            if abs(resolution_s - data.resolution_s) > 1e-9:
                raise BenchError(
                    f"{subset.corpus} {subset.split}: labels were read at {resolution_s} s, "
                    f"asked for at {data.resolution_s} s"
                )
            return [spoof[name] for name in ids]
        case Spans(spans=spans):
            durations = subset.table["duration_s"].tolist()
            return [
                _from_spans(name, spans[name], duration, data)
                for name, duration in zip(ids, durations, strict=True)
            ]
        case None:
            raise BenchError(
                f"{subset.corpus} {subset.split}: has labels of whole utterances only, and this "
                "run learns frames"
            )


def _from_spans(utterance: str, spans: Sequence[Span], duration_s: float, data: Data) -> np.ndarray:
    try:
        return spoof_frames(spans, duration_s, data.resolution_s, data.label_rule)
    except BenchError as error:
        raise BenchError(f"{data.corpus} {data.split}: {utterance}: {error}") from error


def missing_audio(subset: Subset) -> list[str]:
    """Return the paths of the subset's utterances that have no audio file."""
    return [
        str(path)
        for path in (subset.audio_path(i) for i in range(len(subset)))
        if not path.is_file()
    ]


def require_audio(subset: Subset) -> None:
    """Raise unless every protocol line has its audio file: nothing is trained on less than
    asked.
    """
    missing = missing_audio(subset)
    if missing:
        raise BenchError(
            f"{subset.corpus} {subset.split}: {len(missing)} of {len(subset)} protocol lines have "
            f"no audio, the first is {missing[0]} (`bench data check {subset.corpus}` lists all)"
        )


class Clips(Dataset[Batch]):
    """Training clips of one length, cut on the label grid. Index with (epoch, utterance)."""

    def __init__(
        self, subset: Subset, data: TrainData, audio: Audio, augment: Augment, seed: int
    ) -> None:
        self.subset = subset
        self.labels = frame_labels(subset, data)
        self.audio = audio
        self.augment = augment
        self.seed = seed
        self.frame = frame_samples(data.resolution_s)
        self.frames = samples(data.clip_s) // self.frame

    def __len__(self) -> int:
        return len(self.subset)

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        """Return one clip: waves "samples", spoof and valid "frames"."""
        epoch, index = key
        rng = np.random.default_rng([self.seed, epoch, index])
        labels = self.labels[index]
        path = self.subset.audio_path(index)
        check_length(path, samples(header(path).duration_s), len(labels), self.frame)
        # The released code augments the whole utterance and then cuts; cutting first gives the
        # same noise to the clip for a fraction of the work.
        start = int(rng.integers(0, max(0, len(labels) - self.frames) + 1))
        cut = labels[start : start + self.frames]
        wave = read_wave(path, self.audio, start * self.frame, (start + len(cut)) * self.frame)
        wave = augmented(wave, self.augment, rng)
        waves = np.zeros(self.frames * self.frame, dtype=np.float32)
        waves[: len(wave)] = wave
        spoof = np.zeros(self.frames, dtype=bool)
        spoof[: len(cut)] = cut
        valid = np.arange(self.frames) < len(cut)
        return Batch(torch.from_numpy(waves), torch.from_numpy(spoof), torch.from_numpy(valid))


def check_length(path: Path, n_samples: int, frames: int, frame: int) -> None:
    """Raise unless audio and labels end within one frame of each other.

    Corpora differ by a frame in how they count the last, partial one; more is a mix-up of files.
    """
    if abs(n_samples - frames * frame) > frame:
        raise BenchError(
            f"{path}: {n_samples} samples, but its labels are {frames} frames of {frame}: the "
            "label vector has another length than the audio"
        )


def augmented(wave: np.ndarray, augment: Augment, rng: np.random.Generator) -> np.ndarray:
    """Return `wave` as `augment` leaves it; drawn from `rng` alone."""
    if isinstance(augment, RawBoost) and rng.random() < augment.probability:
        return rawboost(wave, augment, rng)
    return wave


class EpochSampler(Sampler[tuple[int, int]]):
    """A permutation for each epoch from (seed, epoch); each of `world` processes takes its share.

    Shares are made equal by repeating the first utterances, as torch's DistributedSampler does:
    processes that step unequally often would wait for each other for ever.
    """

    def __init__(self, size: int, seed: int, rank: int = 0, world: int = 1) -> None:
        self.size, self.seed, self.rank, self.world = size, seed, rank, world
        self.epoch = 0

    def __len__(self) -> int:
        return -(-self.size // self.world)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        order = np.random.default_rng([self.seed, self.epoch]).permutation(self.size)
        padded = np.resize(order, len(self) * self.world)
        for index in padded[self.rank :: self.world]:
            yield self.epoch, int(index)


class Whole(NamedTuple):
    """Utterances of one length, for scoring."""

    indices: Sequence[int]
    """Rows of the subset's table."""
    waves: torch.Tensor
    """"batch samples", whole frames."""


class Utterances(Dataset[Whole]):
    """Batches of whole utterances with equally many frames, so that none is padded to another's
    length.

    The audio is padded with zeros or cut to its labels' frames, by one frame at most. `augment` is
    for the released code's augmented dev set alone.
    """

    def __init__(
        self,
        subset: Subset,
        data: Data,
        audio: Audio,
        batch_s: float,
        augment: Augment | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.subset, self.data, self.audio, self.augment = subset, data, audio, augment
        self.labels = frame_labels(subset, data)
        self.frame = frame_samples(data.resolution_s)
        rank, world = share
        self.batches = _equal_lengths(self.labels, self.frame, batch_s)[rank::world]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, number: int) -> Whole:
        """Return batch `number`."""
        indices = self.batches[number]
        waves = np.stack([self._wave(index) for index in indices])
        return Whole(indices, torch.from_numpy(waves))

    def _wave(self, index: int) -> np.ndarray:
        path = self.subset.audio_path(index)
        wave = read_wave(path, self.audio)
        length = len(self.labels[index]) * self.frame
        check_length(path, len(wave), len(self.labels[index]), self.frame)
        if self.augment is not None:
            # Dev is scored once an epoch; one draw an utterance keeps selection comparable.
            wave = augmented(wave, self.augment, np.random.default_rng([index]))
        whole = np.zeros(length, dtype=np.float32)
        whole[: min(length, len(wave))] = wave[:length]
        return whole


def _equal_lengths(labels: Sequence[np.ndarray], frame: int, batch_s: float) -> list[list[int]]:
    """Group utterances of equally many frames into batches of at most `batch_s` seconds of
    audio.
    """
    lengths = np.array([len(vector) for vector in labels])
    batches: list[list[int]] = []
    for length in np.unique(lengths):
        members = np.flatnonzero(lengths == length)
        size = max(1, int(samples(batch_s) // max(1, length * frame)))
        batches += [members[i : i + size].tolist() for i in range(0, len(members), size)]
    return batches


def collate(clips: Sequence[Batch]) -> Batch:
    """Stack clips into one batch."""
    return Batch(*(torch.stack(parts) for parts in zip(*clips, strict=True)))
