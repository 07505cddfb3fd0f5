"""Precision, recall and F1 of decisions, for either class, and the rule that decides on frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError
from bench.metrics.measure import Confusion, DecisionMetric
from bench.metrics.tally import Bools, Floats

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class Decision(NamedTuple):
    """Which frames are decided bona fide: those with `score > threshold`."""

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


METRICS = (
    DecisionMetric(
        name="precision",
        label="precision bona fide",
        definition="of frames decided bona fide",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=40,
        positive="bonafide",
        ratio=_precision_parts,
    ),
    DecisionMetric(
        name="recall",
        label="recall bona fide",
        definition="of frames labelled bona fide",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=41,
        positive="bonafide",
        ratio=_recall_parts,
    ),
    DecisionMetric(
        name="f1",
        label="F1 bona fide",
        definition="F1 of frames with bona fide as positive class",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7; printed by SAL and BAM",
        order=42,
        positive="bonafide",
        ratio=_f1_parts,
    ),
    DecisionMetric(
        name="precision_spoof",
        label="precision spoof",
        definition="of frames decided spoof",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=43,
        positive="spoof",
        ratio=_precision_parts,
    ),
    DecisionMetric(
        name="recall_spoof",
        label="recall spoof",
        definition="of frames labelled spoof",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        logged=False,
        order=44,
        positive="spoof",
        ratio=_recall_parts,
    ),
    DecisionMetric(
        name="f1_spoof",
        label="F1 spoof",
        definition="F1 of frames with spoof as positive class",
        source="van Rijsbergen, Information Retrieval, 1979, chapter 7",
        order=45,
        positive="spoof",
        ratio=_f1_parts,
    ),
)
