"""The utterances of a split with their labels, and clips of them: cut, augmented and filled up."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.config import Config
from bench.data.audio import OpenedAudio, open_audio
from bench.data.frame_labels import spoof_frames
from bench.data.subset import FrameVectors, Span, Spans, Subset
from bench.errors import BenchError
from bench.models import augment, breath
from bench.models.augment import DeviceAugmentation, DrawnClip
from bench.models.segment_positions import IGNORED
from bench.specs.augment import Augment
from bench.specs.corpus import Audio
from bench.specs.run import Data, HeldOutData, TrainData
from bench.units import (
    ATTACK_TYPES,
    BONAFIDE,
    HOP_SAMPLES,
    SPOOF,
    frame_samples,
    frames_covering,
    to_samples,
)

_KINDS = {
    "TTS": ATTACK_TYPES.index("TTS"),
    "VC": ATTACK_TYPES.index("VC"),
    "TTS+VC": ATTACK_TYPES.index("VC"),
}


def require_labels(subset: Subset, data: Data) -> None:
    """Raise unless the subset has the labels that `data` asks for.

    Frames need labels of frames, or a splice that makes them. Whole utterances need both classes.
    """
    if data.resolution_s is None and subset.table["label"].nunique() < 2:
        only = ", ".join(str(label) for label in subset.table["label"].unique()) or "nothing"
        raise BenchError(
            "training.one-class",
            f"{subset.corpus} {subset.split}: all utterances are {only}, so that no EER is "
            "defined: name another split",
        )
    if subset.timing is None and data.resolution_s is not None and data.splice.kind == "none":
        raise _no_frames(subset, data.resolution_s)


def _no_frames(subset: Subset, resolution_s: float) -> BenchError:
    return BenchError(
        "training.resolution",
        f"{subset.corpus} {subset.split}: has labels of whole utterances only, but "
        f"{resolution_s} s is asked for: its resolution_s should be 'utterance'",
    )


def label_frames(subset: Subset, data: Data) -> list[NDArray[np.bool_]]:
    """Return for each utterance, in the table's order, an array: True where a frame is spoof.

    Official vectors are taken as they are, so they must be of the resolution asked for; spans are
    turned into frames by `data.label_rule`. Where whole utterances are labelled, or frames are by
    what is spliced into an utterance, an array has one item.
    """
    if data.resolution_s is None or data.splice.kind != "none":
        is_spoof = np.array(subset.table["label"] == SPOOF)
        return [is_spoof[i : i + 1] for i in range(len(subset))]
    ids = subset.table["utterance"].tolist()
    match subset.timing:
        case FrameVectors(resolution_s=resolution_s, spoof=spoof):
            if abs(resolution_s - data.resolution_s) > 1e-9:
                raise BenchError(
                    "training.resolution",
                    f"{subset.corpus} {subset.split}: labels were read at {resolution_s} s, "
                    f"asked for at {data.resolution_s} s",
                )
            return [spoof[name] for name in ids]
        case Spans(spans=spans):
            durations = subset.table["duration_s"].tolist()
            return [
                _from_spans(name, spans[name], duration, data, data.resolution_s)
                for name, duration in zip(ids, durations, strict=True)
            ]
        case None:
            raise _no_frames(subset, data.resolution_s)


def _from_spans(
    utterance: str, spans: Sequence[Span], duration_s: float, data: Data, resolution_s: float
) -> NDArray[np.bool_]:
    try:
        return spoof_frames(spans, duration_s, resolution_s, data.label_rule)
    except BenchError as error:
        raise BenchError(error.code, f"{data.corpus} {data.split}: {utterance}: {error}") from error


def read_attack_types(subset: Subset) -> NDArray[np.int64]:
    """Return each utterance's index into `ATTACK_TYPES`, `IGNORED` for a spoof of unknown type.

    Converted text-to-speech (TTS+VC) counts as voice conversion, which is what was done last.
    """
    indices = np.full(len(subset), IGNORED, dtype=np.int64)
    if "attack_type" in subset.table:
        types = subset.table["attack_type"].tolist()
        indices[:] = [_KINDS.get(name, IGNORED) for name in types]
    indices[(subset.table["label"] == BONAFIDE).to_numpy()] = ATTACK_TYPES.index(BONAFIDE)
    return indices


class LabelledClip(NamedTuple):
    """A clip of one utterance with its labels."""

    wave: NDArray[np.float32]
    """(samples,), whole frames."""
    spoof: NDArray[np.bool_]
    """(frames,)"""
    valid: NDArray[np.bool_]
    """(frames,), False on padding."""
    breath_mask: NDArray[np.bool_]
    """(hops,), see `Batch.breath_mask`."""
    duration_s: float
    """Length of the whole utterance by its audio file."""
    on_device: DrawnClip | None = None
    """What is left to do on the device, where noise is added there."""


class ClipReader:
    """The utterances of a split, cut, spliced and filled as its settings say."""

    def __init__(
        self,
        subset: Subset,
        data: TrainData | HeldOutData,
        audio: Audio,
        augmentation: Augment | None,
        config: Config,
        device_augment: DeviceAugmentation | None = None,
    ) -> None:
        """Read clips; with `device_augment` noise is drawn here, to be added on the device."""
        self.subset, self.audio = subset, audio
        self.augment = augment.build_augmentation(augmentation, config)
        self.device_augment = device_augment
        self.fill: Literal["zeros", "repeat"] = data.fill
        self.breath = breath.build_marker(subset, data.breath, audio, config)
        self.splicer = augment.build_splicer(data.splice)
        self.labels = label_frames(subset, data)
        self.attack_types = read_attack_types(subset)
        resolution_s = None if self.splicer else data.resolution_s
        self.frame = None if resolution_s is None else frame_samples(resolution_s)
        self.clip = None if data.clip_s is None else to_samples(data.clip_s)
        self.is_spoof = np.array(subset.table["label"] == SPOOF)
        if self.splicer and (self.is_spoof.all() or not self.is_spoof.any()):
            raise BenchError(
                "training.one-class",
                f"{subset.corpus} {subset.split}: all utterances are of one class, but a splice "
                "needs both: name another split",
            )
        self.bonafides, self.spoofs = np.flatnonzero(~self.is_spoof), np.flatnonzero(self.is_spoof)

    def clip_length(self, index: int) -> int:
        """Return how many samples the clip of an utterance has."""
        if self.clip is not None:
            return self.clip
        if self.frame is not None:
            return len(self.labels[index]) * self.frame
        # Whole hops, so that utterances of nearly one length make a batch.
        heard = to_samples(self.subset.audio_duration(index))
        return frames_covering(heard, HOP_SAMPLES) * HOP_SAMPLES

    def scored_labels(self, index: int) -> NDArray[np.bool_]:
        """Return the labels of the frames that the first clip of an utterance holds, each once."""
        labels = self.labels[index]
        if self.splicer and self.clip:
            return self.splicer.label_clip(self.clip, _of_splice(held_out_key(index)))
        if self.clip is None or self.frame is None:
            return labels
        return labels[: self.clip // self.frame]

    def read_clip(
        self, index: int, key: Sequence[int], crop: Literal["random", "first"]
    ) -> LabelledClip:
        """Return a clip of the utterance in row `index`.

        It begins at the utterance's start or, with `crop` "random", anywhere. All random draws,
        those of augmentation too, follow from `key`.

        The audio is cut, augmented, brought to whole frames (by a frame at most) and filled up.
        Where the settings ask for a splice, it is then spliced with a clip of the other class that
        is made in the same way.
        """
        rng = np.random.default_rng(key)
        clip = self._cut_clip(index, rng, crop)
        if self.splicer is None:
            return clip
        others = self.bonafides if self.is_spoof[index] else self.spoofs
        injector = self._cut_clip(int(rng.choice(others)), rng, crop)
        wave, spoof = self.splicer.splice_clips(clip.wave, injector.wave, _of_splice(key))
        return clip._replace(wave=wave, spoof=spoof, valid=np.ones(len(spoof), dtype=bool))

    def _cut_clip(
        self, index: int, rng: np.random.Generator, crop: Literal["random", "first"]
    ) -> LabelledClip:
        with open_audio(self.subset.audio_path(index)) as sound:
            return self._cut_sound(index, sound, rng, crop)

    def _cut_sound(
        self,
        index: int,
        sound: OpenedAudio,
        rng: np.random.Generator,
        crop: Literal["random", "first"],
    ) -> LabelledClip:
        path, labels = self.subset.audio_path(index), self.labels[index]
        heard_s = sound.header.duration_s
        heard = to_samples(heard_s)
        if self.frame is None:
            unit, units = 1, heard
        else:
            unit, units = self.frame, len(labels)
            check_length(path, heard, units, unit)
        wanted = units if self.clip is None else self.clip // unit
        # The released code augments the whole utterance and then cuts; cutting first gives the
        # same noise to the clip for a fraction of the work.
        start = int(rng.integers(0, max(0, units - wanted) + 1)) if crop == "random" else 0
        stop = min(start + wanted, units)
        end = None if self.clip is None else stop * unit
        wave = sound.read_wave(self.audio, start * unit, end)
        on_device, period = None, (stop - start) * unit
        if self.device_augment is None:
            wave = self.augment(wave, rng)
        else:
            drawn = self.device_augment.draw_clip(len(wave), rng)
            repeats = self.fill == "repeat" and self.clip is not None
            on_device = DrawnClip(drawn, len(wave), period if repeats else 0)
        wave = _fit_length(wave, period)
        cut = labels if self.frame is None else labels[start:stop]
        length = self.clip or frames_covering(len(wave), HOP_SAMPLES) * HOP_SAMPLES
        marks = self.breath.mark_hops(index, start * unit, len(wave), length, self.fill)
        return LabelledClip(*self._fill_clip(wave, length, cut), marks, heard_s, on_device)

    def _fill_clip(
        self, wave: NDArray[np.float32], length: int, cut: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_]]:
        """Return wave, labels and which labels are valid (not padding), as long as the clip."""
        if self.clip is None:
            return _fit_length(wave, length), cut, np.ones(len(cut), dtype=bool)
        frames = 1 if self.frame is None else length // self.frame
        if self.fill == "repeat" and len(cut):
            return np.resize(wave, length), np.resize(cut, frames), np.ones(frames, dtype=bool)
        spoof = np.zeros(frames, dtype=bool)
        spoof[: len(cut)] = cut
        return _fit_length(wave, length), spoof, np.arange(frames) < len(cut)


def held_out_key(index: int) -> list[int]:
    """Return the key of all random draws for a scored utterance, the same in every epoch."""
    return [index]


def _of_splice(key: Sequence[int]) -> np.random.Generator:
    """Return the generator of the regions, which are so known without the audio."""
    return np.random.default_rng([*key, 1])


def _fit_length(wave: NDArray[np.float32], length: int) -> NDArray[np.float32]:
    """Return `wave` cut or followed by zeros to `length` samples."""
    fitted = np.zeros(length, dtype=np.float32)
    fitted[: min(length, len(wave))] = wave[:length]
    return fitted


def check_length(path: Path, n_samples: int, frames: int, frame: int) -> None:
    """Raise unless audio and labels end within one frame of each other.

    Corpora differ by a frame in how they count the last, partial one; more is a mix-up of files.
    """
    if abs(n_samples - frames * frame) > frame:
        raise BenchError(
            "training.labels-length",
            f"{path}: has {n_samples} samples, but its labels are {frames} frames of {frame} "
            "samples: audio and labels should have one length",
        )
