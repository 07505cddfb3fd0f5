"""Items that are drawn together in a bootstrap, and how often a replicate draws each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.plans import NothingToResample, ResamplingPlan
from bench.metrics.tally import Floats, Integers

_STRETCH = 65_536


class Replicate(NamedTuple):
    """One draw."""

    weights: Floats
    """How often each group was drawn, (n,)."""
    redrawn: int
    """How many draws before it lacked a class and were repeated."""


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

    def draw_replicate(self, seed: int, number: int, needed: Floats) -> Replicate:
        """Return replicate `number` of `seed`, the same whatever else is drawn.

        `needed`, (n, k), is what each group adds to each of k sums, such as the weight of a class.
        A draw in which one of the sums is 0 is repeated.
        """
        rng = np.random.default_rng([seed, number])
        again = 0
        while not has_all(weights := self._draw_weights(rng), needed):
            again += 1
        return Replicate(weights, again)

    def _draw_weights(self, rng: np.random.Generator) -> Floats:
        """Return weights of the groups: each factor's levels, drawn with replacement."""
        counts = [draw_counts(rng, size, size) for size in self.sizes]
        if len(counts) == 1:
            return counts[0]  # a group is a level
        weights = np.ones(self.n)
        for level, count in zip(self.levels, counts, strict=True):
            weights *= np.append(count, 1)[level]
        return weights


def has_all(weights: Floats, needed: Floats) -> bool:
    """Return whether weights of groups, (n,), have some of each of k sums, (n, k), all positive."""
    first = slice(4096)  # mostly enough
    return bool((weights[first] @ needed[first] > 0).all() or (weights @ needed > 0).all())


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


def draw_counts(rng: np.random.Generator, size: int, draws: int) -> Floats:
    """Return how often each of `size` things is drawn in so many draws, with replacement.

    First comes how many draws fall on each stretch of them: in two threads, large temporary arrays
    cost more than the draws.
    """
    starts = [*range(0, size, _STRETCH)]
    lengths = np.diff(starts, append=size)
    return np.concatenate(
        [
            # 65,536 levels are whole draws of 16 bits, which are twice as fast.
            np.bincount(
                rng.integers(0, length, drawn, dtype=np.uint16)
                if length == _STRETCH
                else rng.integers(0, length, drawn),
                minlength=length,
            )
            for length, drawn in zip(lengths, rng.multinomial(draws, lengths / size), strict=True)
        ],
        dtype=np.float64,
    )


def _rank_levels(level: Integers) -> tuple[Integers, int]:
    """Return codes 0 to n - 1 of the levels, -1 left as it is, and n."""
    top = int(level.max(initial=-1)) + 1
    there = np.bincount(level[level >= 0], minlength=top) > 0
    rank = np.append(np.cumsum(there) - 1, -1)  # -1, too, finds its own
    return rank[level], int(there.sum())
