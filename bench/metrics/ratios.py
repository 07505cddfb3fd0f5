"""Metrics at a fixed threshold and their intervals: F1, precision, recall, error rates.

Each is one sum over items divided by another, so a replicate needs only the sums of each utterance
and no scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.bootstrap import LEVEL, Interval, percentile_interval
from bench.metrics.exact import FEW, binomial_bounds, effective_count
from bench.metrics.measure import Confusion, DecisionMetric
from bench.metrics.plans import ResamplingPlan, check_draws, plan_by_utterance, sum_groups
from bench.metrics.registry import select_given
from bench.metrics.resampling_groups import ResamplingGroups, group_items
from bench.metrics.tally import Bools, Floats, Integers
from bench.units import BONAFIDE, SPOOF


class Decisions(NamedTuple):
    """How many items are decided at one threshold, and how many wrongly; NaN where not known."""

    missed: float = math.nan
    """Bona fide items that are rejected."""
    accepted: float = math.nan
    """Spoof items that are accepted."""
    bonafide: float = math.nan
    spoof: float = math.nan


class Ratios(NamedTuple):
    """Metrics that are one sum over utterances divided by another."""

    names: tuple[str, ...]
    """(k,)"""
    unit: Integers
    """(u,): the code of each utterance, ascending."""
    part: Floats
    """(u, k): what each utterance adds to the dividend."""
    whole: Floats
    """(u, k): what it adds to the divisor."""
    decisions: Decisions = Decisions()
    """The decisions that the metrics rest on."""

    @property
    def values(self) -> dict[str, float]:
        """The metrics by name; NaN where the divisor is 0."""
        values = _divide_sums(self.part.sum(axis=0), self.whole.sum(axis=0))
        return dict(zip(self.names, values.tolist(), strict=True))

    def select_ratios(self, names: Iterable[str]) -> Ratios:
        """Return the metrics of these names only."""
        at = [self.names.index(name) for name in names]
        chosen = tuple(self.names[i] for i in at)
        return self._replace(names=chosen, part=self.part[:, at], whole=self.whole[:, at])

    @property
    def defined_ratios(self) -> Ratios:
        """The metrics whose divisor is not 0."""
        return self.select_ratios(
            name for name, value in self.values.items() if not np.isnan(value)
        )


class Confusions(NamedTuple):
    """Decisions on u utterances, or on their frames."""

    unit: Integers
    """(u,): the code of each utterance, ascending."""
    by_class: Mapping[str, Confusion]
    """With either class as the positive one."""
    decisions: Decisions


def count_confusions(is_spoof: Bools, decided_spoof: Bools, unit: Integers) -> Confusions:
    """Return the decisions on the items of each utterance.

    Arrays of shape (n,), an item a frame or an utterance, `unit` the code of its utterance.

    >>> truth, decided = np.array([False, False, True]), np.array([False, True, True])
    >>> count_confusions(truth, decided, np.arange(3)).by_class["spoof"].false_alarms.tolist()
    [0.0, 1.0, 0.0]
    """
    units, code = np.unique(unit, return_inverse=True)
    right, missed, accepted, rejected = (
        np.bincount(code[chosen], minlength=len(units)).astype(np.float64)
        for chosen in (
            ~is_spoof & ~decided_spoof,
            ~is_spoof & decided_spoof,
            is_spoof & ~decided_spoof,
            is_spoof & decided_spoof,
        )
    )
    decisions = Decisions(
        *(float(chosen_frames.sum()) for chosen_frames in (missed, accepted, ~is_spoof, is_spoof))
    )
    by_class = {
        BONAFIDE: Confusion(right, missed, accepted, rejected),
        SPOOF: Confusion(rejected, accepted, missed, right),
    }
    return Confusions(units, by_class, decisions)


def decision_ratios(is_spoof: Bools, decided_spoof: Bools, unit: Integers) -> Ratios:
    """Return the metrics of decisions that frames have (precision, recall and F1), over all frames.

    Arguments as for `count_confusions`.

    >>> truth, decided = np.array([False, False, True]), np.array([False, True, True])
    >>> decision_ratios(truth, decided, np.arange(3)).values["recall"]
    0.5
    """
    counted = count_confusions(is_spoof, decided_spoof, unit)
    metrics = select_given(DecisionMetric, "frames")
    ratios = [metric.ratio(counted.by_class[metric.positive]) for metric in metrics.values()]
    part, whole = (np.stack(columns, axis=1) for columns in zip(*ratios, strict=True))
    return Ratios((*metrics,), counted.unit, part, whole, counted.decisions)


def group_ratios(names: Sequence[str], group: Integers, hit: Bools, unit: Integers) -> Ratios:
    """Return the share of `hit` items in each group, as in `bench.metrics.positions.FrameErrors`.

    Arrays of shape (n,); `group` is an index into `names`, `unit` the code of the utterance.

    >>> wrong = np.array([True, False, False])
    >>> group_ratios(["start", "end"], np.array([0, 0, 1]), wrong, np.arange(3)).values["start"]
    0.5
    """
    units, code = np.unique(unit, return_inverse=True)
    cell = code * len(names) + group
    part, whole = (
        np.bincount(cells, minlength=len(units) * len(names)).reshape(len(units), -1)
        for cells in (cell[hit], cell)
    )
    return Ratios((*names,), units, part.astype(np.float64), whole.astype(np.float64))


def ratio_intervals(
    ratios: Ratios, plan: ResamplingPlan | None = None, replicates: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Return the 95 % interval of each metric, by name; fractions.

    `plan` says what is resampled, utterances where it is None. The replicates are those of
    `bench.metrics.bootstrap.compute_intervals` from the same seed, and the interval is the
    percentile interval. Where fewer than ten utterances separate the metric from 0 or from 1, it is
    widened to the exact bounds of a rate (`bench.metrics.exact.binomial_bounds`), with as many
    trials as utterances count for the metric (of equally long ones). A draw in which a metric is
    not defined is left out of its interval and counted. A BenchError is raised for a metric that is
    not defined at all, and where there is nothing to resample.

    >>> truth = np.array([False, True] * 60)
    >>> found = ratio_intervals(decision_ratios(truth, truth, np.arange(120)))["f1"]
    >>> round(found.low, 4), found.high, found.few
    (0.9404, 1.0, True)
    """
    drawn_groups = group_items(plan or plan_by_utterance(ratios.unit), [ratios.unit])
    return bound_replicates(ratios, replicate_ratios([ratios], drawn_groups, replicates, seed)[0])


