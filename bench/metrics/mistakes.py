"""The utterances that a system gets wrong, and what they say of two systems: where few errors carry
a figure, resampling them says nothing.

A system without an error has none in any replicate either, so that a bootstrap takes its figure for
certain, and two errors for a fact. What can be counted is which utterances only one of two systems
gets wrong, each at the threshold of its own figure. If the systems are alike, either may be the one
(McNemar, Psychometrika 12, 1947), and the chance of as uneven a split is exact. Three things are
done as everywhere in the suite: errors of one speaker or attack stand or fall together, and their
signs are drawn as one where these are drawn; of several seeds, an utterance's errors are the mean;
of frames, an utterance counts as many as it has errors.

Each class is tested apart and the larger p-value holds. A threshold lies where the errors of both
classes balance, so that one spoof that is accepted can cost a hundred bona fide trials: together
they would look like evidence of a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from bench.metrics.bootstrap import LEVEL
from bench.metrics.combined import Estimate, How, combined_estimate
from bench.metrics.exact import FEW as FEW_ERRORS
from bench.metrics.exact import Judged, bounds, worth
from bench.metrics.items import Items
from bench.metrics.measure import Decided, Measure, Ordered
from bench.metrics.plans import Plan, sums
from bench.metrics.ratios import Ratios
from bench.metrics.tally import Floats, Integers

FEW = 25
"""Where fewer utterances of a class than this tell two systems apart, they are counted: from here
on, sums of signs are as good as normal."""

LEAST = 6
"""Fewer say nothing, however they fall: all of five on one side has a chance of 2 / 32."""

_ENUMERATED = 12
_DRAWN = 9_999


class Mistakes(NamedTuple):
    """The utterances that one trained system gets wrong, and the exact bounds of its figure."""

    unit: Integers
    """(m,): which they are, ascending, of the utterances that are judged."""
    counts: Floats
    """(c, m): errors of each, by class."""
    levels: Integers
    """(f, m): of each factor that is drawn, the level of each; a level of its own where it does not
    depend on the factor."""
    low: float
    """Bounds of the figure that hold however few the errors are."""
    high: float

    def scaled(self, factor: float) -> Mistakes:
        """Return them with bounds in another unit, as per cent of fractions."""
        return self._replace(low=factor * self.low, high=factor * self.high)


class Apart(NamedTuple):
    """What the utterances say that only one of two systems gets wrong."""

    p_value: float
    """Two-sided and exact, the larger of both classes'."""
    few: bool
    """Whether they are so few that no resampling is to be trusted alone."""
    nothing: bool
    """Whether they, and the errors of either system, are too few to say anything."""
    alike: float
    """How far the errors of both are correlated, from 0 to 1; the less of both classes."""


def mistakes(items: Items, measure: Measure, plan: Plan) -> Mistakes | None:
    """Return what a system gets wrong at the threshold of its figure; None for a figure that no
    errors carry (`cllr`). The utterances of `plan` are all that are judged."""
    judged = Judged(items)
    if isinstance(measure, Decided):
        threshold = measure.of(judged.counts).threshold
    elif isinstance(measure, Ordered):
        threshold = judged.crossing
    else:
        return None
    accepted = items.score > threshold
    place = np.searchsorted(plan.unit, items.unit)
    counts = np.stack(
        [
            sums(place, wrong, len(plan.unit))
            for wrong in (items.bonafide * ~accepted, items.spoof * accepted)
        ]
    )
    return _kept(counts, plan, *judged.bounds(measure))


def ratio_mistakes(ratios: Ratios, plan: Plan) -> dict[str, Mistakes]:
    """Return what a system gets wrong by each figure at a fixed threshold: what its divisor counts
    and its dividend does not."""
    place = np.searchsorted(plan.unit, ratios.unit)
    found = dict[str, Mistakes]()
    for name, part, whole in zip(ratios.names, ratios.part.T, ratios.whole.T, strict=True):
        counts = np.zeros((1, len(plan.unit)))
        counts[0, place] = whole - part
        n = worth(whole)
        low, high = bounds(n * part.sum() / whole.sum(), n, LEVEL)
        found[name] = _kept(counts, plan, float(low), float(high))
    return found


def joined(how: How, values: Sequence[float], parts: Sequence[Mistakes]) -> Mistakes:
    """Return the mistakes behind a figure that is made of others (`bench.metrics.combined`): of the
    utterances of all parts. `values` are the parts' figures."""
    n, factors = len(parts), max(len(of.levels) for of in parts)
    sign = [1.0] * n if how == "mean" or values[0] >= values[1] else [-1.0] * n
    if how == "difference":
        sign[1] = -sign[0]
    bounds = [Estimate(value, of.low, of.high) for value, of in zip(values, parts, strict=True)]
    found = combined_estimate(how, bounds)
    unit = np.concatenate([n * of.unit + i for i, of in enumerate(parts)])
    order = np.argsort(unit)
    counts = [one * of.counts for one, of in zip(sign, parts, strict=True)]
    # A part whose utterances depend on one factor alone is grouped by that one.
    levels = [np.resize(n * of.levels + i, (factors, len(of.unit))) for i, of in enumerate(parts)]
    return Mistakes(
        unit[order],
        np.concatenate(counts, axis=1)[:, order],
        np.concatenate(levels, axis=1)[:, order],
        found.low,
        found.high,
    )


