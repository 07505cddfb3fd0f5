"""Metrics of decisions and of regions: where the threshold comes from, and which are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Literal

from bench.errors import BenchError, near_name
from bench.evaluation.detection import Trials
from bench.metrics.det import eer_by_class
from bench.metrics.f1 import Decision, decide_bonafide, decision_at, decision_at_eer
from bench.metrics.grid import FrameRules, align_points, find_grid, point_items
from bench.metrics.items import items_eer
from bench.metrics.measure import DecisionMetric, Metric, MixedMetric, Needs, RegionMetric
from bench.metrics.measure import Trials as TrialKind
from bench.metrics.measured import MetricResult, measure_weighed
from bench.metrics.plans import Resampling
from bench.metrics.ranges import range_eer
from bench.metrics.ratios import Confusions, count_confusions
from bench.metrics.regions import RegionPairs, pair_regions
from bench.metrics.registry import read_setting, select_given, select_metrics
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import LabelledStretches, ScoredFrames
from bench.metrics.weighed import Weighed, mix_weighed, weigh_ratio
from bench.units import SAMPLE_RATE_HZ

Threshold = float | Literal["eer"] | None
"""What decides: a score, the threshold of the EER, or what is usual of the trials: of frames 0, of
whole utterances the threshold of the EER."""


def decide_frames(
    asked: Threshold, frames: ScoredFrames, reference: LabelledStretches, rules: FrameRules
) -> Decision:
    """Return what decides on frames.

    The threshold of the EER is that of the frames as scored, or of the range EER where they lie on
    no grid. Raise BenchError where either has one class alone.
    """
    if asked != "eer":
        return decision_at(0.0 if asked is None else asked)
    try:
        own_s = find_grid(frames) / SAMPLE_RATE_HZ
        threshold = items_eer(point_items(align_points(frames, reference, own_s, *rules))).threshold
    except BenchError:
        threshold = range_eer(frames, reference).threshold
    return decision_at_eer(threshold)


def decide_utterances(asked: Threshold, bonafide: Floats, spoof: Floats) -> Decision:
    """Return what decides on utterances, given the scores of either class."""
    if asked is None or asked == "eer":
        return decision_at_eer(eer_by_class(bonafide, spoof).threshold)
    return decision_at(asked)


def list_decided(trials: TrialKind) -> list[str]:
    """Return the metrics of decisions and of regions that can be asked for of such trials."""
    return [name for name, metric in select_metrics(Metric).items() if _is_decided(metric, trials)]


def check_asked(
    names: Collection[str], others: Collection[str], trials: Collection[TrialKind], where: str
) -> None:
    """Raise BenchError for a name that is neither among `others` nor a metric of decisions.

    `trials` are those that the corpus can be evaluated by, `where` is its name.
    """
    names_known = [*others, *(name for kind in trials for name in list_decided(kind))]
    for name in names:
        if name not in names_known and read_setting(name)[0] not in names_known:
            raise BenchError(
                "scores.no-metric", f"{where} has no metric {name!r}{near_name(name, names_known)}"
            )


def check_given(names: Collection[str], trials: TrialKind, where: str) -> None:
    """Raise BenchError for a metric that is asked for of `trials` and is of others alone."""
    other: TrialKind = "frames" if trials == "utterances" else "utterances"
    for name in names:
        base = read_setting(name)[0]
        if base in list_decided(other) and base not in list_decided(trials):
            raise BenchError(
                "scores.no-metric", f"{name} is of {other}, and {where} holds scores of {trials}"
            )


def weigh_regions(
    frames: ScoredFrames, reference: LabelledStretches, decision: Decision, asked: Collection[str]
) -> tuple[RegionPairs, dict[str, Weighed]]:
    """Return the regions, and their metrics: those that frames have and those `asked` for."""
    pairs = pair_regions(frames, reference, decision.threshold)

    def weigh_one(metric: Metric) -> Weighed:
        assert isinstance(metric, RegionMetric)
        return metric.weigh(pairs, metric.at)

    return pairs, dict(_weigh_given("frames", "regions", asked, weigh_one))


def measure_regions(
    frames: ScoredFrames,
    reference: LabelledStretches,
    decision: Decision,
    asked: Collection[str],
    resampling: Resampling,
) -> dict[str, MetricResult]:
    """Return the metrics of `weigh_regions` that are defined, with their intervals."""
    pairs, metrics = weigh_regions(frames, reference, decision, asked)
    return measure_weighed(metrics, pairs.unit, pairs.n_true, resampling)


def list_requested(trials: TrialKind, asked: Collection[str]) -> list[str]:
    """Return the names in `asked` that `trials` have on request alone."""
    every = select_metrics(Metric)
    return [name for name in asked if name in every and trials in every[name].on_request]


def weigh_decisions(
    counted: Confusions, trials: TrialKind, asked: Collection[str]
) -> dict[str, Weighed]:
    """Return the metrics of decisions `asked` for, of those that need to be for `trials`."""

    def weigh_one(metric: Metric) -> Weighed:
        assert isinstance(metric, DecisionMetric)
        return weigh_ratio(*metric.ratio(counted.by_class[metric.positive]))

    requested = list_requested(trials, asked)
    metrics = dict(_weigh_given(trials, "decisions", requested, weigh_one))
    return {name: metric for name, metric in metrics.items() if name in requested}


def measure_decisions(
    score: Floats,
    is_spoof: Bools,
    unit: Integers,
    decision: Decision,
    trials: TrialKind,
    asked: Collection[str],
    resampling: Resampling,
) -> dict[str, MetricResult]:
    """Return the metrics of `weigh_decisions` that are defined, with their intervals.

    Arrays of shape (n,), an item a frame or an utterance, `unit` the code of its utterance.
    """
    counted = count_confusions(is_spoof, ~decide_bonafide(score, decision.threshold), unit)
    metrics = weigh_decisions(counted, trials, asked)
    spoof = counted.by_class["spoof"]
    return measure_weighed(
        metrics, counted.unit, spoof.hits + spoof.misses, resampling, counted.decisions
    )


def measure_trials(
    trials: Trials, decision: Decision, asked: Collection[str], resampling: Resampling
) -> dict[str, MetricResult]:
    """Return the metrics of decisions on utterances that are `asked` for and defined."""
    columns = trials.score, trials.is_spoof, trials.row
    return measure_decisions(*columns, decision, "utterances", asked, resampling)


def _weigh_given(
    trials: TrialKind, needs: Needs, asked: Collection[str], weigh_one: Callable[[Metric], Weighed]
) -> Iterator[tuple[str, Weighed]]:
    every = select_metrics(Metric)
    for name, metric in select_given(Metric, trials, asked).items():
        if metric.needs != needs or not _is_decided(metric, trials):
            continue
        if isinstance(metric, MixedMetric):
            parts = [(share, weigh_one(every[part])) for part, share in metric.parts]
            yield name, mix_weighed(parts)
        else:
            yield name, weigh_one(metric)


def _is_decided(metric: Metric, trials: TrialKind) -> bool:
    return trials in metric.trials and isinstance(
        metric, DecisionMetric | RegionMetric | MixedMetric
    )
