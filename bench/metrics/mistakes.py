"""The utterances that a system gets wrong, and an exact test of two systems by them.

It is for results that rest on few errors, where resampling says little: a system without an error
has none in any replicate, so that a bootstrap takes its result for certain. The test looks at the
utterances that only one of the two systems gets wrong, each system at the threshold of its own
metric. If the systems are equally good, either is equally likely to be the one (McNemar,
Psychometrika 12, 1947), and the probability of so uneven a split is exact. As elsewhere in the
suite, errors of one speaker or attack get one common sign where speakers or attacks are resampled;
with several seeds, an utterance's errors are the mean over seeds; of frames, an utterance counts as
many errors as it has.

Each class is tested separately, and the larger p-value holds. A threshold lies where the errors of
both classes balance, so that one accepted spoof can cost a hundred bona fide trials; tested
together, these would look like a hundred independent errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from bench.metrics.bootstrap import LEVEL
from bench.metrics.combined import Estimate, How, combine_estimates
from bench.metrics.exact import FEW as FEW_ERRORS
from bench.metrics.exact import BoundedItems, binomial_bounds, effective_count
from bench.metrics.measure import Decided, Measure, Ordered
from bench.metrics.plans import ResamplingPlan, sum_groups
from bench.metrics.ratios import Ratios
from bench.metrics.tally import Floats, Integers, sort_codes

FEW = 25
"""With fewer utterances of a class that only one system gets wrong, the exact test is used: from
here on, sums of signs are nearly normal."""

LEAST = 6
"""With fewer, no outcome is significant: five of five on one side has the probability 2 / 32."""

_ENUMERATED = 12
_DRAWN = 9_999


class Mistakes(NamedTuple):
    """The utterances that one trained system gets wrong, and the exact bounds of its metric."""

    unit: Integers
    """(m,): their indices among the utterances of the plan, ascending."""
    counts: Floats
    """(c, m): errors of each, by class."""
    levels: Integers
    """(f, m): for each factor that is resampled, the level of each utterance; a level of its own
    where the utterance has none."""
    low: float
    """Exact bounds of the metric."""
    high: float

    def scale_bounds(self, factor: float) -> Mistakes:
        """Return them with bounds in another unit, for example per cent instead of fractions."""
        return self._replace(low=factor * self.low, high=factor * self.high)


class MistakeDifference(NamedTuple):
    """The exact test of the utterances that only one of two systems gets wrong."""

    p_value: float
    """Two-sided and exact, the larger of both classes'."""
    few: bool
    """Whether they are so few that resampling alone is not enough."""
    nothing: bool
    """Whether they, and the errors of either system, are too few for any conclusion."""
    alike: float
    """Correlation of both systems' errors, from 0 to 1: the smaller of the two classes'."""


def find_mistakes(bounded: BoundedItems, measure: Measure, plan: ResamplingPlan) -> Mistakes | None:
    """Return what a system gets wrong at the threshold of its metric, given its items.

    `plan` has all utterances. The result is None for a metric that does not rest on errors
    (`cllr`).
    """
    items = bounded.items
    if isinstance(measure, Decided):
        threshold = measure.compute(bounded.counts).threshold
    elif isinstance(measure, Ordered):
        threshold = bounded.crossing
    else:
        return None
    accepted = items.score > threshold
    position = np.searchsorted(plan.unit, items.unit)
    counts = np.stack(
        [
            sum_groups(position, wrong, len(plan.unit))
            for wrong in (items.bonafide * ~accepted, items.spoof * accepted)
        ]
    )
    return keep_wrong(counts, plan, *bounded.bound_measure(measure))


def ratio_mistakes(ratios: Ratios, plan: ResamplingPlan) -> dict[str, Mistakes]:
    """Return what a system gets wrong by each metric at a fixed threshold.

    Those are the items that its divisor counts and its dividend does not.
    """
    position = np.searchsorted(plan.unit, ratios.unit)
    by_name = dict[str, Mistakes]()
    for name, part, whole in zip(ratios.names, ratios.part.T, ratios.whole.T, strict=True):
        counts = np.zeros((1, len(plan.unit)))
        counts[0, position] = whole - part
        n = effective_count(whole)
        low, high = binomial_bounds(n * part.sum() / whole.sum(), n, LEVEL)
        by_name[name] = keep_wrong(counts, plan, float(low), float(high))
    return by_name


def join_mistakes(how: How, values: Sequence[float], parts: Sequence[Mistakes]) -> Mistakes:
    """Return the mistakes behind a combined metric (`bench.metrics.combined`).

    They are of the utterances of all parts; `values` are the parts' values.
    """
    n, factors = len(parts), max(len(part.levels) for part in parts)
    sign = [1.0] * n if how == "mean" or values[0] >= values[1] else [-1.0] * n
    if how == "difference":
        sign[1] = -sign[0]
    bounds = [
        Estimate(value, part.low, part.high) for value, part in zip(values, parts, strict=True)
    ]
    estimate = combine_estimates(how, bounds)
    unit = np.concatenate([n * part.unit + i for i, part in enumerate(parts)])
    order = np.argsort(unit)
    counts = [one * part.counts for one, part in zip(sign, parts, strict=True)]
    # A part whose utterances depend on one factor alone is grouped by that one.
    levels = [
        np.resize(n * part.levels + i, (factors, len(part.unit))) for i, part in enumerate(parts)
    ]
    return Mistakes(
        unit[order],
        np.concatenate(counts, axis=1)[:, order],
        np.concatenate(levels, axis=1)[:, order],
        estimate.low,
        estimate.high,
    )


