"""One row trained from several seeds: mean, spread, and whether a published result fits.

Over seeds the training varies, on one set of utterances; over bootstrap replicates
(`bench.metrics.bootstrap`) the utterances vary, for one training. Neither interval includes the
other variation, and the suite never adds them up: reports give the mean and the spread over seeds,
and beside them the bootstrap interval of one training, its bounds averaged over the seeds. That
average is not the interval of the mean over seeds.

A published result came from another training on the same trials, so the trials are no reason for a
difference: it is compared with what one more seed may give (`OverSeeds.predicts_published`), not
with either of those intervals. Wang and Yamagishi (Interspeech 2021) find that seeds alone can make
systems significantly different, and recommend several.
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

        >>> found = summarise_seeds([0.033, 0.031, 0.035]).prediction
        >>> round(found.low, 4), round(found.high, 4)
        (0.0231, 0.0429)
        """
        if self.spread is None or self.seeds < LEAST_SEEDS:
            return None
        half = t_quantile(self.seeds - 1) * self.spread
        half *= math.sqrt(1 + 1 / self.seeds)
        return Interval(self.mean - half, self.mean + half)

    def predicts_published(self, published: float, rounding: float = 0.0) -> bool | None:
        """Return whether a published result lies in `prediction`; None with fewer than three seeds.

        `rounding` is half a unit of the published result's last digit: a 3.30 may be 3.295.
        """
        bounds = self.prediction
        if bounds is None:
            return None
        return bounds.low <= published + rounding and published - rounding <= bounds.high


def summarise_seeds(values: Sequence[float]) -> OverSeeds:
    """Return a metric over seeds, given its value for each.

    With two seeds, the interval reaches 12.7 standard errors to either side, with three 4.3. Raise
    BenchError where there is no value, or one is not finite.

    >>> found = summarise_seeds([0.033, 0.031, 0.035])
    >>> round(found.mean, 6), round(found.spread, 6), found.predicts_published(0.0360)
    (0.033, 0.002, True)
    >>> summarise_seeds([0.033]).spread is None
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
    half = t_quantile(n - 1) * spread / math.sqrt(n)
    return OverSeeds(n, mean, spread, *ends, Interval(mean - half, mean + half))


def t_quantile(freedom: float) -> float:
    """Return how many standard errors an interval of `LEVEL` reaches to either side.

    It is a quantile of Student's t distribution with so many degrees of freedom.
    """
    # Here and not above: `bench show` needs no SciPy (`bench.metrics.exact`).
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + LEVEL) / 2))
