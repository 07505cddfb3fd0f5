"""Check the audio of a split: missing files, headers, decoding, and whether they fit the card."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench._io import packed_files
from bench.data.audio import Header, open_audio
from bench.data.parallel import Progress, on_processes, on_threads
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.issues import Issues
from bench.specs.corpus import Audio

_FORMATS = {
    ".wav": {"WAV", "WAVEX", "RF64"},
    ".flac": {"FLAC"},
    ".ogg": {"OGG"},
    ".opus": {"OGG"},
    ".mp3": {"MP3", "MPEG"},
}
"""What files of a suffix hold, as libsndfile calls it."""


class AudioFiles(NamedTuple):
    """The protocol's audio below the root, and how many other audio files lie beside it."""

    there: list[str]
    missing: list[str]
    others: int


def list_files(subset: Subset, suffixes: tuple[str, ...]) -> AudioFiles:
    """List each folder of the protocol's audio once: faster than asking for every file."""
    paths: list[str] = subset.table["path"].tolist()
    present: set[str] = set()
    for folder in {path.rpartition("/")[0] for path in paths}:
        names = packed_files.list_folder(subset.root / folder)
        before = f"{folder}/" if folder else ""
        present |= {f"{before}{name}" for name in names if name.endswith(suffixes)}
    there = [path for path in paths if path in present]
    missing = [path for path in paths if path not in present]
    return AudioFiles(there, missing, len(present) - len(there))


def read_headers(
    root: Path, paths: list[str], decode: int | None, issues: Issues, progress: Progress
) -> dict[str, Header]:
    """Return the header of every readable file below `root`, and note the unreadable ones.

    Of each file header and last sample are looked at or, where `decode` says on how many processes,
    every sample (0: in this one).
    """
    look = partial(_inspect_file, root, decode is not None)
    if decode is None:
        looks = on_threads(look, paths, progress)
    else:
        looks = on_processes(look, paths, decode, progress)
    seen = dict(zip(paths, looks, strict=True))
    unreadable = [look.fault.removeprefix(f"{root}/") for look in seen.values() if look.fault]
    issues.add("error", "audio.damaged", "audio file unreadable", ids=unreadable)
    quiet = [f"{path}: {look.silence}" for path, look in seen.items() if look.silence]
    what = "half of the audio or more, up to its end, is zeros"
    issues.add("warning", "audio.silent", what, ids=quiet)
    return {path: look.header for path, look in seen.items() if look.header is not None}


class _Inspection(NamedTuple):
    """What was seen of a file: its header or what is wrong, and how much silence it ends with."""

    header: Header | None
    fault: str = ""
    silence: str = ""


def _inspect_file(root: Path, decode: bool, path: str) -> _Inspection:
    try:
        with open_audio(root / path) as opened:
            info = opened.header
            # Both of these are problems of their own.
            if not info.samples or info.bytes_missing:
                return _Inspection(info)
            if not decode:
                opened.require_whole()
                return _Inspection(info)
            return _Inspection(info, silence=_describe_silence(opened.read_samples()))
    except BenchError as error:
        return _Inspection(None, str(error))


def _describe_silence(wave: np.ndarray) -> str:
    """Return how much of `wave` is zeros at its end, "" where that is less than half."""
    heard = np.flatnonzero(wave.reshape(len(wave), -1).any(axis=1))
    end = int(heard[-1]) + 1 if len(heard) else 0
    if end > len(wave) / 2:
        return ""
    return f"the last {len(wave) - end:,} of {len(wave):,} samples" if end else "every sample"


def compare_headers(audio: Audio, infos: Mapping[str, Header], issues: Issues) -> None:
    """Note the headers that are not as the card says."""
    truncated = [f"{p}: {h.bytes_missing:,} bytes" for p, h in infos.items() if h.bytes_missing]
    empty = [path for path, header in infos.items() if not header.samples]
    channels = [f"{p}: {h.channels}" for p, h in infos.items() if h.channels != audio.channels]
    rate = audio.sample_rate_hz
    rates = [f"{p}: {h.sample_rate_hz} Hz" for p, h in infos.items() if h.sample_rate_hz != rate]
    others = [
        f"{path}: {header.format}"
        for path, header in infos.items()
        if header.format not in _FORMATS.get(Path(path).suffix.lower(), {header.format})
    ]
    issues.add("error", "audio.truncated", "audio file truncated", ids=truncated)
    issues.add("error", "audio.empty", "audio file without samples", ids=empty)
    issues.add("error", "audio.channels", f"not {audio.channels} channel(s)", ids=channels)
    what = f"another format than {' or '.join(audio.suffix)} says; read by its content"
    issues.add("warning", "audio.format", what, ids=others)
    if audio.other_rates == "resample":
        what = f"not at {rate} Hz; will be resampled"
        issues.add("warning", "audio.sample-rate", what, ids=rates)
    else:
        issues.add("error", "audio.sample-rate", f"not at {rate} Hz", ids=rates)
