"""Audio files: what their headers say, and their samples at 16 kHz, mono, refusing what is broken.

WAV headers are walked here, since libsndfile hides a data chunk that is longer than its file: it
shortens the chunk and reports a sound file.
"""

from __future__ import annotations

import os
import struct
from math import gcd
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]

from bench.errors import BenchError
from bench.specs.corpus import Audio
from bench.units import SAMPLE_RATE_HZ

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_STREAMED = 0x7FFF_F000
"""A data chunk of this size or more was written to a pipe and ends where the file does."""


class Header(NamedTuple):
    """What an audio file says of itself; `samples` should be there in each channel."""

    sample_rate_hz: int
    channels: int
    samples: int
    bytes_missing: int
    """How much longer the header says the data are than the file holds; 0 for a whole file."""

    @property
    def duration_s(self) -> float:
        """Seconds, by the header."""
        return self.samples / self.sample_rate_hz


def header(path: Path) -> Header:
    """Read the header of an audio file.

    A missing, empty or unreadable file is a BenchError that says what to do.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size == 0:
                raise BenchError(f"{path}: is empty (0 bytes): unpack or copy it again")
            start = file.read(12)
            if start[:4] == b"RIFF" and start[8:] == b"WAVE":
                found = _walk(path, file, size)
                if found is not None:
                    return found
    except OSError as error:
        raise BenchError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        info = soundfile.info(str(path))
    except soundfile.SoundFileError as error:
        raise BenchError(f"{path}: is no audio file: {error}: unpack or copy it again") from error
    return Header(info.samplerate, info.channels, info.frames, 0)


def _walk(path: Path, file: BinaryIO, size: int) -> Header | None:
    """Walk a RIFF file's chunks; None where the format is one that only libsndfile knows."""
    layout: tuple[int, int, int] | None = None
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        begin = file.tell()
        if name == b"fmt " and length >= 16:
            code, channels, rate, _, block, _ = struct.unpack(
                "<HHIIHH", file.read(16).ljust(16, b"\0")
            )
            if code not in (_PCM, _FLOAT, _EXTENSIBLE):
                return None
            layout = rate, channels, block
        elif name == b"data":
            if layout is None or 0 in layout:
                raise BenchError(f"{path}: its header is broken: unpack or copy it again")
            rate, channels, block = layout
            there = size - begin
            length = there if length >= _STREAMED else length
            return Header(rate, channels, length // block, max(0, length - there))
        file.seek(begin + length + length % 2)
    raise BenchError(
        f"{path}: ends before its audio begins ({size} bytes): unpack or copy it again"
    )


def read_wave(path: Path, audio: Audio, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Return samples `start` to `stop` at 16 kHz, float32 in [-1, 1], shape (samples,).

    `start` and `stop` count samples at 16 kHz and are cut to the file as a slice is. A file of
    another rate than the card's is refused or, where the card allows it, resampled whole
    (`scipy.signal.resample_poly`, its default Kaiser window) before it is cut. An empty, truncated,
    unreadable or many-channelled file is a BenchError that names it and says what to do.
    """
    found = header(path)
    if found.bytes_missing:
        raise BenchError(
            f"{path}: is truncated: {found.bytes_missing:,} bytes of its audio are missing: "
            f"unpack or copy it again"
        )
    if found.channels != 1:
        raise BenchError(
            f"{path}: has {found.channels} channels, should have one: mix it down first"
        )
    _check_rate(path, found, audio)
    if found.sample_rate_hz == SAMPLE_RATE_HZ:
        return _samples(path, found, start, stop)
    from scipy.signal import resample_poly  # takes a second to import, and few corpora need it

    whole = _samples(path, found, 0, None)
    common = gcd(SAMPLE_RATE_HZ, found.sample_rate_hz)
    wave = resample_poly(whole, SAMPLE_RATE_HZ // common, found.sample_rate_hz // common)
    return np.asarray(wave[start:stop], dtype=np.float32)


def _check_rate(path: Path, found: Header, audio: Audio) -> None:
    if found.sample_rate_hz != audio.sample_rate_hz and audio.other_rates == "refuse":
        raise BenchError(
            f"{path}: is at {found.sample_rate_hz} Hz, should be at {audio.sample_rate_hz} Hz: "
            f"this corpus's audio is published at that rate, so get it again or resample it first"
        )


def _samples(path: Path, found: Header, start: int, stop: int | None) -> np.ndarray:
    first, last, _ = slice(start, stop).indices(found.samples)
    try:
        with soundfile.SoundFile(str(path)) as file:
            file.seek(first)
            wave = file.read(max(0, last - first), dtype="float32")
    except soundfile.SoundFileError as error:
        raise BenchError(f"{path}: cannot be decoded: {error}: unpack or copy it again") from error
    if len(wave) != max(0, last - first):
        raise BenchError(
            f"{path}: ends {last - first - len(wave)} samples early: unpack or copy it again"
        )
    return wave
