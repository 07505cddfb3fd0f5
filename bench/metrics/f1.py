"""The F1 score of decisions, for either class, and the decision rule that frames are judged by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from bench.units import BONAFIDE, SPOOF


class F1Pair(NamedTuple):
    """F1 with bona fide and with spoof as the positive class; fractions."""

    bonafide: float
    spoof: float


def f1(labels: ArrayLike, decisions: ArrayLike, positive: Any) -> float:
    """Return F1 = 2 TP / (2 TP + FP + FN) of the class `positive`, a fraction.

    All items are pooled. `labels` and `decisions` are of one shape and hold class names (or any
    values that compare with `positive`). It is 0 where the class is never hit; where it is neither
    a label nor a decision F1 is not defined: BenchError.

    >>> f1(["bonafide", "bonafide", "spoof"], ["bonafide", "spoof", "spoof"], "bonafide")
    0.6666666666666666
    """
    truth: NDArray[Any] = np.asarray(labels)
    decided: NDArray[Any] = np.asarray(decisions)
    return _f1(truth == positive, decided == positive, str(positive))


def frame_f1(label_is_spoof: ArrayLike, score: ArrayLike, threshold: float = 0.0) -> F1Pair:
    """Return F1 of both classes over pooled frames; `score > threshold` is decided bona fide.

    Fractions. With the difference of two logits (bona fide minus spoof) as the score and a
    threshold of 0 this is the larger logit's class, the rule of SAL (Mao et al., ICASSP 2026,
    section 3.1) and BAM. Their one F1 takes bona fide as the positive class; other tools for
    partial spoofs take spoof, so both are returned and must not be mixed. `label_is_spoof` and
    `score` are of one shape, an item a frame. BenchError as for `f1`, and for a score that is not a
    number.

    >>> frame_f1([False, False, True], [1.0, -1.0, -2.0])
    F1Pair(bonafide=0.6666666666666666, spoof=0.6666666666666666)
    """
    is_spoof = np.asarray(label_is_spoof, dtype=np.bool_)
    decided_bonafide = decide(score, threshold)
    return F1Pair(
        _f1(~is_spoof, decided_bonafide, BONAFIDE), _f1(is_spoof, ~decided_bonafide, SPOOF)
    )


def decide(score: ArrayLike, threshold: float = 0.0) -> NDArray[np.bool_]:
    """Return True where `score > threshold`: decided bona fide. BenchError where a score is not a
    number.

    >>> decide([0.5, 0.0]).tolist()
    [True, False]
    """
    scores = np.asarray(score, dtype=np.float64)
    missing = np.flatnonzero(np.isnan(scores))
    if len(missing):
        raise BenchError(f"score {missing[0]} is not a number ({len(missing)} of {scores.size})")
    return scores > threshold


def _f1(truth: NDArray[np.bool_], decided: NDArray[np.bool_], positive: str) -> float:
    if truth.shape != decided.shape:
        raise BenchError(
            f"F1 compares labels and decisions one by one, but there are {truth.size} labels "
            f"and {decided.size} decisions"
        )
    named = int(np.sum(truth)) + int(np.sum(decided))
    if not named:
        raise BenchError(f"F1 is not defined: {positive} is neither a label nor a decision")
    return 2 * int(np.sum(truth & decided)) / named
