"""Audio files: what their headers say, and their samples at 16 kHz, mono, refusing what is broken.

WAV headers are walked here, since libsndfile hides a data chunk that is longer than its file (it
shortens the chunk and reports a sound file) and believes a wrong block align.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Generator
from contextlib import contextmanager
from io import BytesIO
from math import gcd
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np

from bench._io import packed_files
from bench.errors import BenchError
from bench.specs.corpus import Audio
from bench.units import SAMPLE_RATE_HZ

if TYPE_CHECKING:  # what is read from 16-bit WAV files alone needs no libsndfile
    import soundfile  # pyright: ignore[reportMissingTypeStubs]

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

LOUDEST = 10.0
"""No sample may be farther from 0, where full scale is 1. Decoders of lossy formats and resampling
overshoot full scale by a few dB; 20 dB are none of theirs, but 16-bit numbers written as floats
without a division by 32,768."""

_SAME_WIDTH = {1: "PCM", 3: "float", 6: "A-law", 7: "mu-law", 0xFFFE: "extensible"}
"""WAV's formats in which each sample takes the same whole number of bytes."""
_FROM_THE_START = {"MP3", "OGG"}
"""Formats whose decoders remember what came before (MP3's bit reservoir, Opus' prediction): from
the middle of a file they give other samples than from its start."""
_CONTAINER_MARKS = {(4, b"ftyp"): "MP4", (0, b"\x1aE\xdf\xa3"): "Matroska"}
"""Where in a file and by what a video's container is known."""
_STREAMED = 0x7FFF_F000
"""A data chunk of this size or more was written to a pipe and ends where the file does."""
_UNKNOWN = 2**62
"""libsndfile says more samples than this where the header does not say how many there are."""


class Header(NamedTuple):
    """What an audio file says of itself; `samples` should be there in each channel."""

    sample_rate_hz: int
    channels: int
    samples: int
    bytes_missing: int
    """How much longer the header says the data are than the file holds; 0 for a whole file, and
    where only decoding can tell (`require_whole`)."""
    format: str
    """By its content, as libsndfile calls it: WAV, FLAC, OGG, MP3, ..."""

    @property
    def duration_s(self) -> float:
        """Seconds, by the header."""
        return self.samples / self.sample_rate_hz


