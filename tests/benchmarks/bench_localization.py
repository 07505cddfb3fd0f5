"""How fast localization is judged, against interval arithmetic done utterance by utterance.

`python tests/benchmarks/bench_localization.py` prints both: the ratio on a set that the plain way
finishes in a minute, then our times on a set of PartialSpoof's eval size (71,237 utterances, 25
million frames of 10 ms; made up).

The plain way takes time in proportion to the utterances. The published script's takes it to their
square (it was measured at 4.5 s for one threshold of 500 utterances and 15.5 s of 1,000), so that
the ratio to what users run is larger than the one printed here, and grows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics.f1 import ARGMAX, decide_bonafide
from bench.metrics.grid import align_points, segment_eer
from bench.metrics.positions import FrameErrors, distance_errors, position_errors
from bench.metrics.ranges import range_eer
from bench.metrics.ratios import decision_ratios, group_ratios
from bench.metrics.timeline import (
    LabelledStretches,
    ScoredFrames,
    frames_on_grid,
    make_spoof_stretches,
)
from bench.metrics.utterances import utterance_eer

FRAME = 160
SMALL, FULL = 4_000, 71_237


class Made(NamedTuple):
    scored: ScoredFrames
    truth: LabelledStretches


def made(n: int) -> Made:
    """Utterances of 1 to 6 s, none to three spoof stretches each, one noisy score each 10 ms."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(16_000, 96_000, n)
    code = np.repeat(np.arange(n), rng.integers(0, 4, n))
    size = (lengths[code] * rng.uniform(0.05, 0.3, len(code))).astype(int)
    start = (rng.random(len(code)) * (lengths[code] - size)).astype(int)
    truth = make_spoof_stretches(lengths, code, start, start + size)
    counts = -(-lengths // FRAME)
    blank = frames_on_grid(counts, FRAME, np.zeros(counts.sum()))
    is_spoof = align_points(blank, truth, 0.01).is_spoof
    noise = rng.normal(size=len(is_spoof)).astype(np.float32)
    return Made(frames_on_grid(counts, FRAME, noise - 2 * is_spoof), truth)


class Utterance(NamedTuple):
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    scores: NDArray[np.float64]
    spoof: list[tuple[int, int]]
    length: int


def by_utterance(scored: ScoredFrames, truth: LabelledStretches) -> Iterator[Utterance]:
    edges = np.searchsorted(scored.utterance, np.arange(scored.utterance[-1] + 2))
    cuts = np.searchsorted(truth.utterance, np.arange(truth.utterance[-1] + 2))
    for (a, b), (c, d) in zip(pairwise(edges), pairwise(cuts), strict=True):
        at = [i for i in range(c, d) if truth.is_spoof[i]]
        spoof = [(int(truth.start[i]), int(truth.end[i])) for i in at]
        yield Utterance(
            scored.start[a:b], scored.end[a:b], scored.score[a:b], spoof, int(truth.end[d - 1])
        )


def plain_rates(utterances: list[Utterance], threshold: float) -> tuple[float, float]:
    """Runs of frames decided spoof as intervals, intersected with the spoof stretches: (bona fide
    time flagged, spoof time missed), as shares."""
    flagged = missed = spoof_time = time = 0
    for made in utterances:
        is_spoof = np.concatenate([[False], made.scores <= threshold, [False]])
        edges = np.flatnonzero(is_spoof[1:] != is_spoof[:-1])
        decided = [
            (int(made.starts[a]), min(int(made.ends[b - 1]), made.length))
            for a, b in zip(edges[::2], edges[1::2], strict=True)
        ]
        hit = sum(
            max(0, min(end, last) - max(start, first))
            for start, end in made.spoof
            for first, last in decided
        )
        spoof = sum(end - start for start, end in made.spoof)
        flagged += sum(end - start for start, end in decided) - hit
        missed += spoof - hit
        spoof_time += spoof
        time += made.length
    return flagged / (time - spoof_time), missed / spoof_time


class Bisected(NamedTuple):
    eer: float
    thresholds: int


def plain_eer(scored: ScoredFrames, truth: LabelledStretches) -> Bisected:
    """Bisection over percentiles of the scores until the rates differ by 1e-5, as published."""
    utterances = list(by_utterance(scored, truth))
    low, high = 0.0, 100.0
    tried, flagged, missed = 0, 1.0, 0.0
    while abs(flagged - missed) > 1e-5 and tried < 40:
        tried += 1
        threshold = float(np.percentile(scored.score, (low + high) / 2))
        flagged, missed = plain_rates(utterances, threshold)
        low, high = ((low + high) / 2, high) if flagged < missed else (low, (low + high) / 2)
    return Bisected((flagged + missed) / 2, tried)


def timed(work: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    start = perf_counter()
    return work(*arguments), perf_counter() - start


def rates(errors: FrameErrors) -> dict[str, float]:
    return group_ratios(errors.names, errors.group, errors.wrong, errors.unit).values


def main() -> None:
    scored, truth = made(SMALL)
    ours, our_time = timed(range_eer, scored, truth)
    plain, plain_time = timed(plain_eer, scored, truth)
    each = plain_time / plain.thresholds
    print(f"range EER, {SMALL:,} utterances, {len(scored.score):,} frames:")
    print(f"  plain, {plain.thresholds} thresholds  {plain_time:7.2f} s   {plain.eer:.6f}")
    print(f"  plain, one threshold  {each:7.3f} s")
    print(f"  ours, all thresholds  {our_time:7.3f} s   {ours.eer:.6f}")
    print(f"  ratio {plain_time / our_time:.0f}, to one threshold {each / our_time:.1f}")
    scored, truth = made(FULL)
    print(f"ours, {FULL:,} utterances, {len(scored.score):,} frames:")
    for name, work in {
        "range EER": lambda: range_eer(scored, truth),
        "point EER at 10 ms": lambda: segment_eer(scored, truth, 0.01),
        "point EER at 20 ms": lambda: segment_eer(scored, truth, 0.02),
        "point EER at 160 ms": lambda: segment_eer(scored, truth, 0.16),
        "utterance EER": lambda: utterance_eer(scored, truth),
    }.items():
        found, seconds = timed(work)
        print(f"  {name:20s}{seconds:7.2f} s   {found.eer:.6f}")
    found, seconds = timed(align_points, scored, truth, 0.01)
    print(f"  {'labels at 10 ms':20s}{seconds:7.2f} s")
    for name, work in {
        "F1": lambda: (
            decision_ratios(found.is_spoof, ~decide_bonafide(found.score), found.utterance).values
        ),
        "by position": lambda: rates(position_errors(found, ARGMAX)),
        "by distance": lambda: rates(distance_errors(found, truth, ARGMAX)),
    }.items():
        print(f"  {name:20s}{timed(work)[1]:7.2f} s")


if __name__ == "__main__":
    main()
