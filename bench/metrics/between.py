"""Two systems, each trained from one or several seeds: how far apart they are, and whether that
could be chance. `bench compare` and reports ask the same of two systems, here.

Two things vary: the trials, which both systems share, and the training, which is drawn anew with
each seed. The figure of a system is its mean over seeds. Its variance over trials is that of the
bootstrap replicates of the difference, in which both systems see the same draws and whose seeds are
averaged; its variance over trainings is s² / k of either system, with s the standard deviation of
its k seeds on the trials at hand. A system with one seed is assumed to have the other's
seed variance; where both have one, nothing is known of the trainings. The three add up, since seeds
and trials are drawn apart, and the difference is held against Student's t with the degrees of
freedom of Welch (Biometrika 34, 1947) and Satterthwaite (Biometrics Bulletin 2, 1946): few seeds
that disagree leave hardly any. The difference is taken to be normal, as one of two rates over some
thousand trials nearly is.

Where few errors tell the systems apart it is not. Then the p-value is the larger of that and of the
exact one of the utterances that only one of the two gets wrong (`bench.metrics.mistakes`), and the
interval also holds what the exact bounds of both figures leave open, combined as those of
correlated figures are (MOVER; Zou, Psychological Methods 12, 2007).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr, stdtrit

from bench.errors import BenchError
from bench.metrics.bootstrap import LEVEL
from bench.metrics.mistakes import Mistakes, apart
from bench.metrics.tally import Floats


class Trained(NamedTuple):
    """A figure of one system."""

    values: Floats
    """(k,): of each seed."""
    replicates: Floats
    """(k, B): of each seed in every replicate of the trials; NaN where it is not defined."""
    mistakes: tuple[Mistakes, ...] = ()
    """(k,): what each seed gets wrong, bounds in the figure's unit; none where no errors carry the
    figure."""

    @property
    def bounds(self) -> tuple[float, float]:
        """The exact bounds of one training, each the mean over seeds."""
        return tuple(
            np.mean([(mistakes.low, mistakes.high) for mistakes in self.mistakes], axis=0).tolist()
        )


class Between(NamedTuple):
    """One system's figure minus another's, in the figure's unit."""

    value: float
    low: float
    """Bounds of the 95 % interval."""
    high: float
    p_value: float
    """Two-sided."""
    over_seeds: bool
    """Whether the trainings' variance is in it. It is not where both systems have one seed: then it
    holds for these trained models alone."""
    few: bool = False
    """Whether there are too few errors to judge: however they had fallen, nothing could have been
    found."""


def between(a: Trained, b: Trained) -> Between:
    """Return how much the figure of `a` exceeds that of `b`; both were drawn alike.

    Where neither trials nor seeds vary, a difference has a p-value of 2 / (1 + B), the least that B
    replicates can show. Raise BenchError for replicates of another number, and where fewer than two
    are defined.

    >>> draws = np.random.default_rng(0).normal(size=(2, 1, 1000))
    >>> one, other = Trained(np.array([3.0]), 3 + draws[0]), Trained(np.array([1.0]), 1 + draws[1])
    >>> between(one, other).value, round(between(one, other).p_value, 1)
    (2.0, 0.1)
    """
    resampled = _resampled(a, b)
    if not a.mistakes or not b.mistakes:
        return resampled
    counted = apart(a.mistakes, b.mistakes)
    if not counted.few:
        return resampled
    low, high = _open(a, b, counted.alike)
    return resampled._replace(
        low=min(resampled.low, low),
        high=max(resampled.high, high),
        p_value=max(resampled.p_value, counted.p_value),
        few=counted.nothing,
    )


def _resampled(a: Trained, b: Trained) -> Between:
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
    seeds = _of_seeds(a.values, b.values)
    parts = [(float(differences.var(ddof=1)), n - 1), *seeds]
    over_seeds = bool(seeds)
    variance = math.fsum(part for part, _ in parts)
    if variance == 0:
        return Between(value, value, value, 1.0 if value == 0 else 2 / (1 + n), over_seeds)
    freedom = 1 / math.fsum((part / variance) ** 2 / degrees for part, degrees in parts)
    error = math.sqrt(variance)
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    p_value = 2 * float(stdtr(freedom, -abs(value) / error))
    return Between(value, value - half, value + half, p_value, over_seeds)


def _open(a: Trained, b: Trained, alike: float) -> tuple[float, float]:
    """Return the bounds of the difference by the exact ones of both figures, whose errors have the
    correlation `alike`."""
    one, other = float(a.values.mean()), float(b.values.mean())
    (low, high), (other_low, other_high) = a.bounds, b.bounds
    below, above = max(one - low, 0.0), max(high - one, 0.0)
    other_below, other_above = max(other - other_low, 0.0), max(other_high - other, 0.0)
    down, up = (
        math.sqrt(x * x + y * y - 2 * alike * x * y)
        for x, y in ((below, other_above), (above, other_below))
    )
    return one - other - down, one - other + up


def _of_seeds(a: Floats, b: Floats) -> list[tuple[float, int]]:
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
