"""What each metric gives for fixed scores with ties."""

from __future__ import annotations

import numpy as np

from bench.metrics import dcf, f1, grid, positions, regions, sasv, tdcf
from bench.metrics.bootstrap import compute_intervals
from bench.metrics.det import equal_error_rate
from bench.metrics.items import Items, count_items
from bench.metrics.measure import (
    CostMetric,
    DecisionMetric,
    FrameMetric,
    Metric,
    MixedMetric,
    PackageMetric,
    RegionMetric,
    SasvMetric,
    ScoreMetric,
    TandemMetric,
    TwoScoreMetric,
)
from bench.metrics.measured import measure_items
from bench.metrics.plans import Resampling, make_factors
from bench.metrics.ratios import count_confusions
from bench.metrics.registry import select_metrics
from bench.metrics.tally import count_scores
from bench.metrics.timeline import LabelledStretches, ScoredFrames, frames_on_grid, make_stretches
from tests.versions.summary import Output

N = 400
LABEL = np.arange(N) % 3 > 0
"""Spoof, of `N` trials or frames of 20 ms."""
SCORE = np.round(2 * np.sin(np.arange(N) ** 1.5) - 1.2 * LABEL, 2)
UTTERANCE = np.arange(N) // 20
KIND = np.where(LABEL, 1 + np.arange(N) % 2, 0)
"""Of trials of speaker verification."""


def output(name: str) -> Output:
    """Return a metric by its name in the registry: whatever its kind, it needs no change here."""
    metric = select_metrics(Metric)[name]
    return {"value": [float(value) for value in values_of(metric)]}


def values_of(metric: Metric) -> list[float]:
    classes = SCORE[~LABEL], SCORE[LABEL]
    counts = count_scores(*classes)
    match metric:
        case ScoreMetric():
            return [metric.measure(counts)]
        case PackageMetric():
            return [metric.compute(*classes).eer]
        case TandemMetric():
            errors = tdcf.AsvErrors(0.1, 0.05, 0.5, 0.05, 1.0)
            forms = (tdcf.coefficients_2019, tdcf.coefficients_2021)
            return [metric.compute(counts, form(errors)).cost for form in forms]
        case RegionMetric():
            pairs = regions.pair_regions(*timed(LABEL))
            return [metric.weigh(pairs, metric.at).value]
        case MixedMetric():
            every = select_metrics(Metric)
            return [sum(share * values_of(every[part])[0] for part, share in metric.parts)]
        case CostMetric():
            return [metric.make_measure(dcf.DcfCosts(0.2, 1.0, 3.0))(counts)]
        case SasvMetric():
            costs, trials = sasv.ADcfCosts(), sasv.SasvTrials(KIND, SCORE)
            return [metric.make_measure(costs)(count_items(metric.make_items(trials, costs)))]
        case TwoScoreMetric():
            return [metric.compute(sasv.SasvTrials(KIND, None, SCORE, SCORE[::-1].copy()))]
        case FrameMetric():
            # Whole utterances need some of either class.
            spoof = LABEL if metric.by_time else LABEL & (UTTERANCE % 2 > 0)
            return [metric.measure(count_items(metric.items(*timed(spoof))))]
        case DecisionMetric():
            counted = count_confusions(LABEL, ~f1.decide_bonafide(SCORE), UTTERANCE)
            part, whole = metric.ratio(counted.by_class[metric.positive])
            return [part.sum() / whole.sum()]
        case _:
            found = positions.position_errors(grid.align_points(*timed(LABEL), 0.02), f1.ARGMAX)
            return [found.wrong[found.group == group].sum() for group in range(len(found.names))]


def timed(spoof: np.ndarray) -> tuple[ScoredFrames, LabelledStretches]:
    start = np.arange(N) % 20 * 320
    truth = make_stretches(UTTERANCE, start, start + 320, spoof)
    return frames_on_grid(np.full(N // 20, 20), 320, SCORE), truth


def intervals() -> Output:
    """Return the bounds of EERs: of many errors and of few, by utterances and by speakers.

    Then those of every metric of scores of independent trials, which have draws of their own.
    """
    found: Output = {}
    for name, shift in {"many": 0.0, "few": 2.9}.items():
        items = Items(SCORE - shift * LABEL, 1.0 - LABEL, 1.0 * LABEL, UTTERANCE)
        for plan in ("utterance", "speaker"):
            speakers = np.array([f"s{of % 7}" for of in range(N // 20)], dtype=object)
            known = make_factors(np.arange(N // 20), speakers, None)
            resampling = Resampling(known, plan, 200, 0)
            of = measure_items(items, {"eer": equal_error_rate}, resampling)["eer"]
            found[f"{name}, {plan}"] = [of.value, of.low, of.high, of.missed, of.accepted]
    trials = Items(SCORE, 1.0 - LABEL, 1.0 * LABEL, np.arange(N))
    measures = {name: metric.measure for name, metric in select_metrics(ScoreMetric).items()}
    for name, drawn in compute_intervals(trials, measures, None, 200).items():
        found[f"{name}, independent"] = [drawn.low, drawn.high]
    return found
