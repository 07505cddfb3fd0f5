"""Precision, recall, F1 and accuracy of decisions, and the rule that decides.

Frames are decided by the larger logit (`ARGMAX`), or at a threshold that is stated beforehand.
Whole utterances are decided at the threshold of their equal error rate, or at a stated one. A
threshold of the very trials that are evaluated makes a system look somewhat better than it is.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError
from bench.metrics.measure import Confusion, DecisionMetric, MixedMetric
from bench.metrics.tally import Bools, Floats

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class Decision(NamedTuple):
    """Which trials or frames are decided bona fide: those with `score > threshold`."""

    rule: str
    """What set the threshold, in words that stand beside the result."""
    threshold: float


ARGMAX = Decision("argmax", 0.0)
"""The larger logit's class, where the score is the bona fide logit minus the spoof logit: the rule
of SAL (Mao et al., ICASSP 2026, section 3.1) and BAM."""


def decision_at(threshold: float) -> Decision:
    """Return the decision at a threshold that was chosen beforehand.

    >>> decision_at(0.5)
    Decision(rule='score > 0.5', threshold=0.5)
    """
    return Decision(f"score > {threshold:g}", threshold)


def decision_at_eer(threshold: float) -> Decision:
    """Return the decision at a threshold where the evaluated trials have their equal error rate.

    >>> decision_at_eer(-0.25).rule
    'score > -0.25, the threshold of the EER'
    """
    return Decision(f"score > {threshold:g}, the threshold of the EER", threshold)


def decide_bonafide(score: ArrayLike, threshold: float = 0.0) -> Bools:
    """Return True where `score > threshold`, that is where bona fide is decided.

    A BenchError is raised for a score that is not a number.

    >>> decide_bonafide([0.5, 0.0]).tolist()
    [True, False]
    """
    scores = np.asarray(score, dtype=np.float64)
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise BenchError(
            "metric.not-finite",
            f"score {missing[0]} is not a number ({len(missing)} of {scores.size})",
        )
    return scores > threshold


def _precision_parts(counts: Confusion) -> tuple[Floats, Floats]:
    return counts.hits, counts.hits + counts.false_alarms


def _recall_parts(counts: Confusion) -> tuple[Floats, Floats]:
    return counts.hits, counts.hits + counts.misses


def _f1_parts(counts: Confusion) -> tuple[Floats, Floats]:
    return 2 * counts.hits, 2 * counts.hits + counts.false_alarms + counts.misses


def _accuracy_parts(counts: Confusion) -> tuple[Floats, Floats]:
    right = counts.hits + counts.rejections
    return right, right + counts.misses + counts.false_alarms


METRICS = (
    DecisionMetric(
        name="precision",
        label="precision bona fide",
        definition="share of those decided bona fide that are",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=40,
        positive="bonafide",
        ratio=_precision_parts,
    ),
    DecisionMetric(
        name="recall",
        label="recall bona fide",
        definition="share of the bona fide that are decided so",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=41,
        positive="bonafide",
        ratio=_recall_parts,
    ),
    DecisionMetric(
        name="f1",
        label="F1 bona fide",
        definition="F1 with bona fide as positive class",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7; printed by SAL and BAM",
        order=42,
        positive="bonafide",
        ratio=_f1_parts,
    ),
    DecisionMetric(
        name="precision_spoof",
        label="precision spoof",
        definition="share of those decided spoof that are",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=43,
        positive="spoof",
        ratio=_precision_parts,
    ),
    DecisionMetric(
        name="recall_spoof",
        label="recall spoof",
        definition="share of the spoof that are decided so",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=44,
        positive="spoof",
        ratio=_recall_parts,
    ),
    DecisionMetric(
        name="f1_spoof",
        label="F1 spoof",
        definition="F1 with spoof as positive class",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        order=45,
        positive="spoof",
        ratio=_f1_parts,
    ),
    DecisionMetric(
        name="accuracy",
        label="accuracy",
        definition="share of right decisions",
        source="Metz, Seminars in Nuclear Medicine 8, 1978",
        logged=False,
        on_request=("utterances", "frames"),
        order=46,
        positive="bonafide",
        ratio=_accuracy_parts,
    ),
    MixedMetric(
        name="balanced_accuracy",
        label="balanced accuracy",
        definition="mean of the recalls of both classes",
        source="Brodersen et al., ICPR 2010",
        needs="decisions",
        trials=("utterances", "frames"),
        on_request=("utterances", "frames"),
        order=47,
        parts=(("recall", 0.5), ("recall_spoof", 0.5)),
    ),
)