class OpenedAudio:
    """An audio file that is open: its header, and its samples as often as they are asked for."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._sound: soundfile.SoundFile | None = None
        self._has_read = False
        self._pcm: int | None = None
        """Where the audio begins, if it is 16-bit numbers of a WAV file."""
        self.header = self._read_header()

    def close(self) -> None:
        """Close what the decoder holds; the file itself is its opener's."""
        if self._sound is not None:
            self._sound.close()

    def _read_header(self) -> Header:
        path, file = self._path, self._file
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            raise BenchError("audio.empty", f"{path}: is empty (0 bytes): unpack or copy it again")
        file.seek(0)
        start = file.read(12)
        missing = 0
        if start[:4] in (b"RIFF", b"RF64") and start[8:] == b"WAVE":
            wave = _walk_chunks(path, file, size)
            missing = wave.bytes_missing
            if wave.layout.code in _SAME_WIDTH:
                if (wave.layout.code, wave.layout.bits) == (1, 16):
                    self._pcm = wave.begin
                return _wave_header(path, wave)
        for (at, mark), kind in _CONTAINER_MARKS.items():
            if start[at : at + len(mark)] == mark:
                raise BenchError(
                    "audio.container",
                    f"{path}: is a video's container ({kind}), whose audio is not read from it: "
                    "make files of audio of a corpus by `bench data convert`, and of a single file "
                    f"by `ffmpeg -i {path.name} -vn {path.stem}.flac`",
                )
        sound = self._decoder("is no audio file")
        result = Header(sound.samplerate, sound.channels, sound.frames, missing, sound.format)
        if not 0 <= result.samples < _UNKNOWN:
            raise BenchError(
                "audio.length-unknown",
                f"{path}: its header does not say how many samples it holds, as ffmpeg leaves it "
                f"in pipes and segments: write it anew (`ffmpeg -i OLD{path.suffix} "
                f"NEW{path.suffix}`)",
            )
        return result

    def _decoder(self, fault: str) -> soundfile.SoundFile:
        if self._sound is None:
            import soundfile  # pyright: ignore[reportMissingTypeStubs]

            source: int | BinaryIO = self._file
            if not isinstance(source, BytesIO):
                # libsndfile reads by itself, from where the file's descriptor is.
                source = self._file.fileno()
                os.lseek(source, 0, os.SEEK_SET)
            else:
                source.seek(0)
            try:
                self._sound = soundfile.SoundFile(source, closefd=False)
            except soundfile.SoundFileError as error:
                raise BenchError(
                    "audio.damaged",
                    f"{self._path}: {fault}: {_decoder_reason(error)}: unpack or copy it again",
                ) from error
        return self._sound

    def read_samples(self, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return samples as the function `read_samples` does."""
        path = self._path
        first, last, _ = slice(start, stop).indices(self.header.samples)
        number = max(0, last - first)
        wave = self._decode(first, number) if self._pcm is None else self._read_pcm(first, number)
        if len(wave) != number:
            raise BenchError(
                "audio.truncated",
                f"{path}: ends {number - len(wave)} samples early: unpack or copy it again",
            )
        if self._pcm is None and number:
            _check_levels(path, wave, first)
        return wave

    def _decode(self, first: int, number: int) -> np.ndarray:
        import soundfile  # pyright: ignore[reportMissingTypeStubs]

        from_start = self.header.format in _FROM_THE_START
        if from_start and self._has_read:
            self.close()
            self._sound = None
        self._has_read = True
        sound = self._decoder("cannot be decoded")
        try:
            if from_start:
                return sound.read(first + number, dtype="float32")[first:]
            sound.seek(first)
            return sound.read(number, dtype="float32")
        except soundfile.SoundFileError as error:
            raise BenchError(
                "audio.damaged",
                f"{self._path}: cannot be decoded: {_decoder_reason(error)}: unpack or copy it "
                "again",
            ) from error

    def _read_pcm(self, first: int, number: int) -> np.ndarray:
        """Return 16-bit samples as libsndfile gives them, in a third of its time."""
        block = 2 * self.header.channels
        self._file.seek((self._pcm or 0) + first * block)
        content = self._file.read(number * block)
        whole = len(content) // block
        numbers = np.frombuffer(content, "<i2", whole * self.header.channels)
        wave = numbers.astype(np.float32) * np.float32(1 / 32_768)
        return wave if self.header.channels == 1 else wave.reshape(whole, -1)

    def require_whole(self) -> None:
        """Raise as the function `require_whole` does."""
        header = self.header
        _check_size(self._path, header)
        if header.format != "WAV" and header.samples:
            self.read_samples(header.samples - 1)

    def read_wave(self, audio: Audio, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Return samples as the function `read_wave` does."""
        rate = self.header.sample_rate_hz
        check_header(self._path, self.header, audio)
        if rate == SAMPLE_RATE_HZ:
            return self.read_samples(start, stop)
        from scipy.signal import resample_poly  # takes a second to import, and few corpora need it

        common = gcd(SAMPLE_RATE_HZ, rate)
        wave = resample_poly(self.read_samples(), SAMPLE_RATE_HZ // common, rate // common)
        return np.asarray(wave[start:stop], dtype=np.float32)


@contextmanager
def open_audio(path: Path) -> Generator[OpenedAudio]:
    """Open an audio file and read its header, each once.

    A missing, empty or unreadable file, a header that contradicts itself and one that does not say
    how many samples there are, are a BenchError that says what to do.
    """
    try:
        file = packed_files.open_file(path)
    except OSError as error:
        raise _unreadable_error(path, error) from error
    with file:
        try:
            opened = OpenedAudio(path, file)
        except OSError as error:
            raise _unreadable_error(path, error) from error
        try:
            yield opened
        finally:
            opened.close()


def _unreadable_error(path: Path, error: OSError) -> BenchError:
    return BenchError("file.unreadable", f"{path}: cannot be read: {error.strerror}")


def read_header(path: Path) -> Header:
    """Read the header of an audio file; raise as `open_audio` does."""
    with open_audio(path) as opened:
        return opened.header


class _Layout(NamedTuple):
    """The first 16 bytes of WAV's chunk `fmt `."""

    code: int
    channels: int
    rate: int
    bytes_a_second: int
    block: int
    bits: int


class _Wave(NamedTuple):
    """A WAV file's format, where its audio begins, its bytes by the header, and those missing."""

    layout: _Layout
    begin: int
    length: int
    bytes_missing: int


def _walk_chunks(path: Path, file: BinaryIO, size: int) -> _Wave:
    """Walk a RIFF file's chunks up to its audio."""
    layout: _Layout | None = None
    long = _STREAMED
    while len(chunk := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", chunk)
        begin = file.tell()
        if name == b"fmt " and length >= 16:
            layout = _Layout(*struct.unpack("<HHIIHH", file.read(16).ljust(16, b"\0")))
        elif name == b"ds64" and length >= 16:  # RF64's lengths, for files beyond 4 GiB
            _, long = struct.unpack("<QQ", file.read(16))
        elif name == b"data":
            if layout is None or 0 in (layout.channels, layout.rate, layout.block):
                raise BenchError(
                    "audio.damaged", f"{path}: its header is broken: unpack or copy it again"
                )
            there = size - begin
            if length >= _STREAMED:
                length = there if long == _STREAMED else long
            return _Wave(layout, begin, length, max(0, length - there))
        file.seek(begin + length + length % 2)
    raise BenchError(
        "audio.truncated",
        f"{path}: ends before its audio begins ({size} bytes): unpack or copy it again",
    )


def _wave_header(path: Path, wave: _Wave) -> Header:
    code, channels, rate, _, block, bits = wave.layout
    right = channels * -(-bits // 8)
    if block != right:
        raise BenchError(
            "audio.damaged",
            f"{path}: its header is broken: samples of {channels} channel(s) of {bits} bits "
            f"({_SAME_WIDTH[code]}) take {right} bytes, its block align says {block}, so that they "
            "would be read wrongly: unpack or copy it again",
        )
    return Header(rate, channels, wave.length // block, wave.bytes_missing, "WAV")


def check_header(path: Path, info: Header, audio: Audio) -> None:
    """Raise a BenchError unless a file with this header fits `audio`.

    It fits if its size is right, it has samples, one channel, and a sample rate that is right or
    may be changed.
    """
    _check_size(path, info)
    if info.channels != 1:
        raise BenchError(
            "audio.channels",
            f"{path}: has {info.channels} channels, should have one: mix it down first",
        )
    if info.sample_rate_hz != audio.sample_rate_hz and audio.other_rates == "refuse":
        raise BenchError(
            "audio.sample-rate",
            f"{path}: is at {info.sample_rate_hz} Hz, should be at {audio.sample_rate_hz} Hz: "
            f"this corpus's audio is published at that rate, so get it again or resample it first",
        )
    if not info.samples:
        raise BenchError("audio.empty", f"{path}: holds no audio: unpack or copy it again")


def require_whole(path: Path) -> None:
    """Raise a BenchError unless the file is whole by its size and its last sample can be decoded.

    A FLAC file that was cut short, that ends in zeros or is nothing but a header has no such sample
    where its header says; for a WAV file its size tells.
    """
    with open_audio(path) as opened:
        opened.require_whole()


def _check_size(path: Path, info: Header) -> None:
    if info.bytes_missing:
        raise BenchError(
            "audio.truncated",
            f"{path}: is truncated: {info.bytes_missing:,} bytes of its audio are missing: "
            f"unpack or copy it again",
        )


def read_wave(path: Path, audio: Audio, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Return samples `start` to `stop` at 16 kHz, float32 of full scale 1, shape (samples,).

    `start` and `stop` count samples at 16 kHz and are cut to the file as a slice is. A file of
    another rate than the card's is refused or, where the card allows it, resampled whole
    (`scipy.signal.resample_poly`, its default Kaiser window) before it is cut. An empty, truncated,
    unreadable or many-channelled file, samples that are not finite and ones beyond `LOUDEST` are a
    BenchError that names the file and says what to do.
    """
    with open_audio(path) as opened:
        return opened.read_wave(audio, start, stop)


def read_samples(path: Path, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Return samples `start` to `stop` as they are in the file.

    They are float32 of full scale 1, shape (samples,), or (samples, channels) where there are
    several channels. BenchError where they cannot be decoded, are not finite or exceed `LOUDEST`.
    """
    with open_audio(path) as opened:
        return opened.read_samples(start, stop)


def _decoder_reason(error: Exception) -> str:
    """Return what libsndfile says is wrong, without the path that the message has already."""
    reason = str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")
    return "it has no audio where its header says" if "psf_fseek" in reason else reason


def _check_levels(path: Path, wave: np.ndarray, first: int) -> None:
    peak = max(wave.max(), -wave.min())  # NaN where any sample is
    if peak <= LOUDEST:
        return
    if not np.isfinite(peak):
        wrong = np.flatnonzero(~np.isfinite(wave.reshape(len(wave), -1)).all(axis=1))
        raise BenchError(
            "audio.not-finite",
            f"{path}: {len(wrong):,} of {len(wave):,} samples are not finite numbers (NaN or "
            f"infinity), the first is sample {first + wrong[0]:,}: make or copy it again",
        )
    raise BenchError(
        "audio.too-loud",
        f"{path}: reaches {peak:,.0f} where full scale is 1, more than {LOUDEST:g} times too loud: "
        "are these 16-bit numbers as floats? divide them by 32,768",
    )