def bound_replicates(ratios: Ratios, replicates: Floats) -> dict[str, Interval]:
    """Return the intervals of `ratio_intervals` from given replicates, (replicates, k)."""
    by_name = dict[str, Interval]()
    for name, values, part, whole in zip(
        ratios.names, replicates.T, ratios.part.T, ratios.whole.T, strict=True
    ):
        defined = values[~np.isnan(values)]
        if not len(defined):
            raise BenchError("metric.no-interval", f"{name} is not defined: nothing is counted")
        drawn = percentile_interval(defined, len(values) - len(defined))
        by_name[name] = _widen_ratio(drawn._replace(**ratios.decisions._asdict()), part, whole)
    return by_name


def _widen_ratio(drawn: Interval, part: Floats, whole: Floats) -> Interval:
    """Return the interval of a ratio, widened where few utterances carry it or its rest."""
    if min(effective_count(part), effective_count(whole - part)) >= FEW:
        return drawn
    n = effective_count(whole)
    low, high = binomial_bounds(n * part.sum() / whole.sum(), n, LEVEL)
    return drawn._replace(
        low=min(float(low), drawn.low), high=max(float(high), drawn.high), few=True
    )


def replicate_ratios(
    systems: Sequence[Ratios], groups: ResamplingGroups, replicates: int, seed: int
) -> Floats:
    """Return every metric of every system in every replicate, (systems, replicates, k).

    It is NaN where it is not defined. All `systems` see the same replicates; `groups` has their
    utterances in the same order.
    """
    check_draws(replicates, seed)
    of_groups = [
        np.stack(
            [sum_groups(group, column, groups.n) for column in (*one.part.T, *one.whole.T)], axis=1
        )
        for one, group in zip(systems, groups.codes, strict=True)
    ]
    nothing = np.empty((groups.n, 0))
    values = np.empty((len(systems), replicates, len(systems[0].names)))
    for numbers in groups.split_replicates(replicates):
        weights = groups.draw_batch(seed, numbers, nothing).weights
        for which, columns in enumerate(of_groups):
            part, whole = np.split(weights @ columns, 2, axis=1)
            values[which, numbers.start : numbers.stop] = _divide_sums(part, whole)
    return values


def _divide_sums(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
