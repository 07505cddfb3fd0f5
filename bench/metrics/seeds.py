"""One row trained from several seeds: mean, spread, and whether a published result fits.

Over seeds the training varies, on one set of utterances; over bootstrap replicates
(`bench.metrics.bootstrap`) the utterances vary, for one training. Neither interval includes the
other variation, and the suite never adds them up: reports give the mean and the spread over seeds,
and beside them the bootstrap interval of one training, its bounds averaged over the seeds. That
average is not the interval of the mean over seeds.

A published result came from another training on the same trials, so the trials are no reason for a
difference: it is compared with what one more seed may give (`OverSeeds.predicts`), not with either
of those intervals. Wang and Yamagishi (Interspeech 2021) find that seeds alone can make systems
significantly different, and recommend several.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.bootstrap import LEVEL, Interval

LEAST_SEEDS = 3
"""With fewer, a published result is not judged."""


class OverSeeds(NamedTuple):
    """A metric over seeds, in its unit. What one seed cannot tell is None, never 0."""

    seeds: int
    mean: float
    spread: float | None
    """Standard deviation (n - 1)."""
    lowest: float
    highest: float
    interval: Interval | None
    """95 % interval of the mean, by Student's t with n - 1 degrees of freedom; it assumes that the
    metric is normal over seeds."""

    @property
    def prediction(self) -> Interval | None:
        """The 95 % interval of the result of one more seed; None with fewer than three seeds.

        It is mean ± t s sqrt(1 + 1 / n), with t the quantile of Student's t with n - 1 degrees of
        freedom. Two seeds would give 15.6 spreads to either side. Where all seeds have the same
        result it has no width: then errors are too few for seeds to differ, and the interval of the
        result itself (`bench.metrics.exact`) is the one to look at. Source: Hahn and Meeker,
        Statistical Intervals, 1991, section 4.7.

        >>> found = over_seeds([0.033, 0.031, 0.035]).prediction
        >>> round(found.low, 4), round(found.high, 4)
        (0.0231, 0.0429)
        """
        if self.spread is None or self.seeds < LEAST_SEEDS:
            return None
        half = t_quantile((1 + LEVEL) / 2, self.seeds - 1) * self.spread
        half *= math.sqrt(1 + 1 / self.seeds)
        return Interval(self.mean - half, self.mean + half)

    def predicts(self, published: float, rounding: float = 0.0) -> bool | None:
        """Return whether a published result lies in `prediction`; None with fewer than three seeds.

        `rounding` is half a unit of the published result's last digit: a 3.30 may be 3.295.
        """
        bounds = self.prediction
        return bounds and _inside(published, rounding, bounds.low, bounds.high)

    def covers(self, published: float, rounding: float = 0.0) -> bool | None:
        """Return whether a published result lies in the interval of the mean; None with one seed.

        `rounding` is as for `predicts`.
        """
        return self.interval and _inside(published, rounding, self.interval.low, self.interval.high)

    def reaches(self, published: float, rounding: float = 0.0) -> bool | None:
        """Return whether a published result lies between the lowest and the highest seed's.

        None with one seed.
        """
        return None if self.seeds < 2 else _inside(published, rounding, self.lowest, self.highest)


def over_seeds(values: Sequence[float]) -> OverSeeds:
    """Return a metric over seeds, given its value for each.

    With two seeds, the interval reaches 12.7 standard errors to either side, with three 4.3. Raise
    BenchError where there is no value, or one is not finite.

    >>> found = over_seeds([0.033, 0.031, 0.035])
    >>> round(found.mean, 6), round(found.spread, 6), found.covers(0.0360), found.reaches(0.0360)
    (0.033, 0.002, True, False)
    >>> over_seeds([0.033]).spread is None
    True
    """
    array = np.asarray(values, dtype=np.float64)
    if not len(array):
        raise BenchError("metric.no-value", "no seed has this metric")
    if not np.isfinite(array).all():
        raise BenchError(
            "metric.not-finite", f"the metric of a seed is not a finite number: {array.tolist()}"
        )
    n, mean = len(array), float(array.mean())
    ends = float(array.min()), float(array.max())
    if n < 2:
        return OverSeeds(n, mean, None, *ends, None)
    spread = float(array.std(ddof=1))
    half = t_quantile((1 + LEVEL) / 2, n - 1) * spread / math.sqrt(n)
    return OverSeeds(n, mean, spread, *ends, Interval(mean - half, mean + half))


def t_quantile(probability: float, freedom: int) -> float:
    """Return the quantile of Student's t distribution with `freedom` degrees of freedom.

    By bisection of the distribution function, which has a finite form for whole degrees of freedom
    (Abramowitz and Stegun, 26.7.3 and 26.7.4). Raise BenchError for a probability outside 0 to 1
    or less than one degree of freedom.

    >>> round(t_quantile(0.975, 1), 3), round(t_quantile(0.975, 2), 3)
    (12.706, 4.303)
    """
    if not 0 < probability < 1 or freedom < 1:
        raise BenchError(
            "metric.probability",
            f"no quantile {probability} of t with {freedom} degrees of freedom",
        )
    if probability < 0.5:
        return -t_quantile(1 - probability, freedom)
    low, high = 0.0, math.pi / 2
    while low < (angle := (low + high) / 2) < high:
        if (1 + _within(angle, freedom)) / 2 < probability:
            low = angle
        else:
            high = angle
    return math.sqrt(freedom) * math.tan(low)


def _within(angle: float, freedom: int) -> float:
    """Return the probability that |t| is at most sqrt(freedom) · tan(angle)."""
    cosine, odd = math.cos(angle), freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom, 2):
        term *= (k - 1) / k * cosine**2
        total += term
    total *= math.sin(angle)
    return (angle + total) * 2 / math.pi if odd else total


def _inside(published: float, rounding: float, low: float, high: float) -> bool:
    return low <= published + rounding and published - rounding <= high
