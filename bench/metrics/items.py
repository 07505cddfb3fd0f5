"""Weighted items of known utterances, which metrics count and a bootstrap resamples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.det import EerResult, eer_of
from bench.metrics.tally import Bools, Floats, Integers, ScoreCounts, distinct_ends
from bench.units import BONAFIDE, SPOOF

_MANY = 100_000
"""Above so many items, those that cannot matter to the EER are not sorted."""

_LEADING_BITS = 16
"""Sign, exponent and the first 4 bits of the fraction of a double."""


class Items(NamedTuple):
    """Scored items; arrays of shape (n,)."""

    score: Floats
    """Higher means more bona fide; +inf for what is decided bona fide at every threshold."""
    bonafide: Floats
    """Weight as bona fide: 1 or 0 for frames and utterances, samples for ranges."""
    spoof: Floats
    """Weight as spoof."""
    unit: Integers
    """What is drawn as a whole when resampling: the code of the utterance."""


def make_items(score: Floats, is_spoof: Bools, unit: Integers) -> Items:
    """Return trials or frames as items of weight 1; arrays of shape (n,).

    >>> make_items(np.array([1.0, 0.0]), np.array([False, True]), np.arange(2)).spoof.tolist()
    [0.0, 1.0]
    """
    return Items(score, (~is_spoof).astype(np.float64), is_spoof.astype(np.float64), unit)


def count_items(items: Items) -> ScoreCounts:
    """Return the weights of the items at each distinct score.

    A BenchError is raised for a class without any weight.

    >>> one = Items(np.array([1.0, 1.0]), np.array([1.0, 0.5]), np.array([0.0, 0.5]), np.zeros(2))
    >>> count_items(one).bonafide.tolist()
    [1.5]
    """
    _check_classes(items)
    return _count_sorted(items.score, items.bonafide, items.spoof)


def items_eer(items: Items) -> EerResult:
    """Return the equal error rate of weighted items, defined as in `bench.metrics.det.eer_of`.

    A BenchError is raised for a class without any weight.

    >>> ones = np.ones(2)
    >>> items_eer(Items(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([3.0, 1.0]), ones)).eer
    0.125
    """
    if len(items.score) <= _MANY:
        return eer_of(count_items(items))
    _check_classes(items)
    return eer_of(_count_near_crossing(items))


def _check_classes(items: Items) -> None:
    for label, weights in ((BONAFIDE, items.bonafide), (SPOOF, items.spoof)):
        if not weights.any():
            raise BenchError("metric.one-class", f"the metric is not defined: nothing is {label}")


def _count_sorted(score: Floats, bonafide: Floats, spoof: Floats) -> ScoreCounts:
    order = np.argsort(score)
    ascending = score[order]
    ends = distinct_ends(ascending)
    firsts = np.append(0, ends[:-1] + 1)
    return ScoreCounts(
        ascending[ends],
        np.add.reduceat(bonafide[order], firsts),
        np.add.reduceat(spoof[order], firsts),
    )


def _count_near_crossing(items: Items) -> ScoreCounts:
    """Return counted scores of the same EER, of which few are distinct.

    Scores that share their leading bits with the score at which the rates cross are counted one by
    one; all others are merged into one on either side. Counting 25 million items by leading bits
    takes a quarter of the time of sorting them.
    """
    bits = (items.score + 0.0).view(np.int64)  # -0.0 becomes 0.0
    ascending = bits ^ ((bits >> 63) & np.iinfo(np.int64).max)  # whole numbers ordered as scores
    bins = (ascending >> (64 - _LEADING_BITS)) + 2 ** (_LEADING_BITS - 1)
    missed, rejected = (
        np.cumsum(np.bincount(bins, weights, 2**_LEADING_BITS))
        for weights in (items.bonafide, items.spoof)
    )
    crossing = int(np.argmax(missed / missed[-1] >= (rejected[-1] - rejected) / rejected[-1]))
    near = bins == crossing
    parts = (
        _merge_items(items, bins < crossing),
        _count_sorted(items.score[near], items.bonafide[near], items.spoof[near]),
        _merge_items(items, bins > crossing),
    )
    score, bonafide, spoof = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return ScoreCounts(score, bonafide, spoof)


def _merge_items(items: Items, chosen: Bools) -> ScoreCounts:
    """Return the chosen items at the highest of their scores: one entry, or none."""
    n = int(chosen.any())
    return ScoreCounts(
        np.full(n, items.score.max(where=chosen, initial=-np.inf)),
        np.full(n, items.bonafide.sum(where=chosen)),
        np.full(n, items.spoof.sum(where=chosen)),
    )
