"""Speakers from a folder of .wav and .flac recordings: each folder at its top is a speaker."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.signal import resample_poly

from bench.data.audio import read_header, read_samples, require_whole
from bench.errors import BenchError
from bench.synthetic.clip import Voice, Wave
from bench.units import SAMPLE_RATE_HZ

SUFFIXES = (".wav", ".flac")
RMS = 0.06
PEAK = 0.7


@dataclass(frozen=True)
class Recorded:
    """A speaker of a folder of recordings."""

    name: str
    files: tuple[Path, ...]

    def speak(self, rng: np.random.Generator, n_samples: int) -> Wave:
        """Return `n_samples` at a random place of one recording, or all of a shorter one."""
        wave = read_recording(self.files[rng.integers(len(self.files))])
        start = rng.integers(max(1, len(wave) - n_samples + 1))
        return level_wave(wave[start : start + n_samples])


class Speech(NamedTuple):
    """The speakers of a folder and a digest of what was found in it."""

    voices: list[Voice]
    digest: str
    """Sixteen hexadecimal digits over names and sizes of the recordings used."""


def find_speakers(folder: Path, shortest_s: float) -> Speech:
    """Return the speakers below `folder`; recordings shorter than `shortest_s` are passed over.

    The first folder of a recording's path below `folder` is its speaker (LibriSpeech's and VCTK's
    shape). Raise `BenchError` where there is no folder, no recording, or a file that cannot be
    read as audio.
    """
    if not folder.is_dir():
        raise BenchError(
            "file.missing",
            f"{folder}: there is no such folder of recordings (asked for by --speech-dir)",
        )
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    speakers: defaultdict[str, list[Path]] = defaultdict(list)
    digest = hashlib.sha256()
    for file in files:
        if _duration_s(file) >= shortest_s:
            parts = file.relative_to(folder).parts
            speakers[parts[0] if len(parts) > 1 else folder.resolve().name].append(file)
            digest.update(f"{'/'.join(parts)} {file.stat().st_size}\n".encode())
    if not speakers:
        raise BenchError(
            "mini.no-recordings",
            f"{folder}: no recording of {shortest_s} s or more among {len(files)} .wav and .flac "
            "files; --speech-dir wants a folder with a sub-folder of recordings for each speaker",
        )
    voices: list[Voice] = [Recorded(name, tuple(paths)) for name, paths in speakers.items()]
    return Speech(voices, digest.hexdigest()[:16])


def _duration_s(file: Path) -> float:
    try:
        info = read_header(file)
        require_whole(file)
    except BenchError as error:
        raise BenchError(error.code, f"{error}, or take it out of --speech-dir") from error
    return info.duration_s


def read_recording(file: Path) -> Wave:
    """Return `file` as mono at 16 kHz: channels averaged, other rates resampled (polyphase)."""
    info = read_header(file)
    wave, rate = read_samples(file).astype(np.float64), info.sample_rate_hz
    mono = wave.reshape(len(wave), -1).mean(axis=1)
    if rate == SAMPLE_RATE_HZ:
        return mono
    common = gcd(rate, SAMPLE_RATE_HZ)
    return resample_poly(mono, SAMPLE_RATE_HZ // common, rate // common)


def level_wave(wave: Wave) -> Wave:
    """Return `wave` without offset, at a level that is the same for all classes and corpora."""
    wave = wave - wave.mean()
    rms, peak = np.sqrt(np.mean(wave**2)), np.abs(wave).max()
    return wave * min(RMS / max(rms, 1e-9), PEAK / max(peak, 1e-9))
