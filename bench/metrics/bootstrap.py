"""Intervals of metrics: percentile bootstrap, and exact bounds where errors are few.

The bootstrap resamples whole utterances, speakers or attacks (`bench.metrics.plans`). A replicate
is the same scores with other weights, so items are sorted once, and any metric that is a function
of counted scores (`bench.metrics.tally`) can be resampled.

Where errors are few, an interval covers both the percentile interval and the exact bounds of
`bench.metrics.exact`. So does that of a minimum (minDCF, min t-DCF, min Cllr), however many errors
there are: a threshold that is best for these trials makes the metric look better than it is, and
resampling sees only half of that. Percentiles alone would cover the true value in 65 to 90 % of
samples (`tests/benchmarks/bench_coverage.py`).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Literal, NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.cells import (
    BATCH,
    IndependentCells,
    ResampledCells,
    are_independent,
    is_walked,
)
from bench.metrics.det import equal_error_rate
from bench.metrics.drawn_trials import DrawnTrials, is_summed
from bench.metrics.exact import BoundedItems
from bench.metrics.items import Items
from bench.metrics.measure import Averaged, Decided, Least, Measure, Ordered
from bench.metrics.plans import ResamplingPlan, check_draws, plan_by_utterance, sum_groups
from bench.metrics.resampling_groups import ResamplingGroups, group_items
from bench.metrics.sorted_items import ResampledCounts, SortedItems, by_score
from bench.metrics.tally import Floats, Integers
from bench.units import CLASSES

RESULTS_VERSION = 2
"""Raised when what this module gives can change (`bench.versions`)."""

LEVEL = 0.95
"""Coverage of every interval."""

_MOST_THREADS = 4
"""More would wait for memory, and each takes some."""


def choose_threads() -> int:
    """Return how many threads compute replicates, or cells of a breakdown, at a time."""
    return min(_MOST_THREADS, os.cpu_count() or 1)


class Interval(NamedTuple):
    """Bounds of a 95 % interval, and the errors that the metric rests on."""

    low: float
    high: float
    redrawn: int = 0
    """How many draws lacked a class and were repeated."""
    missed: float = math.nan
    """Bona fide items that are rejected at the metric's threshold; NaN where it has none."""
    accepted: float = math.nan
    """Spoof items that are accepted there."""
    bonafide: float = math.nan
    """How many items are bona fide."""
    spoof: float = math.nan
    few: bool = False
    """Whether the metric rests on so few errors that resampling alone is not enough."""


UNDRAWN = Interval(math.nan, math.nan)


def compute_intervals(
    items: Items,
    measures: Mapping[str, Measure],
    plan: ResamplingPlan | None = None,
    replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Interval]:
    """Return the 95 % interval of each of `measures`, by name.

    Measures are functions of counted scores; the errors of a `Decided` are counted, too. All see
    the same replicates. `plan` says what is resampled as a whole: utterances where it is None.
    Draws depend only on `seed` and the number of the replicate, so neither on the number of
    `threads` (one for each core, up to four) nor on the order of items. A draw that lacks a class
    is repeated.

    The interval is the percentile interval. It is widened to the exact bounds
    (`bench.metrics.exact`) for minima, where fewer than ten utterances carry the errors of a class
    at the metric's threshold, and where fewer than thirty carry a metric without a threshold. The
    exact bounds take utterances to be independent: with few speakers or attacks the interval may
    still be too narrow.

    The EER and least costs with a `line` are computed from a few items of a replicate
    (`bench.metrics.cells`). Measures with `terms` need the sums of these over each class alone, and
    those that follow from the ROC curve its corners. Where each utterance is one trial and
    utterances are resampled, both kinds have draws of their own, which are equally exact and much
    faster (`bench.metrics.drawn_trials`).

    A BenchError is raised where a class is absent, a score is not a number, there is nothing to
    resample, a spoof has no attack to be resampled by, or a measure of a replicate is not finite.

    >>> bits = np.repeat([1.0, 0.0], 60)
    >>> separate = Items(2 * bits, bits, 1 - bits, np.arange(120))
    >>> found = compute_intervals(separate, {"eer": equal_error_rate}, replicates=100)["eer"]
    >>> found.low, round(found.high, 4), found.missed, found.few
    (0.0, 0.0596, 0.0, True)
    """
    drawn_groups = group_items(plan or plan_by_utterance(items.unit), [items.unit])
    drawn = compute_replicates([items], measures, drawn_groups, replicates, seed, threads)
    bounded = BoundedItems(items)
    return {
        name: _widen_interval(
            percentile_interval(drawn.values[0, i], drawn.redrawn[i]), bounded, measure
        )
        for i, (name, measure) in enumerate(measures.items())
    }