def apart(a: Sequence[Mistakes], b: Sequence[Mistakes]) -> Apart:
    """Return what tells two systems apart, given the mistakes of each seed of both on the same
    utterances, drawn alike.

    >>> def wrong(*units):
    ...     at = np.array(units)
    ...     return [Mistakes(at, np.ones((1, len(at))), at[None], 0.0, 1.0)]
    >>> apart(wrong(1, 2, 3), wrong(3)).p_value, apart(wrong(), wrong(*range(6))).p_value
    (0.5, 0.03125)
    """
    units = np.unique(np.concatenate([of.unit for of in (*a, *b)]))
    levels = np.zeros((len(a[0].levels), len(units)), dtype=np.int64)
    sums = [np.zeros((len(a[0].counts), len(units))) for _ in (a, b)]
    erring = [np.zeros(len(a[0].counts)) for _ in (a, b)]
    for which, seeds in enumerate((a, b)):
        for of in seeds:
            place = np.searchsorted(units, of.unit)
            levels[:, place] = of.levels
            sums[which][:, place] += of.counts / len(seeds)
            erring[which] += (of.counts != 0).sum(axis=1) / len(seeds)
    classes = [_of_class(one, levels) for one in (sums[0] - sums[1])]
    alike = min(_alike(one, other) for one, other in zip(*sums, strict=True))
    nothing = any(
        of.level < LEAST and most < FEW_ERRORS
        for of, most in zip(classes, np.maximum(*erring), strict=True)
    )
    return Apart(
        max(of.p_value for of in classes),
        any(of.utterances < FEW for of in classes),
        nothing,
        alike,
    )


def _alike(a: Floats, b: Floats) -> float:
    """Return the correlation of errors, (u,) each, as if either system had two more of its own:
    that errors of so many trials are all shared does not say that the next will be."""
    product = float(a @ b)
    if not product:
        return 0.0
    n, other = worth(a), worth(b)
    found = product / float((a @ a) * (b @ b)) ** 0.5
    return found * (n / (n + 2) * other / (other + 2)) ** 0.5


class _OfClass(NamedTuple):
    p_value: float
    utterances: float
    """That tell the systems apart; fewer where some have most of the errors."""
    level: int
    """The fewest levels of a factor that they are of."""


def _of_class(more: Floats, levels: Integers) -> _OfClass:
    """Test by how many errors one system has more, (u,)."""
    differs = np.flatnonzero(more)
    if not len(differs):
        return _OfClass(1.0, 0.0, 0)
    grouped = [_summed(more[differs], level[differs]) for level in levels]
    return _OfClass(
        max(map(signs, grouped)),
        worth(np.abs(more)),
        min(len(of) for of in grouped),
    )


def _summed(more: Floats, level: Integers) -> Floats:
    known, code = np.unique(level, return_inverse=True)
    found = sums(code, more, len(known))
    return found[found != 0]


def signs(differences: Floats) -> float:
    """Return the chance that a sum of `differences` of random signs is as far from 0 as theirs.

    It is exact up to twelve and otherwise from 9,999 draws, counted so that the p-value stays valid
    (Davison and Hinkley 1997, chapter 4). Source: Fisher, The Design of Experiments, 1935, section
    21.

    >>> signs(np.array([1.0, 1.0, 1.0])), signs(np.array([1.0, -1.0])), signs(np.array([]))
    (0.25, 1.0, 1.0)
    """
    n = len(differences)
    total = abs(differences.sum()) * (1 - 1e-9)
    if n <= _ENUMERATED:
        turned = np.array([*product((1.0, -1.0), repeat=n)])
        return float((np.abs(turned @ differences) >= total).mean())
    rng = np.random.default_rng(n)
    turned = rng.integers(0, 2, (_DRAWN, n)) * 2.0 - 1
    return (1 + int((np.abs(turned @ differences) >= total).sum())) / (1 + _DRAWN)


def _kept(counts: Floats, plan: Plan, low: float, high: float) -> Mistakes:
    """Keep the utterances with an error."""
    at = np.flatnonzero(counts.any(axis=0))
    levels = [np.where(level[at] < 0, -1 - at, level[at]) for level in plan.levels]
    return Mistakes(at, counts[:, at], np.stack(levels), low, high)
