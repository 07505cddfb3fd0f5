"""Whole audio files for the detectors, and our own detector on all cores."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from bench.breath import dsp
from bench.breath.cache import Times
from bench.corpora.audio import read_wave
from bench.errors import BenchError
from bench.specs.breath import Dsp
from bench.specs.corpus import Audio

_CHUNK = 256
"""Files that a process takes at once; fewer are not worth its start."""


def read(path: Path, audio: Audio) -> np.ndarray:
    """Return the samples of a whole file, see `read_wave`; one without any is a BenchError."""
    wave = read_wave(path, audio)
    if not len(wave):
        raise BenchError(f"{path}: holds no audio: unpack or copy it again")
    return wave


def find_dsp(spec: Dsp, audio: Audio, processes: int, paths: Sequence[Path]) -> Iterator[Times]:
    """Yield what `dsp` finds in each file; in this process where `processes` is 0 or they are few.

    A file that cannot be read is a BenchError, and nothing is searched after it.
    """
    search = partial(_search, spec, audio)
    chunks = [paths[first : first + _CHUNK] for first in range(0, len(paths), _CHUNK)]
    if processes == 0 or len(chunks) < 2:
        for chunk in chunks:
            yield from search(chunk)
        return
    # Not forked: this process may have threads and a GPU, and a fork would hold the cache's lock.
    pool = ProcessPoolExecutor(
        min(processes, len(chunks)), multiprocessing.get_context("spawn"), _follow_parent
    )
    try:
        for found in pool.map(search, chunks):
            yield from found
    finally:
        pool.shutdown(cancel_futures=True)


def _search(spec: Dsp, audio: Audio, paths: Sequence[Path]) -> list[Times]:
    return [dsp.intervals(read(path, audio), spec) for path in paths]


def _follow_parent() -> None:
    """Leave Ctrl-C to the parent, and end where it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