def compare_mistakes(a: Sequence[Mistakes], b: Sequence[Mistakes]) -> MistakeDifference:
    """Return the exact test of two systems, given the mistakes of each seed of both.

    Both were scored on the same utterances, and the same factors are resampled.

    >>> def wrong(*units):
    ...     at = np.array(units)
    ...     return [Mistakes(at, np.ones((1, len(at))), at[None], 0.0, 1.0)]
    >>> compare_mistakes(wrong(1, 2, 3), wrong(3)).p_value
    0.5
    >>> compare_mistakes(wrong(), wrong(*range(6))).p_value
    0.03125
    """
    units = sort_codes(np.concatenate([wrong.unit for wrong in (*a, *b)]))
    levels = np.zeros((len(a[0].levels), len(units)), dtype=np.int64)
    sums = [np.zeros((len(a[0].counts), len(units))) for _ in (a, b)]
    erring = [np.zeros(len(a[0].counts)) for _ in (a, b)]
    for which, seeds in enumerate((a, b)):
        for wrong in seeds:
            position = np.searchsorted(units, wrong.unit)
            levels[:, position] = wrong.levels
            sums[which][:, position] += wrong.counts / len(seeds)
            erring[which] += (wrong.counts != 0).sum(axis=1) / len(seeds)
    classes = [_test_class(one, levels) for one in (sums[0] - sums[1])]
    alike = min(_correlate_errors(one, other) for one, other in zip(*sums, strict=True))
    nothing = any(
        wrong.level < LEAST and most < FEW_ERRORS
        for wrong, most in zip(classes, np.maximum(*erring), strict=True)
    )
    return MistakeDifference(
        max(wrong.p_value for wrong in classes),
        any(wrong.utterances < FEW for wrong in classes),
        nothing,
        alike,
    )


def _correlate_errors(a: Floats, b: Floats) -> float:
    """Return the correlation of errors, (u,) each, as if either system had two more of its own.

    Even if all errors so far are shared, the next one may not be.
    """
    product = float(a @ b)
    if not product:
        return 0.0
    n, other = effective_count(a), effective_count(b)
    correlation = product / float((a @ a) * (b @ b)) ** 0.5
    return correlation * (n / (n + 2) * other / (other + 2)) ** 0.5


class _ClassTest(NamedTuple):
    p_value: float
    utterances: float
    """How many utterances differ; fewer where some have most of the errors."""
    level: int
    """The smallest number of levels that they have of any factor."""


def _test_class(more: Floats, levels: Integers) -> _ClassTest:
    """Test by how many errors one system has more, (u,)."""
    differs = np.flatnonzero(more)
    if not len(differs):
        return _ClassTest(1.0, 0.0, 0)
    grouped = [_sum_levels(more[differs], level[differs]) for level in levels]
    return _ClassTest(
        max(map(sign_test, grouped)),
        effective_count(np.abs(more)),
        min(len(level_sums) for level_sums in grouped),
    )


def _sum_levels(more: Floats, level: Integers) -> Floats:
    present, code = np.unique(level, return_inverse=True)
    totals = sum_groups(code, more, len(present))
    return totals[totals != 0]


def sign_test(differences: Floats) -> float:
    """Return the probability that `differences` with random signs sum to as far from 0.

    It is exact up to twelve and from 9,999 draws beyond, counted so that the p-value stays valid
    (Davison and Hinkley 1997, chapter 4). Source: Fisher, The Design of Experiments, 1935, section
    21.

    >>> *map(sign_test, (np.array([1.0, 1.0, 1.0]), np.array([1.0, -1.0]), np.array([]))),
    (0.25, 1.0, 1.0)
    """
    n = len(differences)
    total = abs(differences.sum()) * (1 - 1e-9)
    if n <= _ENUMERATED:
        turned = np.array([*product((1.0, -1.0), repeat=n)])
        return float((np.abs(turned @ differences) >= total).mean())
    sizes, numbers = np.unique(np.abs(differences), return_counts=True)
    positive = np.random.default_rng(n).binomial(numbers, 0.5, (_DRAWN, len(sizes)))
    sums = (2 * positive - numbers) @ sizes
    return (1 + int((np.abs(sums) >= total).sum())) / (1 + _DRAWN)


def keep_wrong(counts: Floats, plan: ResamplingPlan, low: float, high: float) -> Mistakes:
    """Keep the utterances with an error."""
    at = np.flatnonzero(counts.any(axis=0))
    levels = [np.where(level[at] < 0, -1 - at, level[at]) for level in plan.levels]
    return Mistakes(at, counts[:, at], np.stack(levels), low, high)
