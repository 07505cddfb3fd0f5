"""Two systems judged on the same utterances: the difference of a figure, and whether it could be
chance.

Both systems see the same resamples, so what makes an utterance hard for both cancels; two separate
intervals that overlap say nothing of the difference. The test is that of `bench.metrics.between`
for one seed each: of the utterances (or speakers and attacks) that might have been recorded, not of
the training that might have been run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.errors import BenchError
from bench.metrics.between import Between, Trained, between
from bench.metrics.bootstrap import replicated
from bench.metrics.items import Items, items_tally
from bench.metrics.measure import Measure
from bench.metrics.mistakes import mistakes, ratio_mistakes
from bench.metrics.plans import Plan, by_utterance, groups
from bench.metrics.ratios import Ratios, replicated_ratios
from bench.metrics.tally import Integers


def paired(
    a: Items,
    b: Items,
    measures: Mapping[str, Measure],
    plan: Plan | None = None,
    replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, Between]:
    """Return how much each measure of `a` exceeds that of `b`, by name.

    Items of both are joined by their utterances (`unit`), so two systems may score frames of
    different length, each with labels at its own resolution. Arguments and errors as for
    `bench.metrics.bootstrap.intervals`; a BenchError is raised, too, where an utterance is in one
    alone or has spoof in one alone.

    >>> bits = np.array([1.0, 1.0, 0.0, 0.0])
    >>> one = Items(np.array([3.0, 2.0, 1.0, 0.0]), bits, 1 - bits, np.arange(4))
    >>> found = paired(one, one, {"cllr": lambda tally: 0.5}, replicates=9)["cllr"]
    >>> found.value, found.p_value
    (0.0, 1.0)
    """
    _check_pair(a.unit, b.unit)
    spoofed = [np.unique(of.unit[of.spoof > 0]) for of in (a, b)]
    differ = np.setxor1d(*spoofed, assume_unique=True)
    if len(differ):
        raise BenchError(
            f"utterance {differ[0]} is spoof for one system and not for the other "
            f"({len(differ)} such): they were judged by different labels"
        )
    drawn = plan or by_utterance(a.unit)
    met = groups(drawn, [a.unit, b.unit])
    values = replicated([a, b], measures, met, replicates, seed, threads).values
    tallies = items_tally(a), items_tally(b)
    found = dict[str, Between]()
    for i, (name, measure) in enumerate(measures.items()):
        sides: list[Trained] = []
        for which, items in enumerate((a, b)):
            wrong = mistakes(items, measure, drawn)
            value = np.array([measure(tallies[which])])
            sides.append(Trained(value, values[which, i][None], (wrong,) if wrong else ()))
        found[name] = between(*sides)
    return found


def paired_ratios(
    a: Ratios, b: Ratios, plan: Plan | None = None, replicates: int = 1000, seed: int = 0
) -> dict[str, Between]:
    """Return how much each figure of `a` at a fixed threshold exceeds that of `b`, by name.

    As `paired`; the figures are those of both. Draws in which a figure is not defined are left out,
    and it is a BenchError where none is left.
    """
    _check_pair(a.unit, b.unit)
    if a.names != b.names:
        raise BenchError(f"there are no such pairs of metrics: {a.names} and {b.names}")
    drawn = plan or by_utterance(a.unit)
    met = groups(drawn, [a.unit, b.unit])
    values = replicated_ratios([a, b], met, replicates, seed)
    wrong = ratio_mistakes(a, drawn), ratio_mistakes(b, drawn)
    return {
        name: between(
            *(
                Trained(np.array([of.values[name]]), values[which, None, :, i], (errors[name],))
                for which, (of, errors) in enumerate(zip((a, b), wrong, strict=True))
            )
        )
        for i, name in enumerate(a.names)
    }


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for being asked together, in the given order (Holm, Scandinavian
    Journal of Statistics 6, 1979).

    Where all comparisons with a corrected value up to 0.05 are called differences, the chance that
    any of them is none stays below 5 %, however the comparisons depend on one another: conditions
    share their bona fide trials. (Benjamini and Hochberg's rule is more lenient but bounds only the
    share of false claims, and each condition's claim is quoted alone.)

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
