"""Recordings of any rate and number of channels, as corpora have them: 16 kHz, one channel."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile  # pyright: ignore[reportMissingTypeStubs]

from bench.data.audio import Header, read_header, read_samples, require_whole
from bench.data.subset import Span, Spans, Subset
from bench.errors import BenchError
from bench.units import BONAFIDE, SAMPLE_RATE_HZ


class Recording(NamedTuple):
    """An audio file, and the same at 16 kHz in one channel."""

    path: Path
    header: Header
    converted: Path
    """The file itself where it is at 16 kHz and has one channel."""
    duration_s: float
    """Of the converted file."""

    @property
    def conversion(self) -> str:
        """What was done to it, in words; "" for nothing."""
        steps: list[str] = []
        if self.header.channels > 1:
            steps.append(f"mean of {self.header.channels} channels")
        if self.header.sample_rate_hz != SAMPLE_RATE_HZ:
            steps.append(f"resampled from {self.header.sample_rate_hz:,} Hz")
        return ", ".join(steps)


def convert_recordings(paths: Iterable[Path], folder: Path) -> list[Recording]:
    """Return recordings, those of another rate or of several channels converted into `folder`.

    BenchError for the first file that is missing, damaged or empty.
    """
    return [_convert_recording(path, folder / f"{number}.wav") for number, path in enumerate(paths)]


def _convert_recording(path: Path, target: Path) -> Recording:
    if not path.is_file():
        raise BenchError("file.missing", f"{path}: there is no such audio file")
    header = read_header(path)
    if not header.samples:
        raise BenchError("audio.empty", f"{path}: holds no audio: unpack or copy it again")
    require_whole(path)
    if header.channels == 1 and header.sample_rate_hz == SAMPLE_RATE_HZ:
        return Recording(path, header, path, header.duration_s)
    samples = read_samples(path)
    wave = samples.mean(axis=1) if samples.ndim == 2 else samples
    if header.sample_rate_hz != SAMPLE_RATE_HZ:
        from scipy.signal import resample_poly  # takes a second to import

        common = gcd(SAMPLE_RATE_HZ, header.sample_rate_hz)
        wave = resample_poly(wave, SAMPLE_RATE_HZ // common, header.sample_rate_hz // common)
    soundfile.write(str(target), np.asarray(wave, dtype=np.float32), SAMPLE_RATE_HZ, "FLOAT")  # pyright: ignore[reportUnknownMemberType]
    return Recording(path, header, target, len(wave) / SAMPLE_RATE_HZ)


def as_subset(recordings: Iterable[Recording]) -> Subset:
    """Return recordings as a split that can be scored.

    Nothing is known of their labels: they are called bona fide, and no result may be computed.
    """
    files = list(recordings)
    names = [str(number) for number in range(len(files))]
    table = pd.DataFrame(
        {
            "utterance": names,
            "path": [str(file.converted.absolute()) for file in files],
            "label": BONAFIDE,
            "speaker": "",
            "attack": "",
            "duration_s": [file.duration_s for file in files],
        }
    )
    spans = {
        name: (Span(0.0, file.duration_s, BONAFIDE),)
        for name, file in zip(names, files, strict=True)
    }
    return Subset("recordings", "files", Path("/"), table, Spans(spans))
