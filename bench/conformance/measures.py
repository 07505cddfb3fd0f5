"""What a metric must keep, tried on random scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import metrics
from bench.conformance.faults import make_fault
from bench.issues import Issue
from bench.metrics.measure import PackageMetric, ScoreMetric
from bench.metrics.registry import describe_metrics, select_metrics
from bench.units import BONAFIDE, SPOOF

_TRIALS = 200


def check_metric(name: str) -> Iterator[Issue]:
    """Yield what is wrong with a metric of scores; those that need more are only declared.

    It should be a finite number that does not depend on the order of the trials, and be better for
    scores that separate the classes than for the same scores negated.
    """
    declared = describe_metrics()[name]

    def fault(message: str) -> Issue:
        return make_fault("extension.metric-contract", f"metric {name}: {message}")

    if name not in {**select_metrics(ScoreMetric), **select_metrics(PackageMetric)}:
        return
    rng = np.random.default_rng(0)
    is_spoof = rng.random(_TRIALS) < 0.6
    labels = np.where(is_spoof, SPOOF, BONAFIDE)
    scores = np.round(rng.normal(0, 1, _TRIALS) + np.where(is_spoof, -1.5, 1.5), 1)
    order = rng.permutation(_TRIALS)
    value = metrics.compute_metric(name, scores, labels)
    inverted = metrics.compute_metric(name, -scores, labels)
    if not np.isfinite([value, inverted]).all():
        yield fault("should be a finite number")
    elif metrics.compute_metric(name, scores[order], labels[order]) != value:
        yield fault("depends on the order of the trials")
    elif (value > inverted) == (declared.better == "lower") and value != inverted:
        values = f"good scores give {value}, inverted ones {inverted}"
        yield fault(f"better = {declared.better!r}, but {values}")
