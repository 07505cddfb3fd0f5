"""Weighted items of known utterances: what figures of localization count and a bootstrap draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.det import EerResult, eer_of
from bench.metrics.tally import Floats, Integers, Tally, distinct_ends
from bench.units import BONAFIDE, SPOOF


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


def items_tally(items: Items) -> Tally:
    """Return the weights of the items at each distinct score.

    A BenchError is raised for a class without any weight.

    >>> one = Items(np.array([1.0, 1.0]), np.array([1.0, 0.5]), np.array([0.0, 0.5]), np.zeros(2))
    >>> items_tally(one).bonafide.tolist()
    [1.5]
    """
    for label, weights in ((BONAFIDE, items.bonafide), (SPOOF, items.spoof)):
        if not weights.any():
            raise BenchError(f"the figure is not defined: nothing is {label}")
    order = np.argsort(items.score)
    ascending = items.score[order]
    ends = distinct_ends(ascending)
    firsts = np.append(0, ends[:-1] + 1)
    bonafide, spoof = (np.add.reduceat(of[order], firsts) for of in (items.bonafide, items.spoof))
    return Tally(ascending[ends], bonafide, spoof)


def items_eer(items: Items) -> EerResult:
    """Return the equal error rate of weighted items, defined as in `bench.metrics.det.eer_of`.

    A BenchError is raised for a class without any weight.

    >>> ones = np.ones(2)
    >>> items_eer(Items(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.array([3.0, 1.0]), ones)).eer
    0.125
    """
    return eer_of(items_tally(items))
