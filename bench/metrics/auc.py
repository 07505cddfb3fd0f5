"""The area under the ROC curve."""

from __future__ import annotations

from bench.metrics.measure import Ordered, ScoreMetric
from bench.metrics.tally import ScoreCounts, accumulate_errors

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def auc(counts: ScoreCounts) -> float:
    """Return the area under the ROC curve, a fraction.

    It is the share of pairs in which the bona fide trial scores above the spoof trial; a tie counts
    half. That is the Mann-Whitney statistic over the number of pairs (Hanley and McNeil, Radiology
    143, 1982): 1 where the classes are separated, 0.5 by chance.

    A BenchError is raised for a class without any weight.

    >>> from bench.metrics.tally import count_scores
    >>> auc(count_scores([2.0, 3.0], [1.0, 2.0]))
    0.875
    """
    missed, rejected = accumulate_errors(counts)
    lower = counts.bonafide @ rejected - counts.bonafide @ counts.spoof / 2
    return float(lower / missed[-1] / rejected[-1])


METRICS = (
    ScoreMetric(
        name="auc",
        label="AUC",
        unit="rate",
        better="higher",
        definition="area under the ROC curve; ties count half",
        source="Hanley and McNeil, Radiology 143, 1982 (the Mann-Whitney statistic)",
        needs="scores",
        trials=("utterances",),
        by_logit=False,
        order=30,
        measure=Ordered(auc),
    ),
)
