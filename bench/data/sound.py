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

from bench._io import atomic_files
from bench.config import Form
from bench.data.audio import check_header, header, require_whole
from bench.data.parallel import on_threads
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.specs.corpus import Audio

_VERSION = "1"
"""Changes with what is looked at: what was found sound by another version is looked at again."""

States = NDArray[np.int64]
"""(n, 2): a file's size in bytes and its time of change in ns."""
_UNKNOWN = -1
"""In the place of both: of a file that was not found sound, or cannot be asked for."""


def require_audio(subset: Subset, audio: Audio, work: Path, form: Form) -> None:
    """Raise a BenchError unless every utterance has an audio file that is whole, as far as its
    header and last sample tell, and as `audio` says: nothing is trained on less than asked.

    What was found sound is kept below `work`.
    """
    paths = [subset.audio_path(row) for row in range(len(subset))]
    all_of_them = _advice(subset, form)
    states, missing = _states(paths)
    if missing:
        raise BenchError(
            f"{subset.corpus} {subset.split}: {len(missing)} of {len(subset)} protocol lines have "
            f"no audio, the first is {missing[0]} ({all_of_them})"
        )
    place = work / "checked" / f"{subset.corpus}-{subset.split}-{_digest(subset, audio)}"
    differs = (states != _kept(place, len(paths))).any(axis=1) | (states[:, 0] == _UNKNOWN)
    changed = np.flatnonzero(differs).tolist()
    looks = on_threads(partial(_fault, audio), [paths[row] for row in changed], _silent)
    faults = {row: fault for row, fault in zip(changed, looks, strict=True) if fault}
    if changed:
        states[list(faults)] = _UNKNOWN
        _keep(place, states)
    if faults:
        raise BenchError(
            f"{subset.corpus} {subset.split}: {len(faults)} of {len(subset)} audio files cannot be "
            f"used, the first: {next(iter(faults.values()))} ({all_of_them})"
        )


def _advice(subset: Subset, form: Form) -> str:
    smoke = " --smoke" if form == "smoke" else ""
    return f"`bench data check {subset.corpus} --split {subset.split}{smoke} --list FILE` names all"


def _states(paths: list[Path]) -> tuple[States, list[Path]]:
    """Return the state of each file, and which are not there."""
    states = np.full((len(paths), 2), _UNKNOWN, dtype=np.int64)
    missing: list[Path] = []
    for row, path in enumerate(paths):
        try:
            found = os.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            missing.append(path)
        except OSError:
            continue  # opening it will say why
        else:
            states[row] = found.st_size, found.st_mtime_ns
    return states, missing


def _fault(audio: Audio, path: Path) -> str:
    """Return what is wrong with a file, "" where nothing is."""
    try:
        found = header(path)
        check_header(path, found, audio)
        require_whole(path, found)
    except BenchError as error:
        return str(error)
    return ""


def _digest(subset: Subset, audio: Audio) -> str:
    root, paths = os.path.abspath(subset.root), subset.table["path"].tolist()
    text = "\0".join([_VERSION, audio.model_dump_json(), root, *paths])
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:16]


def _kept(place: Path, files: int) -> States:
    """Return the states in which files were found sound."""
    try:
        kept = np.fromfile(place, np.int64)
    except OSError:
        kept = np.zeros(0, dtype=np.int64)
    # Of a torn file, too, all are looked at again.
    return kept.reshape(-1, 2) if kept.size == 2 * files else np.full((files, 2), _UNKNOWN)


def _keep(place: Path, states: States) -> None:
    # Who may not write here looks at all files again the next time, and loses nothing else.
    with suppress(OSError):
        atomic_files.write_bytes(place, states.tobytes())


def _silent(done: int, total: int) -> None:
    """Say nothing."""
