"""Trials counted at their distinct scores, from which detection metrics are computed.

Metrics computed from counts of each distinct score handle ties correctly (no threshold can separate
trials with one score), do not depend on the order of trials, and can be resampled: a bootstrap
replicate is the same scores with other counts.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from bench.units import BONAFIDE, CLASSES, SPOOF

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


class ScoreCounts(NamedTuple):
    """How many trials of each class have which score; three arrays of shape (k,)."""

    score: Floats
    """The distinct scores, ascending; higher means more bona fide."""
    bonafide: Floats
    """Bona fide trials with that score (or their weight); may be zero."""
    spoof: Floats
    """Spoof trials with that score (or their weight); may be zero."""


def next_below(score: float) -> float:
    """Return the number right below a score, a threshold that accepts it; -inf below the lowest.

    NumPy's function warns there.
    """
    return math.nextafter(score, -math.inf)


def count_scores(bonafide: ArrayLike, spoof: ArrayLike) -> ScoreCounts:
    """Return the tally of the scores of bona fide and of spoof trials, each in any order.

    A BenchError is raised for an empty class or a score that is not finite.

    >>> count_scores([2.0, 3.0], [1.0, 2.0]).bonafide.tolist()
    [0.0, 1.0, 1.0]
    """
    accepted, rejected = check_scores(bonafide, BONAFIDE), check_scores(spoof, SPOOF)
    ascending = np.sort(np.concatenate([accepted, rejected]))
    ends = distinct_ends(ascending)
    score = ascending[ends]
    # Sorted first, they are looked up in half the time.
    at = np.searchsorted(score, np.sort(accepted))
    n_bonafide = np.bincount(at, minlength=len(score)).astype(np.float64)
    return ScoreCounts(score, n_bonafide, np.diff(ends, prepend=-1) - n_bonafide)


class CumulativeErrors(NamedTuple):
    """Trials of each class that are rejected up to each score; two arrays of shape (k,)."""

    missed: Floats
    """Bona fide trials rejected; the last is all of them."""
    rejected: Floats
    """Spoof trials rejected; the last is all of them."""


def accumulate_errors(counts: ScoreCounts) -> CumulativeErrors:
    """Return the trials of each class up to and at each score.

    A BenchError is raised for a class without any weight.

    >>> accumulate_errors(count_scores([2.0, 3.0], [1.0, 2.0])).missed.tolist()
    [0.0, 1.0, 2.0]
    """
    cumulative = CumulativeErrors(np.cumsum(counts.bonafide), np.cumsum(counts.spoof))
    _check_totals(*(column[-1] if len(column) else 0.0 for column in cumulative))
    return cumulative


class ClassTotals(NamedTuple):
    """All trials of each class, or their weight; both above 0."""

    bonafide: float
    spoof: float


def sum_classes(counts: ScoreCounts) -> ClassTotals:
    """Return the trials of each class; raise BenchError for a class without any weight.

    >>> sum_classes(count_scores([2.0, 3.0], [1.0]))
    ClassTotals(bonafide=2.0, spoof=1.0)
    """
    return _check_totals(counts.bonafide.sum(), counts.spoof.sum())


def distinct_ends(ascending: Floats) -> Integers:
    """Return the index of the last of each run of equal values in sorted `ascending`.

    >>> distinct_ends(np.array([1.0, 1.0, 2.0])).tolist()
    [1, 2]
    """
    return np.flatnonzero(np.append(ascending[1:] != ascending[:-1], True))


def sort_codes(codes: ArrayLike) -> Integers:
    """Return the distinct codes, ascending. `numpy.unique` takes thirty times as long.

    >>> sort_codes([7, 3, 7]).tolist()
    [3, 7]
    """
    ascending = np.sort(np.asarray(codes, dtype=np.int64))
    first = np.ones(len(ascending), dtype=np.bool_)
    first[1:] = ascending[1:] != ascending[:-1]
    return ascending[first]


def check_scores(scores: ArrayLike, label: str) -> Floats:
    """Return the scores of the trials of one class as a flat array of doubles.

    A BenchError that names the class is raised where there is none, or one is not finite.

    >>> check_scores([1, 2], "spoof")
    array([1., 2.])
    """
    flat = np.asarray(scores, dtype=np.float64).ravel()
    if not len(flat):
        raise _class_missing(label)
    wrong = np.flatnonzero(~np.isfinite(flat))
    if len(wrong):
        raise BenchError(
            "metric.not-finite",
            f"{label} score {wrong[0]} is {flat[wrong[0]]} ({len(wrong)} of {len(flat)} are "
            "not finite numbers): the system diverged or its score file is damaged",
        )
    return flat


def _check_totals(bonafide: float, spoof: float) -> ClassTotals:
    totals_of_classes = ClassTotals(float(bonafide), float(spoof))
    for label, total in zip(CLASSES, totals_of_classes, strict=True):
        if not total > 0:
            raise _class_missing(label)
    return totals_of_classes


def _class_missing(label: str) -> BenchError:
    return BenchError("metric.one-class", f"the metric is not defined: there is no {label} trial")
