"""Items that are drawn together in a bootstrap, and how often a replicate draws each."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.plans import NothingToResample, ResamplingPlan
from bench.metrics.tally import Bools, Floats, Integers

_STRETCH = 65_536
_BATCH_ROWS = 64
_BATCH_BYTES = 2**25
_FEW_LEVELS = 512
"""Draws of up to so many levels are remembered: an evaluation of a small set makes the same ones
for each of its metrics, and making them takes longer than the metrics."""
_REMEMBERED = 128
"""Batches of such draws, of 64 kB each at most."""


class DrawnWeights(NamedTuple):
    """Some draws."""

    weights: Floats
    """How often each group was drawn, (replicates, n)."""
    redrawn: int
    """How many draws before them lacked a class and were repeated."""


class ResamplingGroups(NamedTuple):
    """Items that are always drawn together."""

    codes: tuple[Integers, ...]
    """For each set of items, the group of every item: 0 to n - 1."""
    levels: tuple[Integers, ...]
    """(n,) each: of each factor the level of every group, 0 to size - 1, or -1."""
    sizes: tuple[int, ...]
    """How many levels each factor has."""

    @property
    def n(self) -> int:
        """How many groups there are."""
        return len(self.levels[0])

    def split_replicates(self, replicates: int) -> list[range]:
        """Return the numbers of the replicates that fit in a little memory together."""
        step = min(_BATCH_ROWS, max(1, _BATCH_BYTES // (8 * self.n)))
        starts = range(0, replicates, step)
        return [range(start, min(start + step, replicates)) for start in starts]

    def draw_batch(self, seed: int, numbers: range, needed: Floats) -> DrawnWeights:
        """Return the replicates `numbers` of `seed`, each the same whatever else is drawn.

        `needed`, (n, k), is what each group adds to each of k sums, such as the weight of a class.
        A draw in which one of the sums is 0 is repeated.
        """
        if sum(self.sizes) <= _FEW_LEVELS:
            counts = _remember_batch(self.sizes, seed, numbers).astype(np.float64)
        else:
            counts = _draw_batch(self.sizes, seed, numbers)
        weights, again = self._weigh_groups(counts), 0
        for i in np.flatnonzero(~has_all(weights, needed)):
            rng, drawn = np.random.default_rng([seed, numbers[i]]), counts[i : i + 1]
            _draw_levels(rng, self.sizes, drawn[0])
            while not has_all(weights[i : i + 1], needed):
                again += 1
                _draw_levels(rng, self.sizes, drawn[0])
                weights[i] = self._weigh_groups(drawn)
        return DrawnWeights(weights, again)

    def _weigh_groups(self, counts: Floats) -> Floats:
        """Return the weights of groups whose factors' levels are drawn so often, (r, levels)."""
        if len(self.sizes) == 1:
            return counts  # a group is a level
        weights = np.ones((len(counts), self.n))
        factors = np.split(counts, np.cumsum(self.sizes)[:-1], axis=1)
        for level, drawn in zip(self.levels, factors, strict=True):
            weights *= np.concatenate([drawn, np.ones((len(drawn), 1))], axis=1).take(level, axis=1)
        return weights


def has_all(weights: Floats, needed: Floats) -> Bools:
    """Return which rows of weights of groups, (r, n), have some of each of k sums, (n, k).

    What groups add to the sums is not negative.
    """
    first = slice(4096)  # mostly enough
    has: Bools = np.all(weights[:, first] @ needed[first] > 0, axis=1)
    if not has.all():
        has[~has] = np.all(weights[~has] @ needed > 0, axis=1)
    return has


def group_items(plan: ResamplingPlan, sets: Sequence[Integers]) -> ResamplingGroups:
    """Return the groups of items whose utterances have the codes `sets`, an array for each set.

    Only utterances and levels that occur there are resampled. Raise BenchError for an utterance
    that is not in the plan, and where nothing can vary: one speaker has no interval.
    """
    at = [np.searchsorted(plan.unit, unit) for unit in sets]
    for unit, positions in zip(sets, at, strict=True):
        unknown = plan.unit[np.minimum(positions, len(plan.unit) - 1)] != unit
        if unknown.any():
            raise BenchError(
                "metric.trials-differ",
                f"utterance {unit[unknown][0]} is not in the plan of resampling ({unknown.sum()} "
                "items are of such utterances)",
            )
    present = np.zeros(len(plan.unit), dtype=np.bool_)
    for positions in at:
        present[positions] = True
    ranked = [_rank_levels(level[present]) for level in plan.levels]
    levels = tuple(rank for rank, _ in ranked)
    sizes = tuple(size for _, size in ranked)
    if max(sizes) < 2:
        what = plan.name.partition("+")[0]
        raise NothingToResample(
            "metric.nothing-to-resample",
            f"no interval is defined: there are not two {what}s to resample",
        )
    of_unit = np.zeros(len(present), dtype=np.int64)
    if len(levels) == 1:
        of_unit[present] = levels[0]
        levels = (np.arange(sizes[0]),)
    else:
        pairs = (levels[0] + 1) * (sizes[1] + 1) + levels[1] + 1
        _, first, of_unit[present] = np.unique(pairs, return_index=True, return_inverse=True)
        levels = tuple(level[first] for level in levels)
    return ResamplingGroups(tuple(of_unit[positions] for positions in at), levels, sizes)


def draw_counts(rng: np.random.Generator, counts: NDArray[Any], draws: int) -> None:
    """Write into `counts` how often each thing is drawn in so many draws, with replacement.

    First comes how many draws fall on each stretch of them: in two threads, large temporary arrays
    cost more than the draws.
    """
    size = len(counts)
    if size < _STRETCH:
        counts[:] = np.bincount(rng.integers(0, size, draws), minlength=size)
        return
    starts = [*range(0, size, _STRETCH)]
    lengths = np.diff(starts, append=size)
    drawn_by_stretch = rng.multinomial(draws, lengths / size)
    for start, length, drawn in zip(starts, lengths, drawn_by_stretch, strict=True):
        counts[start : start + length] = np.bincount(
            # 65,536 levels are whole draws of 16 bits, which are twice as fast.
            rng.integers(0, length, drawn, dtype=np.uint16)
            if length == _STRETCH
            else rng.integers(0, length, drawn),
            minlength=length,
        )


def _draw_levels(rng: np.random.Generator, sizes: Sequence[int], counts: Floats) -> None:
    """Write how often each level of all factors, one after the other, is drawn."""
    end = 0
    for size in sizes:
        start, end = end, end + size
        draw_counts(rng, counts[start:end], size)


def _draw_batch(sizes: tuple[int, ...], seed: int, numbers: range) -> Floats:
    """Return the first draw of each replicate, (replicates, levels)."""
    drawn = np.empty((len(numbers), sum(sizes)))
    for counts, number in zip(drawn, numbers, strict=True):
        _draw_levels(np.random.default_rng([seed, number]), sizes, counts)
    return drawn


@lru_cache(_REMEMBERED)
def _remember_batch(sizes: tuple[int, ...], seed: int, numbers: range) -> NDArray[np.uint16]:
    """Return `_draw_batch` of few levels, from memory where it was made before."""
    return _draw_batch(sizes, seed, numbers).astype(np.uint16)


def _rank_levels(level: Integers) -> tuple[Integers, int]:
    """Return codes 0 to n - 1 of the levels, -1 left as it is, and n."""
    top = int(level.max(initial=-1)) + 1
    there = np.bincount(level[level >= 0], minlength=top) > 0
    rank = np.append(np.cumsum(there) - 1, -1)  # -1, too, finds its own
    return rank[level], int(there.sum())
