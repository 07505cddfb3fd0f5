"""The difference of two systems on the same utterances, and whether it could be chance.

Both systems see the same resamples, so that what makes an utterance hard for both cancels out; two
separate intervals that overlap do not say whether the systems differ. The test is that of
`bench.metrics.between` with one seed each: it takes the utterances (or speakers and attacks) as a
sample, but not the training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.errors import BenchError
from bench.metrics.between import SeededResult, SystemDifference, compare_systems
from bench.metrics.bootstrap import compute_replicates
from bench.metrics.exact import BoundedItems
from bench.metrics.items import Items
from bench.metrics.measure import Measure
from bench.metrics.mistakes import find_mistakes, ratio_mistakes
from bench.metrics.plans import ResamplingPlan, plan_by_utterance
from bench.metrics.ratios import Ratios, replicate_ratios
from bench.metrics.resampling_groups import group_items
from bench.metrics.tally import Integers, sort_codes
from bench.metrics.weighed import Weighed, replicate_weighed, weighed_mistakes


def compare_items(
    a: Items,
    b: Items,
    measures: Mapping[str, Measure],
    plan: ResamplingPlan | None = None,
    replicates: int = 1000,
    seed: int = 0,
    threads: int | None = None,
) -> dict[str, SystemDifference]:
    """Return how much each measure of `a` exceeds that of `b`, by name.

    Items of both are matched by their utterances (`unit`), so two systems may score frames of
    different length, each with labels at its own resolution. Arguments and errors as for
    `bench.metrics.bootstrap.compute_intervals`; a BenchError is also raised where only one of them
    has an utterance, or has spoof in it.

    >>> bits = np.array([1.0, 1.0, 0.0, 0.0])
    >>> one = Items(np.array([3.0, 2.0, 1.0, 0.0]), bits, 1 - bits, np.arange(4))
    >>> found = compare_items(one, one, {"cllr": lambda tally: 0.5}, replicates=9)["cllr"]
    >>> found.value, found.p_value
    (0.0, 1.0)
    """
    _check_pair(a.unit, b.unit)
    spoofed = [sort_codes(system.unit[system.spoof > 0]) for system in (a, b)]
    differ = np.setxor1d(*spoofed, assume_unique=True)
    if len(differ):
        raise BenchError(
            "metric.trials-differ",
            f"utterance {differ[0]} is spoof for one system and not for the other "
            f"({len(differ)} such): they were judged by different labels",
        )
    drawn = plan or plan_by_utterance(a.unit)
    drawn_groups = group_items(drawn, [a.unit, b.unit])
    values = compute_replicates([a, b], measures, drawn_groups, replicates, seed, threads).values
    systems = BoundedItems(a), BoundedItems(b)
    differences = dict[str, SystemDifference]()
    for i, (name, measure) in enumerate(measures.items()):
        sides: list[SeededResult] = []
        for which, system in enumerate(systems):
            wrong = find_mistakes(system, measure, drawn)
            value = np.array([measure(system.counts)])
            sides.append(SeededResult(value, values[which, i][None], (wrong,) if wrong else ()))
        differences[name] = compare_systems(*sides)
    return differences


def compare_ratios(
    a: Ratios, b: Ratios, plan: ResamplingPlan | None = None, replicates: int = 1000, seed: int = 0
) -> dict[str, SystemDifference]:
    """Return how much each metric of `a` at a fixed threshold exceeds that of `b`, by name.

    As `compare_items`; both have the same metrics. Draws in which a metric is not defined are left
    out; a BenchError is raised where fewer than two are left.
    """
    _check_pair(a.unit, b.unit)
    if a.names != b.names:
        raise BenchError(
            "metric.trials-differ", f"there are no such pairs of metrics: {a.names} and {b.names}"
        )
    drawn = plan or plan_by_utterance(a.unit)
    drawn_groups = group_items(drawn, [a.unit, b.unit])
    values = replicate_ratios([a, b], drawn_groups, replicates, seed)
    wrong = ratio_mistakes(a, drawn), ratio_mistakes(b, drawn)
    return {
        name: compare_systems(
            *(
                SeededResult(
                    np.array([system.values[name]]), values[which, None, :, i], (errors[name],)
                )
                for which, (system, errors) in enumerate(zip((a, b), wrong, strict=True))
            )
        )
        for i, name in enumerate(a.names)
    }


def compare_weighed(
    a: Mapping[str, Weighed],
    b: Mapping[str, Weighed],
    unit: Integers,
    plan: ResamplingPlan,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, SystemDifference]:
    """Return how much each metric of utterances of `a` exceeds that of `b`, by name.

    Both have the same metrics, of the utterances `unit`, (u,). Otherwise as `compare_ratios`.
    """
    groups = group_items(plan, [unit, unit])
    values = replicate_weighed([a, b], groups, replicates, seed)
    return {
        name: compare_systems(
            *(
                SeededResult(
                    np.array([system[name].value]),
                    values[which, i][None],
                    (weighed_mistakes(system[name], unit, plan),),
                )
                for which, system in enumerate((a, b))
            )
        )
        for i, name in enumerate(a)
    }


def correct_holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for multiple comparisons, in the given order.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979. If all comparisons with a corrected
    value up to 0.05 are called significant, the probability that any of them is wrong stays below
    5 %, however the comparisons depend on one another: conditions share their bona fide trials.
    (Benjamini and Hochberg's rule is more lenient but bounds only the share of wrong claims, and
    readers quote single conditions.)

    >>> correct_holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    wrong = [p for p in p_values if not 0 <= p <= 1]
    if wrong:
        raise BenchError("metric.probability", f"{wrong[0]} is no p-value: it is between 0 and 1")
    corrected = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = highest
    return corrected


def _check_pair(a: Integers, b: Integers) -> None:
    first, second = sort_codes(a), sort_codes(b)
    if np.array_equal(first, second):
        return
    alone = [np.setdiff1d(*both, assume_unique=True) for both in ((first, second), (second, first))]
    example = next(int(codes[0]) for codes in alone if len(codes))
    raise BenchError(
        "metric.trials-differ",
        f"the systems were not scored on the same utterances: {len(alone[0])} are only in the "
        f"first, {len(alone[1])} only in the second, such as {example}",
    )