def count_errors(items: Items, measures: Mapping[str, Measure]) -> dict[str, Interval]:
    """Return the errors that each of `measures` rests on, by name; bounds are NaN.

    Arguments and errors as for `compute_intervals`.
    """
    _check_items(items)
    bounded = BoundedItems(items)
    return {name: _add_errors(UNDRAWN, bounded, measure) for name, measure in measures.items()}


def _widen_interval(drawn: Interval, bounded: BoundedItems, measure: Measure) -> Interval:
    """Return the interval with the errors of the metric, widened where these are few."""
    counted = _add_errors(drawn, bounded, measure)
    least = isinstance(measure, Least) or (isinstance(measure, Ordered) and measure.least)
    if not counted.few and not least:
        return counted
    low, high = bounded.bound_measure(measure)
    return counted._replace(low=min(low, drawn.low), high=max(high, drawn.high))


def _add_errors(drawn: Interval, bounded: BoundedItems, measure: Measure) -> Interval:
    counted = drawn._replace(bonafide=bounded.bonafide, spoof=bounded.spoof)
    if isinstance(measure, Decided):
        at_eer = measure is equal_error_rate
        threshold = bounded.crossing if at_eer else measure.compute(bounded.counts).threshold
        return counted._replace(**bounded.count_errors(threshold)._asdict())
    return counted._replace(few=bounded.few_pairs)


def percentile_interval(values: Floats, again: int = 0) -> Interval:
    """Return the percentile interval of replicates.

    >>> percentile_interval(np.array([0.25, 0.25]))[:2]
    (0.25, 0.25)
    """
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), again)


class Replicates(NamedTuple):
    """Every measure of every system in every replicate."""

    values: Floats
    """(systems, measures, replicates)"""
    redrawn: tuple[int, ...]
    """How many draws were repeated, for each measure."""


def compute_replicates(
    systems: Sequence[Items],
    measures: Mapping[str, Measure],
    groups: ResamplingGroups,
    replicates: int,
    seed: int,
    threads: int | None = None,
    draws: Literal["fastest", "common"] = "fastest",
) -> Replicates:
    """Return all measures of all replicates.

    All `systems` see the same replicates; `groups` has their items in the same order. With
    `draws="common"`, a system alone sees what every system on the same utterances and classes sees
    from `seed`; with `fastest` its replicates may differ. Otherwise as `compute_intervals`.
    """
    check_draws(replicates, seed)
    for items in systems:
        _check_items(items)
    ordered = [
        by_score(items.score, items.bonafide, items.spoof, group)
        for items, group in zip(systems, groups.codes, strict=True)
    ]
    values = np.empty((len(ordered), len(measures), replicates))
    again = np.zeros(len(measures), dtype=np.int64)
    rest = dict(enumerate(measures.values()))
    with ThreadPoolExecutor(threads or choose_threads()) as pool:
        alone = draws == "fastest" and len(ordered) == 1
        if alone and are_independent(ordered[0], groups):
            for i, measure in [*rest.items()]:
                if is_walked(measure):
                    # Each measure apart: which others are asked for changes no draw of it.
                    again[i] = _fill_walked(pool, values[0, i], ordered[0], rest.pop(i), seed)
            summed = {i: rest.pop(i) for i, measure in [*rest.items()] if is_summed(measure)}
            if summed:
                again[[*summed]] = _fill_summed(pool, values[0], ordered[0], summed, seed)
        if rest:
            again[list(rest)] = _fill_values(pool, values, ordered, rest, groups, seed)
    wrong = np.argwhere(~np.isfinite(values))
    if len(wrong):
        system, i, number = wrong[0]
        raise BenchError(
            "metric.no-interval",
            f"no interval of {[*measures][i]} is defined: it is {values[system, i, number]} in "
            f"{len(np.unique(wrong[:, 2]))} of {replicates} replicates",
        )
    return Replicates(values, tuple(again.tolist()))


