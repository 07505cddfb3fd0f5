"""Percentile bootstrap intervals of EER and F1, resampling whole utterances.

Frames of one utterance share a speaker, a recording and an attack; resampling single frames would
treat them as independent and understate the interval (Ferrer and Riera, `confidence_intervals`;
NIST's two-layer bootstrap, PMC5484007), so an utterance is drawn with all its frames. A replicate
is a vector of utterance counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError
from bench.metrics.det import closest
from bench.metrics.f1 import decide
from bench.metrics.tally import Bools, Floats, Integers, distinct_ends
from bench.units import BONAFIDE, SPOOF

LEVEL = 0.95
"""Coverage of every interval."""

_BATCH = 50


class Interval(NamedTuple):
    """Bounds of a 95 % interval, fractions."""

    low: float
    high: float


class F1Intervals(NamedTuple):
    """The interval of F1 with bona fide and with spoof as the positive class."""

    bonafide: Interval
    spoof: Interval


def bootstrap_eer(
    scores: ArrayLike, is_spoof: ArrayLike, groups: ArrayLike, replicates: int = 1000, seed: int = 0
) -> Interval:
    """Return the 95 % percentile interval of the equal error rate, resampling utterances.

    The three arrays are of shape (n,), an item a frame (or trial): score, label, and any key of its
    utterance. Each of the `replicates` has the EER that is `bench.metrics.eer` of the resampled
    items, ties and all. Replicates in which one class is absent are drawn again, as they have no
    EER. A BenchError is raised where a class is absent altogether.

    Items are sorted once. Counts of errors at some hundred thresholds, an utterance a row, say for
    all replicates at once between which two thresholds the rates cross; only the items between
    those are walked through.

    >>> bootstrap_eer([3.0, 2.0, 1.0, 0.0], [False, False, True, True], [0, 1, 2, 3], 100)
    Interval(low=0.0, high=0.0)
    """
    frames = _frames(scores, is_spoof, groups)
    curve = _sorted_curve(frames)
    rates = np.concatenate(
        [_rates(curve, weights) for weights in _resample(frames, replicates, seed)]
    )
    return _interval(rates)


def bootstrap_f1(
    scores: ArrayLike,
    is_spoof: ArrayLike,
    groups: ArrayLike,
    replicates: int = 1000,
    seed: int = 0,
    threshold: float = 0.0,
) -> F1Intervals:
    """Return the 95 % percentile intervals of both F1 of frames, resampling utterances.

    Arguments, replicates and errors as for `bootstrap_eer`; one seed draws the same utterances in
    both.

    >>> bootstrap_f1([3.0, 2.0, -1.0], [False, False, True], [0, 1, 2], 100).spoof
    Interval(low=1.0, high=1.0)
    """
    frames = _frames(scores, is_spoof, groups)
    decided_spoof = ~decide(frames.scores, threshold)
    counts = np.stack(
        [
            frames.per_group(chosen)
            for truth, decided in (
                (~frames.is_spoof, ~decided_spoof),
                (frames.is_spoof, decided_spoof),
            )
            for chosen in (truth & decided, truth, decided)
        ],
        axis=1,
    )
    totals = np.concatenate(
        [weights @ counts for weights in _resample(frames, replicates, seed)]
    ).reshape(-1, 2, 3)
    values = 2 * totals[..., 0] / (totals[..., 1] + totals[..., 2])
    return F1Intervals(_interval(values[:, 0]), _interval(values[:, 1]))


class _Frames(NamedTuple):
    scores: Floats
    is_spoof: Bools
    groups: Integers
    """0 to n_groups - 1."""
    n_groups: int

    def per_group(self, chosen: Bools) -> Floats:
        counts = np.bincount(self.groups[chosen], minlength=self.n_groups)
        return counts.astype(np.float64)


class _Curve(NamedTuple):
    """Items sorted by score, cut into cells at distinct scores."""

    is_spoof: Bools
    groups: Integers
    ends: Integers
    """Position of the last item of each distinct score."""
    edges: Integers
    """(cells + 1,): items up to each cell's start."""
    misses: Floats
    """(groups, cells + 1): bona fide items of a group up to each edge."""
    rejections: Floats
    """(groups, cells + 1): the same for spoof items."""


