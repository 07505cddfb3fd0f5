"""The equal error rate and the points of the detection error trade-off; tied scores stay
together."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from bench.units import BONAFIDE, SPOOF

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


class EerResult(NamedTuple):
    """An equal error rate, and where it is reached."""

    eer: float
    """Fraction."""
    threshold: float
    """Bona fide is accepted where `score > threshold`."""


class DetPoints(NamedTuple):
    """One point a threshold, thresholds ascending: bona fide is accepted where `score > threshold`.

    The rates are fractions of shape (k + 1,) for k distinct scores; the first point rejects
    nothing.
    """

    miss_rate: Floats
    """Rejected bona fide trials, FRR."""
    false_alarm_rate: Floats
    """Accepted spoof trials, FAR."""
    threshold: Floats


def det_points(bonafide: ArrayLike, spoof: ArrayLike) -> DetPoints:
    """Return miss and false alarm rate at every distinct score and at one threshold below them.

    `bonafide` and `spoof` hold the scores of the trials of each class, in any order. A BenchError
    is raised for an empty class or a score that is not finite.

    The errors are those of the ASVspoof evaluation packages, which step trial by trial; here trials
    with one score pass the threshold together, because no threshold can part them.

    >>> det_points([2.0, 3.0], [1.0, 2.0]).miss_rate.tolist()
    [0.0, 0.0, 0.5, 1.0]
    >>> det_points([2.0, 3.0], [1.0, 2.0]).false_alarm_rate.tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    accepted, rejected = _trials(bonafide, BONAFIDE), _trials(spoof, SPOOF)
    scores = np.concatenate([accepted, rejected])
    is_spoof = np.arange(len(scores)) >= len(accepted)
    order = np.argsort(scores, kind="stable")
    ends = distinct_ends(scores[order])
    misses = np.concatenate([[0], np.cumsum(~is_spoof[order])[ends]])
    rejections = np.concatenate([[0], np.cumsum(is_spoof[order])[ends]])
    distinct = scores[order][ends]
    below_all = np.nextafter(distinct[0], -np.inf)
    return DetPoints(
        misses / len(accepted),
        (len(rejected) - rejections) / len(rejected),
        np.concatenate([[below_all], distinct]),
    )


def eer(bonafide: ArrayLike, spoof: ArrayLike) -> EerResult:
    """Return the equal error rate: the mean of FRR and FAR where they are closest, a fraction.

    Definition of the ASVspoof challenges' evaluation packages (2019 to 5), which differs from ours
    in one thing: they step through tied scores one trial at a time, bona fide first, so that the
    figure depends on the order of the input and constant scores give 1; ours steps through distinct
    scores, and constant scores give 0.5. Without ties between the classes the two agree. Of several
    closest thresholds the lowest counts, as there. No interpolation.

    `bonafide` and `spoof` hold the scores of the trials of each class, in any order. A BenchError
    is raised for an empty class or a score that is not finite.

    >>> eer([0.9, 0.8, 0.3], [0.4, 0.2, 0.1])
    EerResult(eer=0.3333333333333333, threshold=0.3)
    >>> eer([1.0, 1.0], [1.0]).eer
    0.5
    """
    points = det_points(bonafide, spoof)
    rate, at = closest(points.miss_rate, points.false_alarm_rate)
    return EerResult(rate, float(points.threshold[at]))


class Closest(NamedTuple):
    """The mean of both rates where they are closest, and the index of that point."""

    rate: float
    at: int


def closest(miss_rate: Floats, false_alarm_rate: Floats) -> Closest:
    """Return the equal error rate of a trade-off given point by point.

    >>> closest(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0]))
    Closest(rate=0.5, at=1)
    """
    at = int(np.argmin(np.abs(miss_rate - false_alarm_rate)))
    return Closest(float(miss_rate[at] + false_alarm_rate[at]) / 2, at)


def distinct_ends(ascending: Floats) -> Integers:
    """Return the index of the last of each run of equal values in sorted `ascending`.

    >>> distinct_ends(np.array([1.0, 1.0, 2.0])).tolist()
    [1, 2]
    """
    return np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True))


def _trials(scores: ArrayLike, label: str) -> Floats:
    trials = np.asarray(scores, dtype=np.float64).ravel()
    if not len(trials):
        raise BenchError(f"the equal error rate is not defined: there is no {label} trial")
    wrong = np.flatnonzero(~np.isfinite(trials))
    if len(wrong):
        raise BenchError(
            f"{label} score {wrong[0]} is {trials[wrong[0]]} ({len(wrong)} of {len(trials)} are "
            "not finite numbers): the system diverged or its score file is damaged"
        )
    return trials
