"""Breath marks.

One core on clips of 4 s: our detector with and without reading the clip from FLAC, and Respiro's
features and network, with random weights; wall time, the median. Then the whole search over files
with one process and with as many as there are cores, and what it has found for as many utterances
as are asked for, written and read back.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
import soundfile

from bench.config import Config
from bench.data.audio import read_wave
from bench.models.breath import build_marker, cache, dsp
from bench.specs.breath.dsp import Dsp
from bench.specs.corpus import Audio
from tests.benchmarks.records import read_sizes, show
from tests.models.breath.made_breaths import RATE, made, subset

SPEC = Dsp(kind="dsp")
CLIP_SAMPLES = 64_000


def clip(seed: int) -> np.ndarray:
    return np.resize(made(seed).wave, CLIP_SAMPLES)


def milliseconds(work: Callable[[int], Any], times: int) -> float:
    """Return the median time of `work` on so many clips, after one that does not count."""
    taken: list[float] = []
    for number in range(times + 1):
        start = perf_counter()
        work(number)
        taken.append(perf_counter() - start)
    return 1000 * median(taken[1:])


def measure_clips(folder: Path, times: int) -> None:
    """Time each detector on clips, one thread."""
    import torch  # here: the processes of `measure_files` import this module

    from bench.models.breath import respiro

    torch.set_num_threads(1)
    clips = [clip(seed) for seed in range(30)]
    paths = [folder / f"{seed}.flac" for seed in range(30)]
    for path, wave in zip(paths, clips, strict=True):
        soundfile.write(path, wave, RATE)
    audio = Audio(suffix=".flac")
    detect = dsp.detect_breaths
    network = respiro.RespiroNetwork().eval()
    heard = torch.from_numpy(clips[0])
    with torch.inference_mode():
        inputs = respiro.stack_features(respiro.compute_features(heard)).expand(8, -1, -1, -1)
        for what, many, work in (
            ("dsp", times, lambda i: detect(clips[i % 30], SPEC)),
            ("dsp, FLAC read", times, lambda i: detect(read_wave(paths[i % 30], audio), SPEC)),
            ("respiro, features", times // 10, lambda _: respiro.compute_features(heard)),
            ("respiro, network, batches of 8", 8 * (times // 40), lambda _: network(inputs)),
        ):
            each = 8 if "network" in what else 1
            show(f"{what}, a clip of 4 s", milliseconds(work, many // each) / each, "ms")


def measure_files(folder: Path, count: int) -> None:
    """Time the search over files."""
    names = [f"u{i:05d}" for i in range(count)]
    for i, name in enumerate(names):
        soundfile.write(folder / f"{name}.wav", clip(i % 30), RATE)
    for processes in (0, os.cpu_count() or 1):
        own = subset(folder, names, split=f"of {processes} processes")
        start = perf_counter()
        build_marker(own, SPEC, Audio(), Config(work=folder / "work", workers=processes))
        taken = perf_counter() - start
        show(
            f"dsp, {count:,} files, {processes or 'no'} worker processes", count / taken, "files/s"
        )


def measure_kept(folder: Path, count: int) -> None:
    """Time what is kept of so many utterances."""
    own = subset(folder, [f"E_{i:010d}" for i in range(count)])
    one = np.array([[1.0, 1.5]], dtype=np.float32)

    def find(paths: Any) -> Any:
        return (one for _ in paths)

    for what in ("written", "read back"):
        start = perf_counter()
        cache.find_intervals(own, {"kind": "made"}, find, folder, lambda _: None)
        show(f"breaths of {count:,} utterances, {what}", perf_counter() - start, "s")


if __name__ == "__main__":
    sizes = read_sizes(__doc__, times=(200, 40), files=(2000, 20), kept=(100_000, 1000))
    with tempfile.TemporaryDirectory() as place:
        measure_clips(Path(place), sizes.times)
        measure_files(Path(place), sizes.files)
        measure_kept(Path(place), sizes.kept)
