"""Whether every audio file of a split can be read, asked before a run begins.

Header and last sample of each file are looked at once: what was found sound is remembered by the
files' sizes and times of change, so that the next run opens only what has changed since.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench._io import atomic_files, packed_files
from bench.config import Form
from bench.data.audio import Header, check_header, open_audio
from bench.data.parallel import on_threads
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.smoke import smoke_option
from bench.specs.corpus import Audio

_VERSION = "2"
"""Changes with what is looked at: what was found sound by another version is looked at again."""

States = NDArray[np.int64]
"""(n, 4): a file's size in bytes and its time of change in ns; its samples and their rate in Hz."""
_UNKNOWN = -1
"""In the place of all: of a file that was not found sound, or cannot be asked for."""


def require_audio(subset: Subset, audio: Audio, work: Path, form: Form) -> States:
    """Return the states of a split's audio files, all of them whole and as `audio` says.

    Header and last sample decide. Files that passed are remembered below `work`, with what their
    headers say, so that nobody has to ask them again. Raise BenchError where one is missing or
    cannot be used.
    """
    paths = [subset.audio_path(row) for row in range(len(subset))]
    all_of_them = _list_command(subset, form)
    states, missing = _file_states(paths)
    if missing:
        raise BenchError(
            "corpus.audio-missing",
            f"{subset.corpus} {subset.split}: {len(missing)} of {len(subset)} protocol lines have "
            f"no audio, the first is {missing[0]} ({all_of_them})",
        )
    path = work / "checked" / f"{subset.corpus}-{subset.split}-{_digest_paths(subset, audio)}"
    known = _read_states(path, len(paths))
    same = (states[:, :2] == known[:, :2]).all(axis=1) & (states[:, 0] != _UNKNOWN)
    states[same] = known[same]
    changed = np.flatnonzero(~same).tolist()
    looks = on_threads(partial(_look_at, audio), [paths[row] for row in changed], _ignore_progress)
    faults: dict[int, str] = {}
    for row, look in zip(changed, looks, strict=True):
        if isinstance(look, str):
            faults[row] = look
        else:
            states[row, 2:] = look.samples, look.sample_rate_hz
    if changed:
        states[list(faults)] = _UNKNOWN
        _write_states(path, states)
    if faults:
        raise BenchError(
            "corpus.audio-unusable",
            f"{subset.corpus} {subset.split}: {len(faults)} of {len(subset)} audio files cannot be "
            f"used, the first: {next(iter(faults.values()))} ({all_of_them})",
        )
    return states


def read_durations(states: States) -> NDArray[np.float64]:
    """Return the seconds of the files with these states."""
    return states[:, 2] / states[:, 3]


def find_changed(subset: Subset, states: States) -> list[Path]:
    """Return the audio files that are gone, or not in the states that `require_audio` returned."""
    paths = [subset.audio_path(row) for row in range(len(subset))]
    differs = (_file_states(paths)[0][:, :2] != states[:, :2]).any(axis=1)
    return [paths[row] for row in np.flatnonzero(differs).tolist()]


def _list_command(subset: Subset, form: Form) -> str:
    smoke = smoke_option(form)
    command = f"bench data check {subset.corpus} --split {subset.split}{smoke}"
    return f"`{command} --problems-file FILE` names all"


def _file_states(paths: list[Path]) -> tuple[States, list[Path]]:
    """Return the state of each file, and which are not there."""
    states = np.full((len(paths), 4), _UNKNOWN, dtype=np.int64)
    missing: list[Path] = []
    for row, path in enumerate(paths):
        try:
            states[row, :2] = packed_files.file_state(path)
        except (FileNotFoundError, NotADirectoryError):
            missing.append(path)
        except OSError:
            continue  # opening it will say why
    return states, missing


def _look_at(audio: Audio, path: Path) -> Header | str:
    """Return the header of a file, or what is wrong with the file."""
    try:
        with open_audio(path) as opened:
            check_header(path, opened.header, audio)
            opened.require_whole()
            return opened.header
    except BenchError as error:
        return str(error)


def _digest_paths(subset: Subset, audio: Audio) -> str:
    root, paths = os.path.abspath(subset.root), subset.table["path"].tolist()
    text = "\0".join([_VERSION, audio.model_dump_json(), root, *paths])
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def _read_states(path: Path, files: int) -> States:
    """Return the states in which files were found sound."""
    try:
        states = np.fromfile(path, np.int64)
    except OSError:
        states = np.zeros(0, dtype=np.int64)
    # Of a torn file, too, all are looked at again.
    return states.reshape(-1, 4) if states.size == 4 * files else np.full((files, 4), _UNKNOWN)


def _write_states(path: Path, states: States) -> None:
    # Who may not write here looks at all files again the next time, and loses nothing else.
    with suppress(OSError):
        atomic_files.write_bytes(path, states.tobytes())


def _ignore_progress(done: int, total: int) -> None:
    """Say nothing."""
