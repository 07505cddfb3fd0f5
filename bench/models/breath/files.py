"""Our own detector on whole audio files, on all cores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from bench.data.audio import read_wave
from bench.data.parallel import on_processes
from bench.models.breath import dsp
from bench.models.breath.cache import Times
from bench.specs.breath import Dsp
from bench.specs.corpus import Audio


def find_dsp(spec: Dsp, audio: Audio, processes: int, paths: Sequence[Path]) -> Iterator[Times]:
    """Yield what `dsp` finds in each file; in this process where `processes` is 0 or they are few.

    A file that cannot be read is a BenchError, and nothing is searched after it.
    """
    return on_processes(partial(_search, spec, audio), paths, processes, _silent)


def _search(spec: Dsp, audio: Audio, path: Path) -> Times:
    return dsp.intervals(read_wave(path, audio), spec)


def _silent(done: int, total: int) -> None:
    """Say nothing: the cache does."""
