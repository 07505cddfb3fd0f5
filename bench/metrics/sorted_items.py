"""Items by ascending score, and how much of their weight falls in each part of that order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from bench.metrics.tally import Floats, Integers, ScoreCounts, distinct_ends


class SortedItems(NamedTuple):
    """Items of one set by ascending score; arrays of shape (n,) but for `ends`."""

    score: Floats
    bonafide: Floats
    spoof: Floats
    group: Integers
    ends: Integers
    """Index of the last item of each distinct score."""

    @property
    def run_ends(self) -> Integers:
        """Index of the last item of each run: scores of one class that follow one another.

        A score that items of both classes have is a run of its own. Between runs alone the ROC
        curve has corners.
        """
        first = np.append(0, self.ends[:-1] + 1)
        has_bonafide, has_spoof = (
            np.add.reduceat(weights, first) > 0 for weights in (self.bonafide, self.spoof)
        )
        joined = (has_bonafide[1:] == has_bonafide[:-1]) & (has_spoof[1:] == has_spoof[:-1])
        joined &= has_bonafide[1:] != has_spoof[1:]
        return self.ends[np.append(~joined, True)]


def by_score(score: Floats, bonafide: Floats, spoof: Floats, group: Integers) -> SortedItems:
    """Return items by ascending score."""
    order = np.argsort(score)
    ascending = score[order]
    return SortedItems(
        ascending, bonafide[order], spoof[order], group[order], distinct_ends(ascending)
    )


class BinSums:
    """The weight of both classes in each bin of sorted items, under any weights of groups.

    Few groups and bins have a table; of many, each item is added to its bin. Items are read in the
    order of their groups or of their bins, whichever are more, so that memory is read in order.
    """

    def __init__(self, items: SortedItems, ends: Integers, n_groups: int) -> None:
        """Take the bins whose last items are `ends`, ascending; the last of all is one of them."""
        self._bins, bins = len(ends), np.repeat(np.arange(len(ends)), np.diff(ends, prepend=-1))
        self._table = None
        classes = items.bonafide, items.spoof
        if n_groups * self._bins <= 2 * len(items.score):
            position, cells = items.group * self._bins + bins, n_groups * self._bins
            tables = [np.bincount(position, weights, cells) for weights in classes]
            self._table = np.stack(
                [table.reshape(n_groups, self._bins) for table in tables], axis=1
            ).reshape(n_groups, 2 * self._bins)
            return
        chosen = [np.flatnonzero(weights) for weights in classes]
        group = np.concatenate([items.group[at] for at in chosen])
        key = np.concatenate([bins[chosen[0]], bins[chosen[1]] + self._bins])
        weight = np.concatenate([weights[at] for weights, at in zip(classes, chosen, strict=True)])
        order = np.argsort(group if n_groups > self._bins else key, kind="stable")
        self._key, self._group, self._weight = key[order], group[order], weight[order]
        self._plain = bool((weight == 1).all())
        self._alone = np.array_equal(self._group, np.arange(n_groups))

    def sum_weights(self, weights: Floats) -> Floats:
        """Return the sums under each row of group weights: (replicates, 2, bins)."""
        if self._table is not None:
            return (weights @ self._table).reshape(len(weights), 2, self._bins)
        return np.stack([*self._sum_rows(weights)]).reshape(len(weights), 2, self._bins)

    def _sum_rows(self, weights: Floats) -> Iterator[Floats]:
        for row in weights:
            drawn = row if self._alone else row.take(self._group)
            if not self._plain:
                drawn = drawn * self._weight
            yield np.bincount(self._key, drawn, 2 * self._bins).astype(np.float64, copy=False)


class ResampledCounts:
    """The counted scores of replicates, at the last score of each of some bins of sorted items."""

    def __init__(self, items: SortedItems, ends: Integers, n_groups: int) -> None:
        """Take the bins that end at the items `ends`."""
        self._score, self._sums = items.score[ends], BinSums(items, ends, n_groups)

    def count_drawn(self, weights: Floats) -> ScoreCounts:
        """Return what one replicate, (groups,), has drawn; scores of no weight are left out."""
        bonafide, spoof = self._sums.sum_weights(weights[None])[0]
        drawn = np.flatnonzero(bonafide + spoof > 0)
        return ScoreCounts(self._score.take(drawn), bonafide.take(drawn), spoof.take(drawn))
