"""A cache of detected breaths: each file of a split is searched once.

A folder for each detector, version, settings and split holds shards of utterances in the order of
their names. A complete shard is moved into place, so that a killed search goes on where it was. One
process searches; others that want the same wait for it.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from bench._io import atomic_files, file_locks, interrupts, machine
from bench._io.digests import WHOLE_FILES, list_digest
from bench.data.fingerprint import compute_fingerprint
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.models.breath.marks import Intervals, Say

Times = NDArray[np.float32]
"""(n, 2): start and end in seconds."""
Find = Callable[[Sequence[Path]], Iterator[Times]]
"""Finds the breaths of audio files, one file after the other."""

SHARD = 2048
"""Utterances that are kept together: at most so many are searched again after a kill."""
_SAY_EACH_S = 5.0


def find_intervals(
    subset: Subset, detector: Mapping[str, object], find: Find, work: Path, say: Say
) -> Intervals:
    """Return the breaths of a subset in its rows' order; search the files that are not cached.

    `detector` holds all that the result depends on beside protocol, labels and audio.
    """
    digest = hashlib.sha256(json.dumps(detector, sort_keys=True).encode()).hexdigest()[:8]
    folder = f"{detector['kind']}-{digest}-{compute_fingerprint(subset)}"
    cache_folder = work / "breath" / f"{subset.corpus}-{subset.split}" / folder
    names = subset.table["utterance"].to_numpy(dtype=str)
    order = np.argsort(names, kind="stable")
    parts = [order[first : first + SHARD] for first in range(0, len(order), SHARD)]
    # Replaced audio is another shard, so that no other one is searched again.
    shards = {
        cache_folder
        / f"{number:05d}-{_digest_audio(subset, names[rows], rows, len(parts))}.npz": rows
        for number, rows in enumerate(parts)
    }
    if not all(path.is_file() for path in shards):
        with _lock_folder(cache_folder, say):
            _search_shards(subset, shards, find, say)
    parts_read = [_read_shard(path, len(rows)) for path, rows in shards.items()]
    return _join_shards(parts_read).reorder_rows(np.argsort(order))


def _digest_audio(
    subset: Subset, names: NDArray[np.str_], rows: NDArray[np.int64], shards: int
) -> str:
    """Return the digest of a shard's audio; all shards together read as many files as a split."""
    paths = map(subset.audio_path, rows.tolist())
    return list_digest(zip(names.tolist(), paths, strict=True), max(2, WHOLE_FILES // shards))[:8]


def _search_shards(
    subset: Subset, shards: Mapping[Path, NDArray[np.int64]], find: Find, say: Say
) -> None:
    missing = {path: rows for path, rows in shards.items() if not path.is_file()}
    files = [subset.audio_path(row) for rows in missing.values() for row in rows.tolist()]
    what = f"breaths of {subset.corpus} {subset.split}"
    results = _report_progress(find(files), len(files), what, say)
    for path, rows in missing.items():
        _write_shard(path, Intervals.from_utterances(islice(results, len(rows))))


def _report_progress(results: Iterable[Times], total: int, what: str, say: Say) -> Iterator[Times]:
    """Pass the results on and say every few seconds how many there are."""
    begun = last_said = monotonic()
    for done, times in enumerate(results, 1):
        interrupts.raise_if_stop_asked(f"stopped while {what} were searched for")
        now = monotonic()
        if now - last_said >= _SAY_EACH_S:
            last_said = now
            say(f"{what}: {done:,} of {total:,} files, {done / (now - begun):,.0f} a second")
        yield times


@contextmanager
def _lock_folder(folder: Path, say: Say) -> Iterator[None]:
    """Hold the folder; wait where another process does."""

    def busy(holder: str) -> None:
        say(f"{folder}: {holder} is searching for these breaths, waiting for it")

    folder.mkdir(parents=True, exist_ok=True)
    with file_locks.hold_file(folder / "lock", busy):
        yield


def _write_shard(path: Path, breaths: Intervals) -> None:
    try:
        with atomic_files.open_whole(path) as file:
            np.savez(file, times_s=breaths.times_s, offsets=breaths.offsets)
    except OSError as error:
        refused = machine.explain_error(error)
        code = refused.code if refused else "machine.refused"
        raise BenchError(code, f"{path}: cannot be written: {error}") from error


def _read_shard(path: Path, utterances: int) -> Intervals:
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            shard = Intervals(file["times_s"], file["offsets"])
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise BenchError(
            "breath.cache-damaged",
            f"{path}: cannot be read ({error}): remove it, and its breaths are searched again",
        ) from error
    if len(shard.offsets) != utterances + 1:
        raise BenchError(
            "breath.cache-damaged",
            f"{path}: holds {len(shard.offsets) - 1} utterances, should hold {utterances}: remove "
            "it, and its breaths are searched again",
        )
    return shard


def _join_shards(parts: Sequence[Intervals]) -> Intervals:
    counts = [np.zeros(1, dtype=np.int64), *(np.diff(part.offsets) for part in parts)]
    times = [np.zeros((0, 2), dtype=np.float32), *(part.times_s for part in parts)]
    return Intervals(np.concatenate(times), np.cumsum(np.concatenate(counts)))
