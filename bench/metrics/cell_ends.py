"""Where sorted items are cut into cells, so that few of a replicate's items are looked at.

Cells are fine around the score at which the error rates cross, or a cost is least, and grow with
the distance from it, as a replicate's crossing and its least cost are near those of the items.
Where the cuts are decides on speed alone: results are exact with any (`bench.metrics.cells`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.metrics.measure import CostLine, Least, Measure
from bench.metrics.sorted_items import SortedItems
from bench.metrics.tally import Floats, Integers

_SPREADS = np.append(np.arange(0, 3, 1 / 6), [3, 3.5, 4, 5, 6, 8, 12, 20, 50])
"""Cuts on either side of a crossing, in standard deviations of the difference of both rates."""

_FEWEST = 20
"""Items in the smallest cells around a least cost; measured, as the next number is."""
_DEVIATIONS = 1.5
"""By so many standard deviations a replicate may come closer to the least cost before the cells of
that distance grow."""


def choose_ends(items: SortedItems, measures: Sequence[Measure], n_groups: int) -> Integers:
    """Return the last item of each cell, ascending; the last item of all is one of them.

    `measures` are least costs with a line, and the equal error rate. As many items as there are
    groups are taken to be independent.
    """
    missed, rejected = (weights.cumsum()[items.ends] for weights in (items.bonafide, items.spoof))
    rates = missed / missed[-1], 1 - rejected / rejected[-1]
    worth = n_groups / (missed[-1] + rejected[-1])
    numbers = worth * missed[-1], worth * rejected[-1]
    chosen = np.zeros(len(items.ends), dtype=np.bool_)
    chosen[-1] = True
    for measure in measures:
        if isinstance(measure, Least) and measure.line is not None:
            chosen[_cut_cost(measure.line, rates, numbers)] = True
        else:
            chosen[_cut_crossing(rates, numbers)] = True
    return items.ends[chosen]


def _cut_crossing(rates: tuple[Floats, Floats], numbers: tuple[float, float]) -> Integers:
    """Return at which thresholds to cut for the equal error rate."""
    gap = rates[0] - rates[1]
    crossing = np.abs(gap).argmin()
    # A rate without an error has a spread, too: one more error of two more trials.
    fewest = min(numbers)
    rate = (fewest * (rates[0][crossing] + rates[1][crossing]) / 2 + 1) / (fewest + 2)
    spread = np.sqrt(rate * (1 - rate) * (1 / numbers[0] + 1 / numbers[1]))
    targets: Floats = spread * np.concatenate([-_SPREADS, _SPREADS])
    at: Integers = np.searchsorted(gap, targets)
    return at[at < len(gap)]


def _cut_cost(
    line: CostLine, rates: tuple[Floats, Floats], numbers: tuple[float, float]
) -> Integers:
    """Return at which thresholds to cut for a least cost.

    The cost at a threshold in a cell is lower than that at the cell's edges by at most what the
    cell's items add to the cost and take from it. That is allowed to be as much as the cell's cost
    lies above the least one.
    """
    missing, accepting = line.miss * rates[0], line.false_alarm * rates[1]
    cost, moved = missing + accepting, missing - accepting
    above, distance = cost - cost.min(), np.abs(moved - moved[cost.argmin()])
    most = max(line.miss / numbers[0], line.false_alarm / numbers[1])
    smallest = (line.miss + line.false_alarm) * _FEWEST / sum(numbers)
    allowed = np.maximum(above - _DEVIATIONS * np.sqrt(distance * most), smallest)
    cell = (np.diff(moved, prepend=moved[0]) / allowed).cumsum() // 1
    return np.flatnonzero(np.diff(cell))
