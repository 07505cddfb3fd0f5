"""Metrics of several test sets combined: their mean, or the difference of two.

Papers print such columns ("Avg.", "gap") beside those of the sets. The interval is MOVER, the
method of variance estimates recovery (Zou and Donner, Statistics in Medicine 27, 2008): each part's
interval says how far the part may lie below and above its value, and those distances add up in
quadrature, as independent standard errors do. It needs only values and intervals, and keeps their
asymmetry: parts without an error, whose intervals reach from 0 to an exact bound
(`bench.metrics.exact`), give the value 0 and such an interval.

Parts are taken to be independent: different test sets, scored by one trained model. Sets that share
recordings (the ASVspoof 2021 sets were made from that of 2019) are not quite independent: what is
difficult in one is difficult in the other, so that the interval of a mean is somewhat too narrow
and that of a difference too wide.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bench.errors import BenchError

How = Literal["mean", "difference"]
"""`difference`: the absolute difference of two."""


class Estimate(NamedTuple):
    """A value and its 95 % interval, in one unit."""

    value: float
    low: float
    high: float


def combine_values(how: How, values: Sequence[float]) -> float:
    """Return the mean of the values, or the absolute difference of two.

    Raise BenchError where there is none, or for a difference not two.

    >>> combine_values("mean", [1.0, 4.0]), combine_values("difference", [1.0, 4.0])
    (2.5, 3.0)
    """
    _check_parts(how, values)
    if how == "difference":
        return abs(values[0] - values[1])
    return math.fsum(values) / len(values)


def combine_rounding(how: How, halves: Sequence[float]) -> float:
    """Return the largest error of a combined value whose parts have errors of at most `halves`.

    Raise BenchError as `combine_values`.

    >>> combine_rounding("mean", [0.005, 0.005]), combine_rounding("difference", [0.005, 0.005])
    (0.005, 0.01)
    """
    _check_parts(how, halves)
    return math.fsum(halves) / (1 if how == "difference" else len(halves))


def combine_estimates(how: How, parts: Sequence[Estimate]) -> Estimate:
    """Return the combined value with its interval, from those of its parts, by MOVER.

    With a value x_i and an interval (l_i, u_i) for each of n parts, the mean m lies between
    m - sqrt(Σ (x_i - l_i)²) / n and m + sqrt(Σ (u_i - x_i)²) / n, and the difference d = x_1 - x_2
    between d - sqrt((x_1 - l_1)² + (u_2 - x_2)²) and d + sqrt((u_1 - x_1)² + (x_2 - l_2)²): a
    difference is low where the first part is low or the second high.

    The interval of the absolute difference has the absolute values that lie between the bounds of
    d; it begins at 0 where these enclose 0. It covers the true value as often as that of d, and
    more often where two sets hardly differ. A part that lies outside its own interval, as a
    percentile interval allows where errors are many, has no width on that side. Raise BenchError as
    `combine_values`.

    >>> combine_estimates("mean", [Estimate(5.0, 2.0, 6.0), Estimate(9.0, 5.0, 9.0)])
    Estimate(value=7.0, low=4.5, high=7.5)
    >>> combine_estimates("difference", [Estimate(5.0, 2.0, 6.0), Estimate(9.0, 5.0, 13.0)])
    Estimate(value=4.0, low=0.0, high=9.0)
    """
    value = combine_values(how, [part.value for part in parts])
    below = [max(part.value - part.low, 0.0) for part in parts]
    above = [max(part.high - part.value, 0.0) for part in parts]
    if how == "mean":
        n = len(parts)
        return Estimate(value, value - math.hypot(*below) / n, value + math.hypot(*above) / n)
    signed = parts[0].value - parts[1].value
    low = signed - math.hypot(below[0], above[1])
    high = signed + math.hypot(above[0], below[1])
    return Estimate(value, max(low, -high, 0.0), max(high, -low))


def _check_parts(how: How, values: Sequence[object]) -> None:
    if not values or (how == "difference" and len(values) != 2):
        wanted = "two" if how == "difference" else "at least one"
        raise BenchError("metric.parts", f"{how} of {len(values)} metrics: should be of {wanted}")
