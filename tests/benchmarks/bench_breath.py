"""Print how fast breaths are found and read back: `bench_breath.py [N]`.

First one core on clips of 4 s: our detector against the plain one that its tests use (loops over
frames), with and without reading the clip from FLAC; and Respiro's features and network, with
random weights. Then the whole way of `bench.models.breath.build_marker` over files in a temporary
folder with one process and with as many as there are cores; and what has been kept of N utterances
(680,000 by default, as ASVspoof 5's evaluation set has about) read back, with one interval for
each.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import numpy as np
import soundfile
import torch

from bench.config import Config
from bench.data.audio import read_wave
from bench.models.breath import build_marker, cache, dsp, respiro
from bench.specs.breath.dsp import Dsp
from bench.specs.corpus import Audio
from tests.models.breath import plain_dsp
from tests.models.breath.made_breaths import RATE, made, subset

SPEC = Dsp(kind="dsp")
CLIP_SAMPLES = 64_000
FILES = 2000


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


def row(name: str, taken_ms: float) -> None:
    print(f"{name:<44} {taken_ms:9.2f} ms {1000 / taken_ms:9,.0f} a second")


def one_core(folder: Path) -> None:
    clips = [clip(seed) for seed in range(30)]
    paths = [folder / f"{seed}.flac" for seed in range(30)]
    for path, wave in zip(paths, clips, strict=True):
        soundfile.write(path, wave, RATE)
    audio = Audio(suffix=".flac")
    row("dsp", milliseconds(lambda i: dsp.detect_breaths(clips[i % 30], SPEC), 200))
    row("dsp, plain loops", milliseconds(lambda i: plain_dsp.intervals(clips[i], SPEC), 3))
    row(
        "dsp, FLAC read",
        milliseconds(lambda i: dsp.detect_breaths(read_wave(paths[i % 30], audio), SPEC), 200),
    )
    network = respiro.RespiroNetwork().eval()
    heard = torch.from_numpy(clips[0])
    row("respiro, features", milliseconds(lambda _: respiro.compute_features(heard), 20))
    with torch.inference_mode():
        inputs = respiro.stack_features(respiro.compute_features(heard)).expand(8, -1, -1, -1)
        row("respiro, network, a clip of 8 at once", milliseconds(lambda _: network(inputs), 5) / 8)


def files(folder: Path) -> None:
    names = [f"u{i:05d}" for i in range(FILES)]
    for i, name in enumerate(names):
        soundfile.write(folder / f"{name}.wav", clip(i % 30), RATE)
    for processes in (0, os.cpu_count() or 1):
        own = subset(folder, names, split=f"of {processes} processes")
        start = perf_counter()
        build_marker(own, SPEC, Audio(), Config(work=folder / "work", workers=processes))
        row(f"{FILES:,} files, {processes} processes", 1000 * (perf_counter() - start) / FILES)


def kept(folder: Path, count: int) -> None:
    own = subset(folder, [f"E_{i:010d}" for i in range(count)])
    one = np.array([[1.0, 1.5]], dtype=np.float32)

    def find(paths: Any) -> Any:
        return (one for _ in paths)

    for what in ("written", "read back"):
        start = perf_counter()
        cache.find_intervals(own, {"kind": "made"}, find, folder, print)
        print(f"{count:,} utterances {what}: {perf_counter() - start:.2f} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        one_core(Path(place))
        files(Path(place))
        kept(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 680_000)
