"""Two systems judged on the same utterances: the difference of a figure, and whether it could be
chance.

Both systems see the same resamples, so what makes an utterance hard for both cancels; two separate
intervals that overlap say nothing of the difference. The test is of the utterances (or speakers and
attacks) that might have been recorded, not of the training that might have been run: another seed
of the same system can differ, too (`bench.metrics.seeds`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.bootstrap import Measure, interval, replicated
from bench.metrics.items import Items, items_tally
from bench.metrics.plans import Plan, by_utterance, groups
from bench.metrics.ratios import Ratios, replicated_ratios
from bench.metrics.tally import Floats, Integers


class Difference(NamedTuple):
    """One system's figure minus another's, in the figure's unit."""

    value: float
    low: float
    """Bounds of the 95 % percentile interval."""
    high: float
    p_value: float
    """Two-sided; see `p_value`."""


def paired(
    a: Items,
    b: Items,
    measures: Mapping[str, Measure],
    plan: Plan | None = None,
    replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Difference]:
    """Return how much each measure of `a` exceeds that of `b`, by name.

    Items of both are joined by their utterances (`unit`), so two systems may score frames of
    different length, each with labels at its own resolution. Arguments and errors as for
    `bench.metrics.bootstrap.intervals`; a BenchError is raised, too, where an utterance is in one
    alone or has spoof in one alone.

    >>> bits = np.array([1.0, 1.0, 0.0, 0.0])
    >>> one = Items(np.array([3.0, 2.0, 1.0, 0.0]), bits, 1 - bits, np.arange(4))
    >>> paired(one, one, {"eer": lambda tally: 0.5}, replicates=9)["eer"]
    Difference(value=0.0, low=0.0, high=0.0, p_value=1.0)
    """
    _check_pair(a.unit, b.unit)
    spoofed = [np.unique(of.unit[of.spoof > 0]) for of in (a, b)]
    differ = np.setxor1d(*spoofed, assume_unique=True)
    if len(differ):
        raise BenchError(
            f"utterance {differ[0]} is spoof for one system and not for the other "
            f"({len(differ)} such): they were judged by different labels"
        )
    met = groups(plan or by_utterance(a.unit), [a.unit, b.unit])
    values = replicated([a, b], measures, met, replicates, seed, threads).values
    tallies = items_tally(a), items_tally(b)
    return {
        name: _difference(measure(tallies[0]) - measure(tallies[1]), values[0, i] - values[1, i])
        for i, (name, measure) in enumerate(measures.items())
    }


def paired_ratios(
    a: Ratios, b: Ratios, plan: Plan | None = None, replicates: int = 1000, seed: int = 0
) -> dict[str, Difference]:
    """Return how much each figure of `a` at a fixed threshold exceeds that of `b`, by name.

    As `paired`; the figures are those of both. Draws in which a figure is not defined are left out,
    and it is a BenchError where none is left.
    """
    _check_pair(a.unit, b.unit)
    if a.names != b.names:
        raise BenchError(f"there are no such pairs of figures: {a.names} and {b.names}")
    met = groups(plan or by_utterance(a.unit), [a.unit, b.unit])
    values = replicated_ratios([a, b], met, replicates, seed)
    found = dict[str, Difference]()
    for i, name in enumerate(a.names):
        defined = values[:, ~np.isnan(values[..., i]).any(axis=0), i]
        if not defined.size:
            raise BenchError(f"{name} is not defined: nothing is counted")
        found[name] = _difference(a.values[name] - b.values[name], defined[0] - defined[1])
    return found


def p_value(differences: Floats) -> float:
    """Return the two-sided p-value of the hypothesis that there is no difference, given that of
    each replicate, (replicates,).

    It is 2 (1 + r) / (1 + B), at most 1, with r the fewer of the B replicates that are at or below
    0 and those at or above: the level at which the percentile interval just reaches 0 (Efron and
    Tibshirani 1993, section 15.4), with one added as in Monte Carlo tests (Davison and Hinkley
    1997, chapter 4), so that no finite number of replicates claims a p-value of 0. The least is
    2 / (1 + B).

    >>> p_value(np.array([0.2, 0.1, 0.3]))
    0.5
    """
    fewer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (1 + fewer) / (1 + len(differences)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for being asked together, in the given order (Holm, Scandinavian
    Journal of Statistics 6, 1979).

    Where all comparisons with a corrected value up to 0.05 are called differences, the chance that
    any of them is none stays below 5 %, however the comparisons depend on one another: conditions
    share their bona fide trials. (Benjamini and Hochberg's rule is more lenient but bounds only the
    share of false claims, and each condition's claim is quoted alone.) With m comparisons none can
    be found from fewer than `least_replicates(m)` replicates.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    wrong = [p for p in p_values if not 0 <= p <= 1]
    if wrong:
        raise BenchError(f"{wrong[0]} is no p-value: it is between 0 and 1")
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = highest
    return corrected


def least_replicates(comparisons: int, level: float = 0.05) -> int:
    """Return the replicates below which no difference could be found among so many comparisons,
    as the least p-value times their number is above `level`.

    >>> least_replicates(1), least_replicates(91)
    (39, 3639)
    """
    return math.ceil(2 * comparisons / level - 1e-9) - 1


def _difference(value: float, replicates: Floats) -> Difference:
    bounds = interval(replicates)
    return Difference(value, bounds.low, bounds.high, p_value(replicates))


def _check_pair(a: Integers, b: Integers) -> None:
    first, second = np.unique(a), np.unique(b)
    if np.array_equal(first, second):
        return
    alone = [np.setdiff1d(*both, assume_unique=True) for both in ((first, second), (second, first))]
    example = next(int(codes[0]) for codes in alone if len(codes))
    raise BenchError(
        f"the systems were not scored on the same utterances: {len(alone[0])} are only in the "
        f"first, {len(alone[1])} only in the second, such as {example}"
    )
