"""Metrics from a few lines of Python: scores and labels in, a number out.

    >>> from bench import metrics
    >>> metrics.eer([2.0, 1.0, 3.0, 0.0], ["bonafide", "spoof", "bonafide", "spoof"])
    0.0

Scores come in the order of their labels, `bonafide` or `spoof`; a higher score means more bona
fide. Rates are fractions. Each function raises a BenchError for other labels, for scores that are
not finite numbers, and where a class has no trial.

Frames have times: `frames_on_grid` and `reference_of_spoof` make what `segment_eer`, `range_eer`
and `utterance_eer` take.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError, near_name
from bench.metrics.between import SystemDifference
from bench.metrics.dcf import DcfCosts
from bench.metrics.dcf import actual_dcf as count_act_dcf
from bench.metrics.dcf import minimum_dcf as count_min_dcf
from bench.metrics.det import DetPoints, det_points
from bench.metrics.eer_variants import compute_variants
from bench.metrics.f1 import decide_bonafide
from bench.metrics.grid import segment_eer as segment_eer
from bench.metrics.items import Items, make_items
from bench.metrics.measure import PackageMetric, ScoreMetric
from bench.metrics.measured import MetricResult, measure_items
from bench.metrics.paired import compare_items
from bench.metrics.plans import AUTO, Resampling, make_factors
from bench.metrics.ranges import range_eer as range_eer
from bench.metrics.ratios import decision_ratios
from bench.metrics.registry import select_metrics
from bench.metrics.tally import Bools, Floats, count_scores
from bench.metrics.tdcf import Coefficients
from bench.metrics.tdcf import minimum_tdcf as count_min_tdcf
from bench.metrics.timeline import frames_on_grid as frames_on_grid
from bench.metrics.timeline import make_spoof_stretches as make_spoof_stretches
from bench.metrics.utterances import utterance_eer as utterance_eer
from bench.units import LABEL_WORDS, SPOOF


def eer(scores: ArrayLike, labels: ArrayLike) -> float:
    """Return the equal error rate: the mean of miss and false alarm rate where they are closest.

    `bench.metrics.det.eer_of` has the definition. Trials with one score move together;
    `eer_definitions` gives the rate under the other definitions in use.

    >>> eer([0.9, 0.8, 0.3, 0.4, 0.2, 0.1], ["bonafide"] * 3 + ["spoof"] * 3)
    0.3333333333333333
    """
    return compute_metric("eer", scores, labels)


def eer_definitions(scores: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """Return the equal error rate under every definition in use (`bench.metrics.eer_variants`).

    >>> eer_definitions([1.0, 1.0, 1.0], ["bonafide", "bonafide", "spoof"])["official"]
    1.0
    """
    trials = _read_trials(scores, labels)
    return compute_variants(*trials.split_classes())


def det_curve(scores: ArrayLike, labels: ArrayLike) -> DetPoints:
    """Return the miss and false alarm rate at every threshold, thresholds ascending.

    >>> det_curve([2.0, 1.0], ["bonafide", "spoof"]).miss_rate.tolist()
    [0.0, 0.0, 1.0]
    """
    return det_points(*_read_trials(scores, labels).split_classes())


def min_dcf(scores: ArrayLike, labels: ArrayLike, costs: DcfCosts | None = None) -> float:
    """Return the minimum detection cost, by default with the costs of ASVspoof 5.

    >>> min_dcf([2.0, 1.0], ["bonafide", "spoof"])
    0.0
    """
    counts = count_scores(*_read_trials(scores, labels).split_classes())
    return count_min_dcf(counts, costs).cost


def act_dcf(scores: ArrayLike, labels: ArrayLike, costs: DcfCosts | None = None) -> float:
    """Return the actual detection cost of log-likelihood ratios.

    The costs are those of ASVspoof 5 unless others are given.

    >>> act_dcf([2.0, -1.0], ["bonafide", "spoof"])
    0.0
    """
    counts = count_scores(*_read_trials(scores, labels).split_classes())
    return count_act_dcf(counts, costs).cost


def min_tdcf(scores: ArrayLike, labels: ArrayLike, coefficients: Coefficients) -> float:
    """Return the minimum tandem detection cost.

    The coefficients follow from the organisers' speaker verification (`bench.metrics.tdcf`).

    >>> min_tdcf([2.0, 1.0], ["bonafide", "spoof"], Coefficients(0.0, 0.8, 0.4))
    0.0
    """
    counts = count_scores(*_read_trials(scores, labels).split_classes())
    return count_min_tdcf(counts, coefficients).cost


def compute_metric(name: str, scores: ArrayLike, labels: ArrayLike) -> float:
    """Return any metric of scores and labels by its name, as `eer`, `auc`, `min_dcf`, `cllr`.

    `bench.metrics.registry.describe_metrics` lists the names; those that need more than scores
    have functions of their own. Raise BenchError for a name that is not one.

    >>> compute_metric("auc", [3.0, 2.0, 1.0], ["bonafide", "spoof", "spoof"])
    1.0
    """
    classes = _read_trials(scores, labels).split_classes()
    package = select_metrics(PackageMetric)
    if name in package:
        return package[name].compute(*classes).eer
    return _select_metric(name).measure(count_scores(*classes))


def decision_metrics(
    scores: ArrayLike, labels: ArrayLike, threshold: float = 0.0
) -> dict[str, float]:
    """Return precision, recall and F1 of both classes, where bona fide is `score > threshold`.

    The names are those of `bench.metrics.f1`; a metric that is not defined is NaN.

    >>> found = decision_metrics([1.0, -1.0, -2.0], ["bonafide", "bonafide", "spoof"])
    >>> found["recall"], found["precision_spoof"]
    (0.5, 0.5)
    """
    trials = _read_trials(scores, labels)
    decided_spoof = ~decide_bonafide(trials.score, threshold)
    return decision_ratios(trials.is_spoof, decided_spoof, np.arange(len(decided_spoof))).values


def measure_scores(
    name: str,
    scores: ArrayLike,
    labels: ArrayLike,
    *,
    speakers: ArrayLike | None = None,
    attacks: ArrayLike | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> MetricResult:
    """Return a metric with its 95 % interval and the errors it rests on.

    The bootstrap draws whole speakers and attacks where they are given, otherwise utterances.
    `attacks` is "" for bona fide utterances.

    >>> result = measure_scores("eer", [3.0, 1.0, 2.0, 0.0], ["bonafide", "spoof"] * 2)
    >>> result.value, result.low, round(result.high, 2)
    (0.0, 0.0, 0.84)
    """
    trials = _read_trials(scores, labels)
    units = np.arange(len(trials.score))
    resampling = Resampling(make_factors(units, speakers, attacks), AUTO, replicates, seed)
    return measure_items(trials.make_items(), {name: _select_metric(name).measure}, resampling)[
        name
    ]


def compare_scores(
    name: str,
    a: ArrayLike,
    b: ArrayLike,
    labels: ArrayLike,
    *,
    speakers: ArrayLike | None = None,
    attacks: ArrayLike | None = None,
    replicates: int = 1000,
    seed: int = 0,
) -> SystemDifference:
    """Return how much a metric of system `a` exceeds that of `b` on the same trials.

    The difference has a 95 % interval and a p-value. Arguments as for `measure_scores`.

    >>> compare_scores("eer", [2.0, 1.0, 4.0, 3.0], [1.0, 2.0, 3.0, 0.0], ["bonafide", "spoof"] * 2,
    ...     replicates=99).value
    0.0
    """
    sides = [_read_trials(scores, labels) for scores in (a, b)]
    one, other = (trials.make_items() for trials in sides)
    plans = make_factors(one.unit, speakers, attacks)
    plan = plans.make_plan(one.unit, one.spoof)
    measures = {name: _select_metric(name).measure}
    return compare_items(one, other, measures, plan, replicates, seed)[name]


class _Trials(NamedTuple):
    score: Floats
    is_spoof: Bools

    def split_classes(self) -> tuple[Floats, Floats]:
        return self.score[~self.is_spoof], self.score[self.is_spoof]

    def make_items(self) -> Items:
        return make_items(self.score, self.is_spoof, np.arange(len(self.score)))


def _read_trials(scores: ArrayLike, labels: ArrayLike) -> _Trials:
    score = np.asarray(scores, dtype=np.float64).ravel()
    words = [str(word) for word in np.asarray(labels, dtype=object).ravel().tolist()]
    if len(score) != len(words):
        raise BenchError(
            "metric.lengths-differ", f"there are {len(score)} scores and {len(words)} labels"
        )
    unknown = [word for word in words if word not in LABEL_WORDS]
    if unknown:
        raise BenchError(
            "metric.label",
            f"{unknown[0]!r} is not a label ({len(unknown)} "
            f"such){near_name(unknown[0], LABEL_WORDS)}",
        )
    return _Trials(score, np.array([LABEL_WORDS[word] == SPOOF for word in words], dtype=np.bool_))


def _select_metric(name: str) -> ScoreMetric:
    metrics = select_metrics(ScoreMetric)
    if name not in metrics:
        raise BenchError(
            "metric.unknown", f"{name!r} is not a metric of scores{near_name(name, metrics)}"
        )
    return metrics[name]
