"""Pool adjacent violators: the best monotone calibration, and the convex hull of the ROC."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.tally import Floats, ScoreCounts, sum_classes


class Pools(NamedTuple):
    """Weights of neighbouring scores that are merged, ascending; two arrays of shape (m,).

    The share of bona fide weight rises from each pool to the next.
    """

    bonafide: Floats
    spoof: Floats


def pool_violators(counts: ScoreCounts) -> Pools:
    """Return the pools of isotonic regression of the class on the score.

    Equivalently the edges of the ROC's convex hull. Exact: shares are compared as products of
    weights, and pools of equal shares are one. A BenchError is raised for a class without any
    weight.

    >>> from bench.metrics.tally import count_scores
    >>> pool_violators(count_scores([1.0, 3.0, 4.0], [0.0, 2.0])).bonafide.tolist()
    [0.0, 1.0, 2.0]
    """
    sum_classes(counts)
    there = counts.bonafide + counts.spoof > 0
    pool = Pools(counts.bonafide[there], counts.spoof[there])
    while True:
        rises = pool.bonafide[:-1] * pool.spoof[1:] < pool.bonafide[1:] * pool.spoof[:-1]
        if rises.all():
            return pool
        # All of a run that does not rise ends in one pool, whatever comes before and after it.
        starts = np.flatnonzero(np.append(True, rises))
        before = len(pool.spoof)
        pool = Pools(*(np.add.reduceat(weights, starts) for weights in pool))
        if before - len(starts) < before // 8:  # few runs, which may be long to work off
            return _one_by_one(pool)


def _one_by_one(runs: Pools) -> Pools:
    """Return the same for any runs, in time that goes with their number in the worst case too."""
    bonafide, spoof = list[float](), list[float]()
    for b, s in zip(runs.bonafide.tolist(), runs.spoof.tolist(), strict=True):
        while bonafide and bonafide[-1] * s >= b * spoof[-1]:
            b, s = b + bonafide.pop(), s + spoof.pop()
        bonafide.append(b)
        spoof.append(s)
    return Pools(np.array(bonafide), np.array(spoof))
