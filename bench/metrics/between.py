"""The difference of two systems, and whether it could be chance.

`bench compare` and reports both use it. Each system is trained from one or several seeds. Two
things vary: the trials, which both systems share, and the training, which differs from seed to
seed. The result of a system is its mean over seeds. The difference has three variances, which add
up because seeds and trials are drawn independently:

- over trials: that of the bootstrap replicates of the difference. Both systems see the same
  replicates, and seeds are averaged in each.
- over trainings, one for each system: s² / k, where s is the standard deviation of its k seeds on
  these trials. A system with one seed is assumed to have the other's seed variance; where both have
  one seed, the variance over trainings is not known and left out.

The difference is tested with Welch's t-test: Student's t with the degrees of freedom of Welch
(Biometrika 34, 1947) and Satterthwaite (Biometrics Bulletin 2, 1946). The difference is taken to be
normal, as the difference of two rates over some thousand trials nearly is.

It is not normal where few errors differ. Then the p-value is the larger of that of the t-test and
of the exact test of the utterances that only one of the two systems gets wrong
(`bench.metrics.mistakes`), and the interval also covers the exact bounds of both results, combined
as those of correlated results (MOVER; Zou, Psychological Methods 12, 2007).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.mistakes import Mistakes, compare_mistakes
from bench.metrics.seeds import t_quantile
from bench.metrics.tally import Floats


class SeededResult(NamedTuple):
    """The result of one system for each seed."""

    values: Floats
    """(k,): the result of each seed."""
    replicates: Floats
    """(k, B): the result of each seed in every replicate of the trials; NaN where not defined."""
    mistakes: tuple[Mistakes, ...] = ()
    """(k,): what each seed gets wrong; empty where the metric does not rest on errors."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The exact bounds of one training, each the mean over seeds."""
        return tuple(
            np.mean([(mistakes.low, mistakes.high) for mistakes in self.mistakes], axis=0).tolist()
        )


class SystemDifference(NamedTuple):
    """The result of one system minus that of another, in the metric's unit."""

    value: float
    low: float
    """Bounds of the 95 % interval."""
    high: float
    p_value: float
    """Two-sided."""
    over_seeds: bool
    """Whether the variance over trainings is included. It is not where both systems have one seed:
    then the difference holds for these trained models only."""
    few: bool = False
    """Whether there are too few errors to judge: no outcome could have been significant."""


def compare_systems(a: SeededResult, b: SeededResult) -> SystemDifference:
    """Return how much the result of `a` exceeds that of `b`; both have the same replicates.

    Where neither trials nor seeds vary, a difference has the p-value 2 / (1 + B), the least that B
    replicates can show. Raise BenchError for unequal numbers of replicates, and where fewer than
    two are defined.

    >>> draws = np.random.default_rng(0).normal(size=(2, 1, 1000))
    >>> one = SeededResult(np.array([3.0]), 3 + draws[0])
    >>> other = SeededResult(np.array([1.0]), 1 + draws[1])
    >>> compare_systems(one, other).value, round(compare_systems(one, other).p_value, 1)
    (2.0, 0.1)
    """
    resampled = _compare_resampled(a, b)
    if not a.mistakes or not b.mistakes:
        return resampled
    counted = compare_mistakes(a.mistakes, b.mistakes)
    if not counted.few:
        return resampled
    low, high = _exact_bounds(a, b, counted.alike)
    return resampled._replace(
        low=min(resampled.low, low),
        high=max(resampled.high, high),
        p_value=max(resampled.p_value, counted.p_value),
        few=counted.nothing,
    )


def _compare_resampled(a: SeededResult, b: SeededResult) -> SystemDifference:
    # Here and not above: `bench show` needs no SciPy (`bench.metrics.exact`).
    from scipy.special import stdtr

    if a.replicates.shape[1] != b.replicates.shape[1]:
        raise BenchError("metric.trials-differ", "the systems were drawn differently often")
    differences = a.replicates.mean(axis=0) - b.replicates.mean(axis=0)
    differences = differences[~np.isnan(differences)]
    n = len(differences)
    if n < 2:
        raise BenchError(
            "metric.no-interval", "the difference is not defined in any two replicates"
        )
    value = float(a.values.mean() - b.values.mean())
    seeds = _seed_variances(a.values, b.values)
    parts = [(float(differences.var(ddof=1)), n - 1), *seeds]
    over_seeds = bool(seeds)
    variance = math.fsum(part for part, _ in parts)
    if variance == 0:
        return SystemDifference(value, value, value, 1.0 if value == 0 else 2 / (1 + n), over_seeds)
    freedom = 1 / math.fsum((part / variance) ** 2 / degrees for part, degrees in parts)
    error = math.sqrt(variance)
    half = t_quantile(freedom) * error
    p_value = 2 * float(stdtr(freedom, -abs(value) / error))
    return SystemDifference(value, value - half, value + half, p_value, over_seeds)


def _exact_bounds(a: SeededResult, b: SeededResult, alike: float) -> tuple[float, float]:
    """Return bounds of the difference from the exact bounds of both results.

    `alike` is the correlation of their errors.
    """
    one, other = float(a.values.mean()), float(b.values.mean())
    (low, high), (other_low, other_high) = a.bounds, b.bounds
    below, above = max(one - low, 0.0), max(high - one, 0.0)
    other_below, other_above = max(other - other_low, 0.0), max(other_high - other, 0.0)
    down, up = (
        math.sqrt(x * x + y * y - 2 * alike * x * y)
        for x, y in ((below, other_above), (above, other_below))
    )
    return one - other - down, one - other + up


def _seed_variances(a: Floats, b: Floats) -> list[tuple[float, int]]:
    """Return the variances of the means over seeds, each with its degrees of freedom."""
    several = [values for values in (a, b) if len(values) > 1]
    if len(several) == 1:
        (seeded,) = several
        share = 1 + 1 / len(seeded)
        return [(share * float(seeded.var(ddof=1)), len(seeded) - 1)]
    return [
        (float(values_of_system.var(ddof=1)) / len(values_of_system), len(values_of_system) - 1)
        for values_of_system in several
    ]
