"""Print how many times faster RawBoost and the labels of the auxiliary tasks are than plain routes.

Run as a script; `bench.data.frame_labels` and `bench.models.augment` are compared with the slow
implementations that their tests use (np.power, scipy's filter design and direct filtering, as the
released RawBoost has them; loops over frames).
"""

from __future__ import annotations

import io
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
import soundfile
import torch

sys.path += [str(Path(__file__).parents[1] / part) for part in ("models/augment", "data")]

import slow_labels as slow  # pyright: ignore[reportMissingImports]
from slow_rawboost import plain_rawboost  # pyright: ignore[reportMissingImports]

from bench.models.augment.csm import mix_batch
from bench.models.augment.rawboost import apply_rawboost
from bench.models.segment_positions import compute_positions, compute_transitions
from bench.specs.augment.csm import CrossSegmentMixing
from bench.specs.augment.rawboost import RawBoost

CLIP_SAMPLES = 64_000
BATCH = 32
SEEDS, ROUNDS = 6, 12
SPEECH = Path(__file__).parents[1] / "official/asvspoof2019_la/audio/LA_T_1272637.flac.xz"


def milliseconds(work: Callable[[], Any], times: int) -> float:
    """Return the median time of `work` after one call that does not count."""
    work()
    taken: list[float] = []
    for _ in range(times):
        start = perf_counter()
        work()
        taken.append(perf_counter() - start)
    return 1000 * median(taken)


def row(name: str, ours: Callable[[], Any], plain: Callable[[], Any], times: int) -> None:
    fast, slow_one = milliseconds(ours, times), milliseconds(plain, max(times // 4, 3))
    print(f"{name:<34} {fast:9.3f} ms {slow_one:9.3f} ms {slow_one / fast:7.1f} x")


def rawboost_rows() -> None:
    """Real speech, several seeds, processor time: of each seed the least of several rounds."""
    speech, _ = soundfile.read(io.BytesIO(lzma.decompress(SPEECH.read_bytes())))
    wave = np.resize(speech, CLIP_SAMPLES).astype(np.float32)
    for algorithm in range(1, 9):
        spec = RawBoost(kind="rawboost", algorithm=algorithm)
        least = np.full((2, SEEDS), np.inf)
        for _ in range(ROUNDS):
            for side, add in enumerate((apply_rawboost, plain_rawboost)):
                for seed in range(SEEDS):
                    start = process_time()
                    add(wave, spec, np.random.default_rng(seed))
                    least[side, seed] = min(least[side, seed], process_time() - start)
        ours, plain = 1000 * least.mean(axis=1)
        name = f"RawBoost {algorithm}, {CLIP_SAMPLES} samples"
        print(f"{name:<34} {ours:9.3f} ms {plain:9.3f} ms {plain / ours:7.1f} x")


def label_rows(frames: int) -> None:
    spoof = torch.rand(BATCH, frames, generator=torch.Generator().manual_seed(0)) < 0.5
    valid = torch.ones_like(spoof)
    clips = spoof.tolist()
    shape = f"{BATCH} x {frames}"
    row(
        f"positions, {shape}",
        lambda: compute_positions(spoof, valid),
        lambda: torch.tensor([slow.positions(clip, frames) for clip in clips]),
        200,
    )
    row(
        f"transitions, both sides, {shape}",
        lambda: compute_transitions(spoof, valid, "both-sides"),
        lambda: torch.tensor([slow.both_sides(clip, frames) for clip in clips]),
        200,
    )
    row(
        f"transitions, segment edges, {shape}",
        lambda: compute_transitions(spoof, valid, "segment-edges"),
        lambda: torch.tensor([slow.segment_edges(clip, frames) for clip in clips]),
        200,
    )


def mixing_row() -> None:
    waves = torch.zeros(BATCH, CLIP_SAMPLES)
    spoof = torch.zeros(BATCH, 25, dtype=torch.bool)
    spec = CrossSegmentMixing(kind="csm", rounds=1)
    batch = (waves, spoof, ~spoof, torch.zeros(BATCH, dtype=torch.long))
    generator = torch.Generator().manual_seed(0)
    taken = milliseconds(
        lambda: mix_batch(*batch, samples_per_frame=2560, spec=spec, generator=generator), 50
    )
    print(f"{'mixing, one round, 32 x 64000':<34} {taken:9.3f} ms")


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(f"{'':<34} {'ours':>12} {'plain':>12} {'ratio':>9}")
    rawboost_rows()
    label_rows(25)
    label_rows(200)
    mixing_row()
