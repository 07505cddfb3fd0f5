"""RawBoost, mixing and the labels of auxiliary tasks.

RawBoost is that of a clip of 64,000 samples of real speech, the mean of several seeds; its
reference is the released algorithm (np.power, scipy's filter design, direct filtering). The
references of labels and of mixing go through frames and clips in a loop, as released SAL does.
Least processor time on one thread.
"""

from __future__ import annotations

import io
import lzma
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Tensor

from bench.models.augment.csm import mix_batch
from bench.models.augment.rawboost import apply_rawboost
from bench.models.segment_positions import compute_positions, compute_transitions
from bench.specs.augment.csm import CrossSegmentMixing
from bench.specs.augment.rawboost import RawBoost
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import least_s
from tests.data import slow_labels as slow
from tests.models.augment.slow_rawboost import plain_rawboost

CLIP_SAMPLES = 64_000
BATCH = 32
SEEDS = 6
CALLS = 10
"""Calls of a turn: one of labels takes some ten microseconds."""
NO_LOOP = "ours cuts where both clips have audio, and never waits for a GPU"
MIXED = 6
"""Clips of a batch that released SAL mixes in a round."""
SPEECH = Path(__file__).parents[1] / "official/asvspoof2019_la/audio/LA_T_1272637.flac.xz"


def measure_rawboost(rounds: int) -> None:
    """Compare each algorithm: of each seed the least of several rounds."""
    speech, _ = soundfile.read(io.BytesIO(lzma.decompress(SPEECH.read_bytes())))
    wave = np.resize(speech, CLIP_SAMPLES).astype(np.float32)
    for algorithm in range(1, 9):
        spec = RawBoost(kind="rawboost", algorithm=algorithm)
        least = np.full((2, SEEDS), np.inf)
        for _ in range(rounds):
            for side, add in enumerate((apply_rawboost, plain_rawboost)):
                for seed in range(SEEDS):
                    start = process_time()
                    add(wave, spec, np.random.default_rng(seed))
                    least[side, seed] = min(least[side, seed], process_time() - start)
        goal = "10 x" if algorithm == 4 else ""
        what = f"RawBoost {algorithm}, {CLIP_SAMPLES:,} samples"
        show(what, *_ms(least.mean(axis=1)), "released algorithm", goal=goal)


def measure_labels(frames: int, rounds: int) -> None:
    """Compare the labels of a batch of clips of so many frames."""
    spoof = torch.rand(BATCH, frames, generator=torch.Generator().manual_seed(0)) < 0.5
    valid = torch.ones_like(spoof)
    clips = spoof.tolist()

    def loop(label: Callable[[list[bool], int], list[int]]) -> Tensor:
        return torch.tensor([label(clip, frames) for clip in clips])

    for name, ours, label in (
        ("positions", compute_positions, slow.positions),
        ("transitions, both sides", _transitions("both-sides"), slow.both_sides),
        ("transitions, segment edges", _transitions("segment-edges"), slow.segment_edges),
    ):
        works = partial(ours, spoof, valid), partial(loop, label)
        assert works[0]().equal(works[1]())
        taken = _ms(least_s(works, rounds, CALLS))
        show(f"{name}, {BATCH} x {frames} frames", *taken, "loop over frames")


def _transitions(rule: Any) -> Callable[[Tensor, Tensor], Tensor]:
    return lambda spoof, valid: compute_transitions(spoof, valid, rule)


def mix_in_loop(waves: Tensor, spoof: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mix clip by clip, as released SAL does, but with other clips."""
    mixed, labels = torch.zeros_like(waves), torch.zeros_like(spoof)
    for clip in range(len(waves)):
        mixed[clip], labels[clip] = waves[clip], spoof[clip]
    for clip in torch.randperm(len(waves), generator=generator)[:MIXED].tolist():
        other = (clip + int(torch.randint(1, len(waves), (), generator=generator))) % len(waves)
        frame = int(torch.randint(1, spoof.shape[1], (), generator=generator))
        cut = frame * waves.shape[1] // spoof.shape[1]
        mixed[clip] = torch.cat([waves[clip, :cut], waves[other, cut:]])
        labels[clip] = torch.cat([spoof[clip, :frame], spoof[other, frame:]])
    return mixed, labels


def measure_mixing(rounds: int) -> None:
    """Compare one round of mixing of a batch."""
    waves = torch.zeros(BATCH, CLIP_SAMPLES)
    spoof = torch.zeros(BATCH, 25, dtype=torch.bool)
    spec = CrossSegmentMixing(kind="csm", rounds=1)
    batch = (waves, spoof, ~spoof, torch.zeros(BATCH, dtype=torch.long))
    generator = torch.Generator().manual_seed(0)
    works = (
        lambda: mix_batch(*batch, samples_per_frame=2560, spec=spec, generator=generator),
        lambda: mix_in_loop(waves, spoof, generator),
    )
    taken = _ms(least_s(works, rounds, CALLS))
    what = f"mixing, one round, {BATCH} x {CLIP_SAMPLES:,} samples"
    show(what, *taken, "loop over clips", note=NO_LOOP)


def _ms(seconds: Any) -> tuple[float, str, float]:
    """Return ours, its unit and the reference, from both in seconds."""
    ours, reference = seconds
    return 1000 * ours, "ms", 1000 * reference


if __name__ == "__main__":
    sizes = read_sizes(__doc__, rounds=(6, 1), repeats=(20, 2))
    torch.set_num_threads(1)
    measure_rawboost(sizes.rounds)
    measure_labels(25, sizes.repeats)
    measure_labels(200, sizes.repeats)
    measure_mixing(sizes.repeats)