def _fill_walked(
    pool: Executor, values: Floats, items: SortedItems, measure: Measure, seed: int
) -> int:
    """Write a measure of replicates of independent trials; return how many were repeated."""
    cells = IndependentCells(items, measure)

    def fill_batch(number: int) -> int:
        part = values[number * BATCH : (number + 1) * BATCH]
        drawn, again = cells.draw_batch(seed, number)
        part[:] = drawn[: len(part)]
        return int(again[: len(part)].sum())

    return sum(pool.map(fill_batch, range(-(-len(values) // BATCH))))


def _fill_summed(
    pool: Executor, values: Floats, items: SortedItems, measures: Mapping[int, Measure], seed: int
) -> int:
    """Write measures, (measures, replicates), that need every trial; return as `_fill_walked`."""
    trials, at = DrawnTrials(items, measures), [*measures]

    def fill_replicate(number: int) -> int:
        drawn = trials.draw_values(seed, number)
        values[at, number] = drawn.values
        return drawn.redrawn

    return sum(pool.map(fill_replicate, range(values.shape[1])))


def _fill_values(
    pool: Executor,
    values: Floats,
    systems: Sequence[SortedItems],
    measures: Mapping[int, Measure],
    groups: ResamplingGroups,
    seed: int,
) -> int:
    """Write measures of replicates into `values`; return how many draws were repeated."""
    fillers = [_ReplicateFiller(items, measures, groups.n) for items in systems]
    needed = np.concatenate([filler.needed for filler in fillers], axis=1)
    nameless = (groups.levels[-1] < 0) & (needed[:, 1::2] > 0).any(axis=1)
    if nameless.any():
        raise BenchError(
            "metric.resampling-unit",
            "no resampling by speaker+attack: there are spoofs without an attack "
            f"({int(needed[nameless, 1].sum())}); resample by speaker",
        )

    def fill_batch(numbers: range) -> int:
        weights, redrawn = groups.draw_batch(seed, numbers, needed)
        for system, filler in enumerate(fillers):
            filler.fill_values(values[system, :, numbers.start : numbers.stop], weights)
        return redrawn

    return sum(pool.map(fill_batch, groups.split_replicates(values.shape[2])))


class _ReplicateFiller:
    """Computes the measures of one system under the weights of groups, each by its shortest way."""

    def __init__(self, items: SortedItems, measures: Mapping[int, Measure], n_groups: int) -> None:
        walked, self._walked = dict[int, Measure](), None
        self._averaged, terms = list[int](), list[Floats]()
        self._counted: list[tuple[ResampledCounts, dict[int, Measure]]] = []
        of_curve, others = dict[int, Measure](), dict[int, Measure]()
        classes = items.bonafide, items.spoof
        self.needed = _sum_classes(items.group, classes, n_groups)
        """(groups, 2): the weight of each class in each group."""
        for i, measure in measures.items():
            if is_walked(measure):
                walked[i] = measure
            elif isinstance(measure, Averaged | Decided) and measure.terms is not None:
                self._averaged.append(i)
                of_items = zip(classes, measure.terms(items.score), strict=True)
                added = [
                    np.multiply(weight, term, where=weight > 0, out=np.zeros(len(weight)))
                    for weight, term in of_items
                ]
                terms.append(_sum_classes(items.group, added, n_groups))
            else:
                ranked = isinstance(measure, Least | Ordered)
                (of_curve if ranked else others)[i] = measure
        self._terms = np.concatenate([self.needed, *terms], axis=1)
        if walked:
            self._walked = [*walked], ResampledCells(items, [*walked.values()], n_groups)
        for ends, counted in ((items.run_ends, of_curve), (items.ends, others)):
            if counted:
                self._counted.append((ResampledCounts(items, ends, n_groups), counted))

    def fill_values(self, values: Floats, weights: Floats) -> None:
        """Write the measures, (measures, replicates), under each row of group weights."""
        if self._walked:
            at, cells = self._walked
            values[at] = cells.compute_values(weights)
        if self._averaged:
            totals, *sums = np.split(weights @ self._terms, 1 + len(self._averaged), axis=1)
            for i, added in zip(self._averaged, sums, strict=True):
                values[i] = (added / totals).sum(axis=1)
        for resampled, measures in self._counted:
            for number, row in enumerate(weights):
                counts = resampled.count_drawn(row)
                for i, measure in measures.items():
                    values[i, number] = measure(counts)


def _sum_classes(group: Integers, classes: Sequence[Floats], n_groups: int) -> Floats:
    """Return the sums of both classes over each group, (groups, 2)."""
    return np.stack([sum_groups(group, weights, n_groups) for weights in classes], axis=1)


def _check_items(items: Items) -> None:
    for label, weights in zip(CLASSES, (items.bonafide, items.spoof), strict=True):
        if not weights.any():
            raise BenchError(
                "metric.one-class", f"no interval is defined: there is no {label} item"
            )
    wrong = int(np.isnan(items.score).sum())
    if wrong:
        raise BenchError(
            "metric.not-finite", f"no interval is defined: {wrong} scores are not numbers"
        )
