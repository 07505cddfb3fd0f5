"""Weighted items of known utterances: what figures of localization count and a bootstrap draws."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.det import EerResult, closest, distinct_ends
from bench.metrics.tally import Floats, Integers, Tally
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

    Raise BenchError where a class has no weight.

    >>> one = Items(np.array([1.0, 1.0]), np.array([1.0, 0.5]), np.array([0.0, 0.5]), np.zeros(2))
    >>> items_tally(one).bonafide.tolist()
    [1.5]
    """
    for label, weights in ((BONAFIDE, items.bonafide), (SPOOF, items.spoof)):
        if not weights.any():
            raise BenchError(f"the figure is not defined: nothing is {label}")
    order = np.argsort(items.score)
    score = items.score[order]
    ends = distinct_ends(score)
    firsts = np.concatenate([[0], ends[:-1] + 1])
    return Tally(
        score[ends],
        np.add.reduceat(items.bonafide[order], firsts),
        np.add.reduceat(items.spoof[order], firsts),
    )


def items_eer(items: Items) -> EerResult:
    """Return the equal error rate of weighted items, defined as in `bench.metrics.det.eer`."""
    counts = items_tally(items)
    miss = np.concatenate([[0.0], np.cumsum(counts.bonafide)])
    rejected = np.concatenate([[0.0], np.cumsum(counts.spoof)])
    rate, at = closest(miss / miss[-1], (rejected[-1] - rejected) / rejected[-1])
    below_all = np.nextafter(counts.score[0], -np.inf)
    return EerResult(rate, float(counts.score[at - 1] if at else below_all))
