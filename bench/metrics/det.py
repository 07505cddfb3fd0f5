"""The equal error rate and the points of the detection error trade-off (DET)."""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.metrics.measure import Decided, PackageMetric, ScoreMetric
from bench.metrics.tally import (
    Floats,
    ScoreCounts,
    accumulate_errors,
    check_scores,
    count_scores,
    next_below,
)
from bench.units import BONAFIDE, SPOOF

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


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
    """Return `det_points_of` the tally of scores given class by class, each in any order.

    A BenchError is raised for an empty class or a score that is not finite.

    >>> det_points([2.0, 3.0], [1.0, 2.0]).miss_rate.tolist()
    [0.0, 0.0, 0.5, 1.0]
    >>> det_points([2.0, 3.0], [1.0, 2.0]).false_alarm_rate.tolist()
    [1.0, 0.5, 0.0, 0.0]
    """
    return det_points_of(count_scores(bonafide, spoof))


def det_points_of(counts: ScoreCounts) -> DetPoints:
    """Return miss and false alarm rate at every distinct score and at one threshold below them.

    Trials with one score pass the threshold together, because no threshold can separate them; the
    ASVspoof packages step trial by trial. A BenchError is raised for a class without any weight.

    >>> det_points_of(count_scores([2.0, 3.0], [1.0, 2.0])).threshold[1:].tolist()
    [1.0, 2.0, 3.0]
    """
    missed, rejected = accumulate_errors(counts)
    return DetPoints(
        np.concatenate([[0.0], missed]) / missed[-1],
        (rejected[-1] - np.concatenate([[0.0], rejected])) / rejected[-1],
        np.concatenate([[next_below(counts.score[0])], counts.score]),
    )


def eer_by_class(bonafide: ArrayLike, spoof: ArrayLike) -> EerResult:
    """Return `eer_of` the tally of scores given class by class, each in any order.

    A BenchError is raised for an empty class or a score that is not finite.

    >>> eer_by_class([0.9, 0.8, 0.3], [0.4, 0.2, 0.1])
    EerResult(eer=0.3333333333333333, threshold=0.3)
    >>> eer_by_class([1.0, 1.0], [1.0]).eer
    0.5
    """
    return eer_of(count_scores(bonafide, spoof))


def eer_of(counts: ScoreCounts) -> EerResult:
    """Return the equal error rate: the mean of FRR and FAR where they are closest, a fraction.

    The definition is that of the ASVspoof challenges' packages (2019 to 5) except for ties: they
    step through tied scores one trial at a time, bona fide first, so that constant scores give 1;
    here all trials of one score move together, and constant scores give 0.5. The two agree unless
    trials are tied where the rates cross (`ties_at_eer`); `eer_official` is theirs. Of several
    closest thresholds the lowest one counts, as in the packages. There is no interpolation.

    A BenchError is raised for a class without any weight.

    >>> counts = ScoreCounts(np.array([1.0, 2.0]), np.array([0.0, 3.0]), np.array([2.0, 1.0]))
    >>> eer_of(counts).threshold
    1.0
    """
    return _Crossing(counts).find_closest()


class TiedTrials(NamedTuple):
    """Trials that share the score at which FRR and FAR cross; counts or weights."""

    score: float
    bonafide: float
    spoof: float


def ties_at_eer(counts: ScoreCounts) -> TiedTrials | None:
    """Return the tied trials at which FRR and FAR cross; None where they cross between scores.

    Where there are some, the rates jump past each other at one score, and the EER depends on how a
    definition treats ties: the more tied trials, the more it does (`eer_official`,
    `bench.metrics.eer_variants`).

    >>> ties_at_eer(count_scores([1.0, 1.0, 3.0], [0.0, 1.0]))
    TiedTrials(score=1.0, bonafide=2.0, spoof=1.0)
    >>> ties_at_eer(count_scores([1.0, 2.0, 3.0], [0.0, 1.5])) is None
    True
    """
    crossing = _Crossing(counts)
    at = crossing.above - 1
    bonafide, spoof = float(counts.bonafide[at]), float(counts.spoof[at])
    if bonafide + spoof <= 1 or crossing.gap_at(crossing.above) == 0:
        return None
    return TiedTrials(float(counts.score[at]), bonafide, spoof)


