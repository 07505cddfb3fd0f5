"""Localization metrics.

The range EER of a small set by the algorithm of PartialSpoof's script: for each threshold and
utterance a selection from a table of all frames, runs of frames as segments, these against the
labelled ones, bisection over thresholds; its time grows with the square of the utterances. Then
ours on a set of PartialSpoof's evaluation size (71,237 utterances, 25 million frames of 10 ms, made
up), and a pooled EER and F1 by the loop over utterances of SAL's script.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time
from typing import NamedTuple

import numpy as np
import torch

from bench.metrics.det import eer_by_class
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
from tests.benchmarks.official_localization import (
    FRAMES_PER_UTTERANCE,
    make_tables,
    official_range_eer,
    sal_eer,
    sal_f1,
)
from tests.benchmarks.records import read_sizes, show
from tests.benchmarks.timing import least_s

FRAME = 160
SMALL, FULL = 200, 71_237


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


def rates(errors: FrameErrors) -> dict[str, float]:
    """Return the error rate of each group."""
    return group_ratios(errors.names, errors.group, errors.wrong, errors.unit).values


def compare_range_eer(utterances: int, rounds: int) -> None:
    """Compare the range EER, both results and times."""
    scored, truth = made(utterances)
    tables = make_tables(scored, truth)
    np.testing.assert_allclose(range_eer(scored, truth).eer, official_range_eer(tables), atol=1e-4)
    works = partial(range_eer, scored, truth), partial(official_range_eer, tables)
    what = f"range EER, {utterances:,} utterances, {len(scored.score):,} frames"
    show(what, *_seconds(least_s(works, rounds)), "PartialSpoof's algorithm")


def compare_pooled(utterances: int, rounds: int) -> None:
    """Compare the EER and F1 of frames."""
    rng = np.random.default_rng(1)
    n = utterances * FRAMES_PER_UTTERANCE
    is_spoof = rng.random(n) < 0.3
    score = rng.normal(size=n) - 2 * is_spoof + 1
    unit = np.arange(n) // FRAMES_PER_UTTERANCE

    def find_eer() -> float:
        return eer_by_class(score[~is_spoof], score[is_spoof]).eer

    def find_f1() -> float:
        return decision_ratios(is_spoof, ~decide_bonafide(score), unit).values["f1"]

    for name, ours, theirs in (("EER", find_eer, sal_eer), ("F1", find_f1, sal_f1)):
        np.testing.assert_allclose(ours(), theirs(score, is_spoof), atol=2 / is_spoof.sum())
        taken = _seconds(least_s([ours, partial(theirs, score, is_spoof)], rounds))
        show(f"{name} of {n:,} frames of 160 ms", *taken, "SAL's algorithm")


def measure_full(utterances: int) -> None:
    """Time ours at full size."""
    scored, truth = made(utterances)
    found = align_points(scored, truth, 0.01)
    of_size = f"{utterances:,} utterances, {len(scored.score):,} frames"
    works: dict[str, Callable[[], object]] = {
        "range EER": lambda: range_eer(scored, truth),
        "EER at 10 ms": lambda: segment_eer(scored, truth, 0.01),
        "EER at 160 ms": lambda: segment_eer(scored, truth, 0.16),
        "utterance EER": lambda: utterance_eer(scored, truth),
        "labels at 10 ms": lambda: align_points(scored, truth, 0.01),
        "F1": lambda: decision_ratios(
            found.is_spoof, ~decide_bonafide(found.score), found.utterance
        ),
        "errors by position": lambda: rates(position_errors(found, ARGMAX)),
        "errors by distance": lambda: rates(distance_errors(found, truth, ARGMAX)),
    }
    for name, work in works.items():
        start = process_time()
        work()
        show(f"{name}, {of_size}", process_time() - start, "s")


def _seconds(taken: list[float]) -> tuple[float, str, float]:
    """Return ours, its unit and the reference."""
    return taken[0], "s", taken[1]


if __name__ == "__main__":
    sizes = read_sizes(__doc__, small=(SMALL, 40), full=(FULL, 500), rounds=(2, 1))
    torch.set_num_threads(1)
    compare_range_eer(sizes.small, sizes.rounds)
    compare_pooled(sizes.full, sizes.rounds)
    measure_full(sizes.full)
