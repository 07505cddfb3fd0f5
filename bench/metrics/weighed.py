"""Metrics that follow from how often each utterance was drawn, and their intervals.

They are sums over utterances divided by others (F1 of regions), mixtures of these (the score of ADD
2023), or a curve of ranked regions (AP). A replicate of the bootstrap is a vector of weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.metrics.bootstrap import LEVEL, Interval, percentile_interval
from bench.metrics.exact import FEW, binomial_bounds, effective_count
from bench.metrics.mistakes import Mistakes, keep_wrong
from bench.metrics.plans import ResamplingPlan, check_draws
from bench.metrics.ratios import Decisions
from bench.metrics.resampling_groups import ResamplingGroups, group_items
from bench.metrics.tally import Floats, Integers

_NO_DECISIONS = Decisions()


class Weighed(NamedTuple):
    """A metric as a function of the weights of u utterances."""

    compute: Callable[[Floats], Floats]
    """Takes weights, (r, u), and returns the metric under each row of them, (r,); NaN where it is
    not defined."""
    right: Floats
    """(u,): what is right of each utterance."""
    wrong: Floats
    """(u,): what is wrong of it."""
    whole: Floats
    """(u,): what it counts for."""

    @property
    def value(self) -> float:
        """The metric of all utterances, each counted once."""
        return float(self.compute(np.ones((1, len(self.whole))))[0])

    @property
    def bounds(self) -> tuple[float, float]:
        """The exact bounds of a rate of this value among as many utterances as count for it."""
        n = effective_count(self.whole)
        low, high = binomial_bounds(np.array([n * self.value]), n, LEVEL)
        return float(low[0]), float(high[0])


def weigh_ratio(part: Floats, whole: Floats) -> Weighed:
    """Return a sum over utterances divided by another; each adds `part` and `whole`, (u,).

    >>> weigh_ratio(np.array([1.0, 0.0]), np.array([1.0, 2.0])).value.__round__(4)
    0.3333
    """

    def divide_sums(weights: Floats) -> Floats:
        divisor = weights @ whole
        return np.divide(
            weights @ part, divisor, out=np.full(len(divisor), np.nan), where=divisor > 0
        )

    return Weighed(divide_sums, part, whole - part, whole)


def mix_weighed(parts: Sequence[tuple[float, Weighed]]) -> Weighed:
    """Return a weighted sum of metrics of the same utterances.

    Each utterance counts for it as one; it is right by the mean of its shares of right parts.

    >>> one, other = (weigh_ratio(np.array([part]), np.ones(1)) for part in (1.0, 0.0))
    >>> mix_weighed([(0.3, one), (0.7, other)]).value
    0.3
    """

    def add_parts(weights: Floats) -> Floats:
        return np.sum([share * part.compute(weights) for share, part in parts], axis=0)

    total = sum(share for share, _ in parts)
    counted = np.sum([share * (part.whole > 0) for share, part in parts], axis=0)
    wrong = np.sum(
        [
            share
            * np.divide(part.wrong, part.whole, out=np.zeros(len(part.whole)), where=part.whole > 0)
            for share, part in parts
        ],
        axis=0,
    )
    return Weighed(add_parts, (counted - wrong) / total, wrong / total, counted / total)


def weighed_intervals(
    metrics: Mapping[str, Weighed],
    unit: Integers,
    plan: ResamplingPlan,
    replicates: int,
    seed: int,
    decisions: Decisions = _NO_DECISIONS,
) -> dict[str, Interval]:
    """Return the 95 % interval of each metric that is defined, by name; fractions.

    `unit`, (u,), are the codes of the utterances. Replicates and intervals are those of
    `bench.metrics.ratios.ratio_intervals`: percentiles, widened to the exact bounds of a rate where
    fewer than ten utterances are right, or wrong. For a metric that is no rate (AP, mixtures) these
    bounds are those of a rate of the same value.
    """
    groups = group_items(plan, [unit])
    drawn = replicate_weighed([metrics], groups, replicates, seed)[0]
    return {
        name: _bound_weighed(metric, values)._replace(**decisions._asdict())
        for (name, metric), values in zip(metrics.items(), drawn, strict=True)
    }


def replicate_weighed(
    systems: Sequence[Mapping[str, Weighed]], groups: ResamplingGroups, replicates: int, seed: int
) -> Floats:
    """Return every metric of every system in every replicate, (systems, metrics, replicates).

    All `systems` have the same metrics and see the same replicates; `groups` has the utterances of
    each in its order.
    """
    check_draws(replicates, seed)
    nothing = np.empty((groups.n, 0))
    values = np.empty((len(systems), len(systems[0]), replicates))
    for numbers in groups.split_replicates(replicates):
        weights = groups.draw_batch(seed, numbers, nothing).weights
        for which, (metrics, code) in enumerate(zip(systems, groups.codes, strict=True)):
            drawn = weights[:, code]
            for i, metric in enumerate(metrics.values()):
                values[which, i, numbers.start : numbers.stop] = metric.compute(drawn)
    return values


def weighed_mistakes(metric: Weighed, unit: Integers, plan: ResamplingPlan) -> Mistakes:
    """Return what a system gets wrong by a metric, and the exact bounds of the metric."""
    counts = np.zeros((1, len(plan.unit)))
    counts[0, np.searchsorted(plan.unit, unit)] = metric.wrong
    return keep_wrong(counts, plan, *metric.bounds)


def _bound_weighed(metric: Weighed, values: Floats) -> Interval:
    defined = values[~np.isnan(values)]
    drawn = percentile_interval(defined, len(values) - len(defined))
    if min(effective_count(metric.right), effective_count(metric.wrong)) >= FEW:
        return drawn
    low, high = metric.bounds
    return drawn._replace(low=min(low, drawn.low), high=max(high, drawn.high), few=True)
