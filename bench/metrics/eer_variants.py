"""The definitions in use that are all called the equal error rate.

They serve to find out which one a published number is from. The same scores give different rates:
with some thousand trials the last digits differ, with ties or few errors it can be a factor. The
suite reports `bench.metrics.det.eer_by_class` only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.det import det_points_of, eer_of, eer_official, find_closest
from bench.metrics.pav import pool_violators
from bench.metrics.tally import (
    Floats,
    Integers,
    ScoreCounts,
    accumulate_errors,
    check_scores,
    count_scores,
)
from bench.units import BONAFIDE, SPOOF

FORMULAS = {
    "ours": "mean of FRR and FAR where they are closest, over distinct scores",
    "official": "the same, ties stepped through trial by trial, bona fide first (ASVspoof's "
    "packages, AASIST, PartialSpoof, BAM)",
    "sklearn_fpr": "FAR where it is closest to FRR, over the points that scikit-learn's roc_curve "
    "keeps by default (drop_intermediate=True; AntiDeepfake before October 2025)",
    "sorted_fpr": "FAR where it is closest to FRR, trial by trial from the highest score down, "
    "tied trials as they come, here bona fide first (SAL)",
    "interpolated": "where the ROC, joined by straight lines, has FRR = FAR (brentq on interp1d)",
    "lowest_order": "trial by trial as the official one, tied trials in the order that gives the "
    "lowest EER",
    "highest_order": "the same in the order that gives the highest one",
    "rocch": "where the ROC's convex hull has FRR = FAR (BOSARIS, llreval)",
}
"""What each definition does, and who uses it."""


class OrderRange(NamedTuple):
    """What stepping through trials one by one gives, whatever the order of tied ones; fractions."""

    lowest: float
    highest: float


def compute_variants(bonafide: ArrayLike, spoof: ArrayLike) -> dict[str, float]:
    """Return the equal error rate of the scores of each class by each of `FORMULAS`, fractions.

    A BenchError is raised for an empty class or a score that is not finite.

    >>> {name: round(rate, 3) for name, rate in compute_variants([1.0, 1.0], [1.0]).items()}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'ours': 0.5, 'official': 1.0, 'sklearn_fpr': 0.0, 'sorted_fpr': 0.0, 'interpolated': 0.5,
     'lowest_order': 0.0, 'highest_order': 1.0, 'rocch': 0.5}
    """
    counts = count_scores(bonafide, spoof)
    points = det_points_of(counts)
    order = order_range(counts)
    hull = [np.append(0, np.cumsum(weights)) / weights.sum() for weights in pool_violators(counts)]
    return {
        "ours": eer_of(counts).eer,
        "official": eer_official(bonafide, spoof).eer,
        "sklearn_fpr": _sklearn_fpr(counts.bonafide[::-1], counts.spoof[::-1]),
        "sorted_fpr": _sorted_fpr(check_scores(bonafide, BONAFIDE), check_scores(spoof, SPOOF)),
        "interpolated": _intersect_lines(points.miss_rate, points.false_alarm_rate),
        "lowest_order": order.lowest,
        "highest_order": order.highest,
        "rocch": _intersect_lines(hull[0], 1 - hull[1]),
    }


def order_range(counts: ScoreCounts) -> OrderRange:
    """Return the lowest and the highest EER over all orders of tied trials.

    Trials are stepped through one by one; the EER is the mean of FRR and FAR where they are
    closest. Weights are whole numbers of trials. Only the tied trials at which the rates cross
    matter. An order of b bona fide and s spoof is
    a path of b + s steps on a lattice, along which FRR - FAR only grows; each step that crosses 0
    belongs to some path, and there are at most b + s + 2 of them.

    >>> order_range(count_scores([1.0, 1.0], [1.0]))
    OrderRange(lowest=0.0, highest=1.0)
    >>> order_range(count_scores([2.0, 3.0], [1.0]))
    OrderRange(lowest=0.0, highest=0.0)
    """
    missed, rejected = (cumulative.astype(np.int64) for cumulative in accumulate_errors(counts))
    bonafide, spoof = int(missed[-1]), int(rejected[-1])
    at = int(np.argmax(missed * spoof + rejected * bonafide >= bonafide * spoof))
    tied = int(counts.bonafide[at]), int(counts.spoof[at])
    before = int(missed[at]) - tied[0], int(rejected[at]) - tied[1]

    def gap_after(i: Integers, j: Integers) -> Integers:
        """FRR - FAR after i bona fide and j spoof of the tied, in 1 / (bonafide * spoof)."""
        return (before[0] + i) * spoof + (before[1] + j) * bonafide - bonafide * spoof

    i, j = np.arange(tied[0] + 1), np.arange(tied[1] + 1)
    # The last step with a negative gap along each line of the lattice: ceil(-gap / step) - 1.
    last_j = -(gap_after(i, np.zeros_like(i)) // bonafide) - 1
    last_i = -(gap_after(np.zeros_like(j), j) // spoof) - 1
    by_spoof, by_bonafide = (last_j >= 0) & (last_j < tied[1]), (last_i >= 0) & (last_i < tied[0])
    starts = [(i[by_spoof], last_j[by_spoof]), (last_i[by_bonafide], j[by_bonafide])]
    rates: list[Floats] = []
    for (i, j), step in zip(starts, ((0, 1), (1, 0)), strict=True):
        below, above = -gap_after(i, j), gap_after(i + step[0], j + step[1])
        for chosen, a, b in ((below <= above, i, j), (above <= below, i + step[0], j + step[1])):
            miss_rate = (before[0] + a[chosen]) / bonafide
            rates.append((miss_rate + (spoof - before[1] - b[chosen]) / spoof) / 2)
    every_rate = np.concatenate(rates)
    return OrderRange(float(every_rate.min()), float(every_rate.max()))


def _sklearn_fpr(bonafide: Floats, spoof: Floats) -> float:
    """Return FAR at the closest point of `roc_curve`; weights are those of descending scores."""
    hits, false_alarms = np.cumsum(bonafide), np.cumsum(spoof)
    if len(hits) > 2:
        corner = (np.diff(hits, 2) != 0) | (np.diff(false_alarms, 2) != 0)
        corners = np.concatenate([[True], corner, [True]])
        hits, false_alarms = hits[corners], false_alarms[corners]
    hit_rate = np.append(0, hits) / hits[-1]
    false_alarm_rate = np.append(0, false_alarms) / false_alarms[-1]
    return float(false_alarm_rate[find_closest(1 - hit_rate, false_alarm_rate).at])


def _sorted_fpr(bonafide: Floats, spoof: Floats) -> float:
    order = np.argsort(-np.concatenate([bonafide, spoof]), kind="stable")
    is_spoof = order >= len(bonafide)
    hit_rate = np.cumsum(~is_spoof) / len(bonafide)
    false_alarm_rate = np.cumsum(is_spoof) / len(spoof)
    return float(false_alarm_rate[find_closest(1 - hit_rate, false_alarm_rate).at])


def _intersect_lines(miss_rate: Floats, false_alarm_rate: Floats) -> float:
    """Return the rate at which both are equal on straight lines from point to point.

    The miss rate ascends from 0 to 1.
    """
    gap = miss_rate - false_alarm_rate
    after = int(np.argmax(gap >= 0))
    before = after - 1
    way = gap[before] / (gap[before] - gap[after])
    return float(miss_rate[before] + way * (miss_rate[after] - miss_rate[before]))
