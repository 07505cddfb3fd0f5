"""Recorded noise or reverberation, from the user's folders of MUSAN and of impulse responses.

The usual recipe of speaker verification (Snyder, Chen and Povey, arXiv:1510.08484, for MUSAN; Ko et
al., ICASSP 2017, for simulated responses), as training on ASVspoof 5 has it in Nes2Net's released
code: half of the clips that are touched get noise, music or babble at a random signal-to-noise
ratio, the other half is convolved with a room's impulse response.

Draws are made in this order: which of the two; for noise its kind, how many recordings, and for
each which one, where it begins and its ratio; for reverberation which response.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.config import Config
from bench.data.audio import open_audio, read_wave
from bench.errors import BenchError
from bench.specs.augment.noise import RecordedNoise
from bench.specs.corpus import Audio
from bench.units import to_samples

KINDS = ("noise", "speech", "music")
"""MUSAN's folders."""
_AUDIO = Audio(other_rates="resample")
_SUFFIXES = (".wav", ".flac")


class Recordings(NamedTuple):
    """Files by what they are, each in the order of its path."""

    noises: tuple[tuple[Path, ...], ...]
    """Of each of `KINDS`."""
    responses: tuple[Path, ...]


def find_recordings(config: Config) -> Recordings:
    """Return the recordings of this machine.

    A missing or empty folder is a BenchError that says what to get.
    """
    musan, rirs = config.noise_root("musan"), config.noise_root("rirs")
    return Recordings(tuple(_find_audio(musan / kind) for kind in KINDS), _find_audio(rirs))


@cache
def _find_audio(folder: Path) -> tuple[Path, ...]:
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise BenchError(
            "augment.recordings-missing",
            f"{folder}: holds no .wav or .flac file: unpack or copy it again",
        )
    return tuple(paths)


def add_recording(
    wave: NDArray[np.float32], spec: RecordedNoise, recordings: Recordings, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return `wave` (16 kHz, "samples") with noise or in a room, as long as it was, float32.

    This function always augments; `spec.probability` is not looked at.
    """
    if rng.random() < spec.reverberation:
        response = read_wave(_choose_file(recordings.responses, rng), _AUDIO)
        return add_reverberation(wave, response).astype(np.float32)
    kind = int(rng.integers(len(KINDS)))
    low, high = _snr_range(spec, kind)
    number = (
        int(rng.integers(spec.min_babble, spec.max_babble + 1)) if KINDS[kind] == "speech" else 1
    )
    mixed = wave.astype(np.float64)
    for _ in range(number):
        noise = _cut_recording(_choose_file(recordings.noises[kind], rng), len(wave), rng)
        mixed += scale_noise(noise, wave, float(rng.uniform(low, high)))
    return mixed.astype(np.float32)


def add_reverberation(
    wave: NDArray[np.floating], response: NDArray[np.floating]
) -> NDArray[np.floating]:
    """Return `wave` convolved with an impulse response of energy 1, cut to its own length."""
    from scipy.signal import fftconvolve  # takes a second to import

    energy = float(np.square(response, dtype=np.float64).sum())
    if not energy:
        return wave
    return fftconvolve(wave, response / np.sqrt(energy))[: len(wave)]


def scale_noise(
    noise: NDArray[np.floating], wave: NDArray[np.floating], snr_db: float
) -> NDArray[np.float64]:
    """Return `noise` at `snr_db` below the level of `wave`; silence stays silence."""
    of_wave, of_noise = (float(np.square(x, dtype=np.float64).sum()) for x in (wave, noise))
    if not of_noise:
        return np.zeros(len(noise))
    return noise * np.sqrt(of_wave / of_noise * 10 ** (-snr_db / 10))


def _snr_range(spec: RecordedNoise, kind: int) -> tuple[float, float]:
    name = KINDS[kind]
    return getattr(spec, f"min_{name}_db"), getattr(spec, f"max_{name}_db")


def _choose_file(files: Sequence[Path], rng: np.random.Generator) -> Path:
    return files[int(rng.integers(len(files)))]


def _cut_recording(path: Path, length: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return `length` samples of a recording, from anywhere in it; a shorter one is repeated."""
    with open_audio(path) as sound:
        there = to_samples(sound.header.duration_s)
        start = int(rng.integers(0, max(0, there - length) + 1))
        part = sound.read_wave(_AUDIO, start, start + length)
    return np.resize(part, length)