def eer_official(bonafide: ArrayLike, spoof: ArrayLike) -> EerResult:
    """Return the equal error rate of the ASVspoof challenges' packages, to the last digit.

    They step through tied trials one at a time, bona fide ones first. It is for comparison with
    published results only: with ties where the rates cross (`ties_at_eer`) no threshold reaches
    this rate, and constant scores give 1. The threshold is theirs, too: 0.001 below the lowest
    score where nothing is rejected. Arguments and errors as for `eer`. Source:
    `compute_eer` of the packages for 2019 (v2), 2021 and 5.

    >>> eer_official([1.0, 1.0], [1.0]).eer
    1.0
    >>> bonafide, spoof = [0.9, 0.8, 0.3], [0.4, 0.2, 0.1]
    >>> eer_official(bonafide, spoof) == eer_by_class(bonafide, spoof)
    True
    """
    accepted, rejected = check_scores(bonafide, BONAFIDE), check_scores(spoof, SPOOF)
    scores = np.concatenate([accepted, rejected])
    order = np.argsort(scores, kind="stable")
    is_spoof = order >= len(accepted)
    ascending = scores[order]
    miss_rate = np.append(0, np.cumsum(~is_spoof)) / len(accepted)
    false_alarm_rate = (len(rejected) - np.append(0, np.cumsum(is_spoof))) / len(rejected)
    rate, at = find_closest(miss_rate, false_alarm_rate)
    return EerResult(rate, float(ascending[at - 1] if at else ascending[0] - 0.001))


class ClosestPoint(NamedTuple):
    """The mean of both rates where they are closest, and the index of that point."""

    rate: float
    at: int


def find_closest(miss_rate: Floats, false_alarm_rate: Floats) -> ClosestPoint:
    """Return the equal error rate of a trade-off given point by point.

    >>> find_closest(np.array([0.0, 0.5, 1.0]), np.array([1.0, 0.5, 0.0]))
    ClosestPoint(rate=0.5, at=1)
    """
    at = int(np.argmin(np.abs(miss_rate - false_alarm_rate)))
    return ClosestPoint(float(miss_rate[at] + false_alarm_rate[at]) / 2, at)


class _Crossing:
    """Where the miss rate passes the false alarm rate.

    Their difference never falls from one point to the next, so some twenty points are looked at
    and no array of rates is made: a bootstrap asks a thousand times.
    """

    def __init__(self, counts: ScoreCounts):
        self._missed, self._rejected = accumulate_errors(counts)
        self._score = counts.score
        self._points = range(len(counts.score) + 1)
        self.above = bisect_left(self._points, 0.0, key=self.gap_at)
        """The first point where the miss rate is not below the false alarm rate; point 0 rejects
        nothing, and point i the trials up to score i - 1."""

    def rates_at(self, at: int) -> tuple[float, float]:
        missed, rejected, total = self._missed, self._rejected, float(self._rejected[-1])
        if not at:
            return 0.0, 1.0
        return float(missed[at - 1] / missed[-1]), (total - float(rejected[at - 1])) / total

    def gap_at(self, at: int) -> float:
        miss_rate, false_alarm_rate = self.rates_at(at)
        return miss_rate - false_alarm_rate

    def find_closest(self) -> EerResult:
        at, below = self.above, self.gap_at(self.above - 1)
        if -below <= self.gap_at(at):
            at = bisect_left(self._points, below, hi=at, key=self.gap_at)
        threshold = self._score[at - 1] if at else next_below(self._score[0])
        return EerResult(sum(self.rates_at(at)) / 2, float(threshold))


equal_error_rate = Decided(eer_of)
"""The measure that resampling has a short way for (`bench.metrics.cells`)."""

METRICS = (
    ScoreMetric(
        name="eer",
        label="EER",
        unit="rate",
        better="lower",
        definition="mean of FRR and FAR where they are closest; ties move together",
        source="the ASVspoof challenges' evaluation packages (2019 to 5), but for tied trials",
        needs="scores",
        trials=("utterances", "frames"),
        broken_down=True,
        order=0,
        measure=equal_error_rate,
    ),
    PackageMetric(
        name="eer_official",
        label="EER, ASVspoof package",
        unit="rate",
        better="lower",
        definition="what the organisers' code prints: tied scores one by one, bona fide first",
        source="`compute_eer` of the ASVspoof packages for 2019 (v2), 2021 and 5",
        needs="scores",
        trials=("utterances",),
        by_logit=False,
        order=1,
        compute=eer_official,
    ),
)
