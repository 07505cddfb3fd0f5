"""Measures of replicates of independent trials that need every trial.

Areas and calibration follow from the corners of the ROC curve, means from sums over each class
(`bench.metrics.measure`). How many of the drawn trials are bona fide is binomial; given that, each
class is drawn apart, in the order of its scores, so that a replicate is counted without sorting it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from bench.metrics.measure import Averaged, Decided, Measure, Ordered
from bench.metrics.resampling_groups import draw_counts
from bench.metrics.sorted_items import SortedItems
from bench.metrics.tally import Floats, Integers, ScoreCounts

_STREAM = 1
"""Tells these draws from others of one seed and number."""


def is_summed(measure: Measure) -> bool:
    """Return whether a measure follows from sums of terms or from the corners of the ROC curve."""
    if isinstance(measure, Averaged | Decided):
        return measure.terms is not None
    return isinstance(measure, Ordered)


class DrawnValues(NamedTuple):
    """The measures of one replicate."""

    values: list[float]
    redrawn: int
    """How many draws before it lacked a class and were repeated."""


class _ClassTrials(NamedTuple):
    """The trials of one class by ascending score, and the runs that they are in."""

    run: Integers
    """(r,): the runs of the ROC curve that have trials of the class, ascending."""
    first: Integers
    """(r,): the first trial of each."""
    terms: Floats
    """(trials, measures): what each trial adds to each mean."""


class DrawnTrials:
    """Measures of replicates of independent trials, all of the same draws."""

    def __init__(self, items: SortedItems, measures: Mapping[int, Measure]) -> None:
        """Take measures for which `is_summed` of trials that are independent."""
        ends = items.run_ends
        self._measures, self._score = measures, items.score[ends]
        run = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        terms = [
            measure.terms(items.score)
            for measure in measures.values()
            if isinstance(measure, Averaged | Decided) and measure.terms is not None
        ]
        self._classes = list[_ClassTrials]()
        for which, weights in enumerate((items.bonafide, items.spoof)):
            at = np.flatnonzero(weights)
            first = np.flatnonzero(np.diff(run[at], prepend=-1))
            columns = [of_classes[which][at] for of_classes in terms]
            stacked = np.stack(columns, axis=1) if columns else np.empty((len(at), 0))
            self._classes.append(_ClassTrials(run[at][first], first, stacked))

    def draw_values(self, seed: int, number: int) -> DrawnValues:
        """Return the measures of replicate `number` of `seed`, whichever others are asked for.

        A draw that lacks a class is repeated.
        """
        rng = np.random.default_rng([seed, number, _STREAM])
        sizes = [len(trials.terms) for trials in self._classes]
        total, again = sum(sizes), -1
        n_bonafide = 0
        while not 0 < n_bonafide < total:
            again += 1
            n_bonafide = int(rng.binomial(total, sizes[0] / total))
        sums, runs = list[Floats](), list[Floats]()
        for trials, size, drawn in zip(
            self._classes, sizes, (n_bonafide, total - n_bonafide), strict=True
        ):
            weights = np.empty(size)
            draw_counts(rng, weights, drawn)
            sums.append(weights @ trials.terms / drawn)
            counts = np.zeros(len(self._score))
            counts[trials.run] = np.add.reduceat(weights, trials.first)
            runs.append(counts)
        means = iter((sums[0] + sums[1]).tolist())
        counts = ScoreCounts(self._score, *runs)
        values = [
            measure(counts) if isinstance(measure, Ordered) else next(means)
            for measure in self._measures.values()
        ]
        return DrawnValues(values, again)
