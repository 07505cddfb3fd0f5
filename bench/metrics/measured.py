"""Metrics with their errors and two intervals: by what trials share, and by utterance."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from bench.metrics.bootstrap import UNDRAWN, Interval, compute_intervals, count_errors
from bench.metrics.items import Items, count_items
from bench.metrics.measure import Measure
from bench.metrics.plans import NothingToResample, Resampling, ResamplingPlan
from bench.metrics.ratios import Decisions, Ratios, ratio_intervals
from bench.metrics.tally import Floats, Integers
from bench.metrics.weighed import Weighed, weighed_intervals

_NO_DECISIONS = Decisions()
FEW = 5
"""With fewer errors of both classes together, there are too few to judge a result."""


class MetricResult(NamedTuple):
    """A metric's value, its 95 % intervals, and the errors that it rests on.

    What is not known or does not exist is NaN.
    """

    value: float
    low: float
    """Bounds of the interval to quote: what is resampled is `plan`."""
    high: float
    utterance_low: float = math.nan
    """Bounds of the interval that resamples utterances, whatever `plan` is."""
    utterance_high: float = math.nan
    missed: float = math.nan
    """Bona fide trials (or frames) that are rejected at the metric's threshold."""
    accepted: float = math.nan
    """Spoof trials (or frames) that are accepted there."""
    bonafide: float = math.nan
    """How many trials (or frames) are bona fide."""
    spoof: float = math.nan
    plan: str = "utterance"
    """What is resampled for `low` and `high`: one of `bench.metrics.plans.PLANS`."""

    @property
    def few(self) -> bool:
        """Whether there are too few errors to judge the value.

        >>> MetricResult(0.0, 0.0, 0.001, missed=0, accepted=0).few
        True
        >>> MetricResult(0.0, 0.0, 0.001).few
        False
        """
        return self.missed + self.accepted < FEW


def measure_items(
    items: Items, measures: Mapping[str, Measure], resampling: Resampling
) -> dict[str, MetricResult]:
    """Return each of `measures` of the items, by name.

    Bounds are NaN where there is only one speaker to resample, and without replicates. BenchError
    as `bench.metrics.bootstrap.compute_intervals`.
    """
    counts = count_items(items)
    if not resampling.replicates:
        errors = count_errors(items, measures).items()
        return {name: _without_interval(measures[name](counts), each) for name, each in errors}
    how = resampling.replicates, resampling.seed
    plans = resampling.make_plans(items.unit, items.spoof)
    make = _make_results(plans, lambda plan: compute_intervals(items, measures, plan, *how))
    return {name: make(name, measure(counts)) for name, measure in measures.items()}


def measure_ratios(
    ratios: Ratios, spoof: Floats, resampling: Resampling
) -> dict[str, MetricResult]:
    """Return each metric at a fixed threshold that is defined, by name.

    `spoof`, (u,), is the weight of spoof in each of the ratios' utterances.
    """
    defined = ratios.defined_ratios
    if not resampling.replicates:
        errors = UNDRAWN._replace(**defined.decisions._asdict())
        return {name: _without_interval(value, errors) for name, value in defined.values.items()}
    how = resampling.replicates, resampling.seed
    plans = resampling.make_plans(defined.unit, spoof)
    make = _make_results(plans, lambda plan: ratio_intervals(defined, plan, *how))
    return {name: make(name, value) for name, value in defined.values.items()}


def measure_weighed(
    metrics: Mapping[str, Weighed],
    unit: Integers,
    spoof: Floats,
    resampling: Resampling,
    decisions: Decisions = _NO_DECISIONS,
) -> dict[str, MetricResult]:
    """Return each metric of utterances that is defined, by name.

    `unit` and `spoof`, (u,), are the codes of the metrics' utterances and the weight of spoof in
    each; `decisions` are those that all of the metrics rest on, if they do.
    """
    values = {name: metric.value for name, metric in metrics.items()}
    defined = {name: metrics[name] for name, value in values.items() if not math.isnan(value)}
    errors = UNDRAWN._replace(**decisions._asdict())
    if not resampling.replicates:
        return {name: _without_interval(values[name], errors) for name in defined}
    how = resampling.replicates, resampling.seed
    make = _make_results(
        resampling.make_plans(unit, spoof),
        lambda plan: weighed_intervals(defined, unit, plan, *how, decisions),
    )
    return {name: make(name, values[name]) for name in defined}


def _without_interval(value: float, errors: Interval) -> MetricResult:
    """Return a result without intervals."""
    low, high, missed, accepted = math.nan, math.nan, errors.missed, errors.accepted
    return MetricResult(
        value, low, high, low, high, missed, accepted, errors.bonafide, errors.spoof
    )


def _make_results(
    plans: tuple[ResamplingPlan, ResamplingPlan],
    drawn: Callable[[ResamplingPlan], Mapping[str, Interval]],
) -> Callable[[str, float], MetricResult]:
    """Return a function that makes a result of a name and a value, with bounds by both plans."""
    plan, of_utterances = plans
    by_utterance = _draw_intervals(drawn, of_utterances)
    by_plan = by_utterance if plan.name == "utterance" else _draw_intervals(drawn, plan)

    def make_result(name: str, value: float) -> MetricResult:
        drawn_interval, plain = (by.get(name, UNDRAWN) for by in (by_plan, by_utterance))
        counts = plain.missed, plain.accepted, plain.bonafide, plain.spoof
        return MetricResult(value, *drawn_interval[:2], *plain[:2], *counts, plan.name)

    return make_result


def _draw_intervals(
    drawn: Callable[[ResamplingPlan], Mapping[str, Interval]], plan: ResamplingPlan
) -> Mapping[str, Interval]:
    try:
        return drawn(plan)
    except NothingToResample:
        return {}