def _frames(scores: ArrayLike, is_spoof: ArrayLike, groups: ArrayLike) -> _Frames:
    score = np.asarray(scores, dtype=np.float64)
    spoof = np.asarray(is_spoof, dtype=np.bool_)
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    if not (score.shape == spoof.shape == codes.shape):
        raise BenchError(
            f"scores, labels and utterances go item by item, but there are {score.size}, "
            f"{spoof.size} and {codes.size}"
        )
    if spoof.all() or not spoof.any():
        raise BenchError(
            f"no interval is defined: there is no {BONAFIDE if spoof.all() else SPOOF} item"
        )
    if not np.isfinite(score).all():
        raise BenchError("no interval is defined: there are scores that are not finite numbers")
    return _Frames(score, spoof, codes, len(names))


def _resample(frames: _Frames, replicates: int, seed: int) -> Iterator[Floats]:
    """Yield utterance counts of shape (up to 50 replicates, groups), both classes in every
    replicate."""
    rng = np.random.default_rng(seed)
    bonafide, spoof = frames.per_group(~frames.is_spoof) > 0, frames.per_group(frames.is_spoof) > 0
    n = frames.n_groups
    for start in range(0, replicates, _BATCH):
        batch: list[Floats] = []
        while len(batch) < min(_BATCH, replicates - start):
            drawn = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
            if drawn[bonafide].any() and drawn[spoof].any():
                batch.append(drawn)
        yield np.stack(batch)


def _sorted_curve(frames: _Frames) -> _Curve:
    order = np.argsort(frames.scores, kind="stable")
    is_spoof, groups = frames.is_spoof[order], frames.groups[order]
    ends = distinct_ends(frames.scores[order])
    # Work goes as cells * groups (counts at the edges) + 25 * items / cells (the walk within one),
    # with the factor as measured; this is its minimum.
    cells = max(8, round(5 * (len(is_spoof) / frames.n_groups) ** 0.5))
    at = np.linspace(0, len(ends) - 1, cells).astype(np.int64)
    edges = np.unique(np.concatenate([[0], ends[at] + 1]))
    cell = np.repeat(np.arange(1, len(edges)), np.diff(edges))
    place = groups * len(edges) + cell
    misses, rejections = (
        np.bincount(place[chosen], minlength=frames.n_groups * len(edges))
        .reshape(frames.n_groups, len(edges))
        .cumsum(axis=1)
        .astype(np.float64)
        for chosen in (~is_spoof, is_spoof)
    )
    return _Curve(is_spoof, groups, ends, edges, misses, rejections)


def _rates(curve: _Curve, weights: Floats) -> Floats:
    """Return the equal error rate of each row of `weights`: (replicates,)."""
    misses, rejections = weights @ curve.misses, weights @ curve.rejections
    below = misses / misses[:, -1:] < 1 - rejections / rejections[:, -1:]
    cells = below.sum(axis=1) - 1
    return np.array(
        [
            _rate_in_cell(curve, weights[row], cell, misses[row], rejections[row])
            for row, cell in enumerate(cells)
        ]
    )


def _rate_in_cell(
    curve: _Curve, weights: Floats, cell: int, misses: Floats, rejections: Floats
) -> float:
    """Return the EER of one replicate whose rates cross in `cell`; counts at the edges are
    given."""
    start, stop = curve.edges[cell], curve.edges[cell + 1]
    first, last = np.searchsorted(curve.ends, [start, stop])
    ends = curve.ends[first:last] - start
    weight = weights[curve.groups[start:stop]]
    is_spoof = curve.is_spoof[start:stop]
    missed = np.cumsum(weight * ~is_spoof)[ends] + misses[cell]
    rejected = np.cumsum(weight * is_spoof)[ends] + rejections[cell]
    total = rejections[-1]
    return closest(
        np.append(misses[cell], missed) / misses[-1],
        (total - np.append(rejections[cell], rejected)) / total,
    ).rate


def _interval(values: Floats) -> Interval:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))
