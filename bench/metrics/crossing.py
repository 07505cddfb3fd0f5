"""The equal error rate of many bootstrap replicates, from a few items of each.

Items are sorted once and cut into cells at distinct scores. The weights of both classes in each
cell show in which cell the rates of a replicate cross, and only the items of that cell are looked
at one by one. The result is exact: that of `bench.metrics.det.eer_of` on the replicate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.det import find_closest
from bench.metrics.plans import ResamplingGroups
from bench.metrics.tally import Bools, Floats, Integers, distinct_ends


class SortedItems(NamedTuple):
    """Items of one set by ascending score; arrays of shape (n,) but for `ends`."""

    score: Floats
    bonafide: Floats
    spoof: Floats
    group: Integers
    ends: Integers
    """Index of the last item of each distinct score."""


class CrossingCurve:
    """The trade-off of items whose groups have other weights in each replicate."""

    def __init__(self, items: SortedItems, n_groups: int):
        self._items = items
        # Work goes as cells * groups (weights at the edges) + 25 * items / cells (the walk within
        # one), with the factor as measured; this is its minimum.
        cells = max(8, round(5 * (len(items.score) / n_groups) ** 0.5))
        self._cells = _Cells(items.ends, cells)
        edges = self._cells.edges
        position = items.group * len(edges) + self._cells.of_items()
        self._missed, self._rejected = (
            np.bincount(position, weights=weights, minlength=n_groups * len(edges))
            .reshape(n_groups, len(edges))
            .cumsum(axis=1)
            for weights in (items.bonafide, items.spoof)
        )

    def compute_rates(self, weights: Floats) -> Floats:
        """Return the equal error rate of each row of group weights: (replicates,)."""
        missed, rejected = weights @ self._missed, weights @ self._rejected
        rates = np.empty(len(weights))
        for row, cell in enumerate(_find_cells(missed, rejected)):
            inside = self._cells.cell_items(cell)
            weight = weights[row][self._items.group[inside]]
            rates[row] = self._cells.compute_rate(
                cell,
                (missed[row], rejected[row]),
                (weight * self._items.bonafide[inside], weight * self._items.spoof[inside]),
            )
        return rates


def are_independent(items: SortedItems, groups: ResamplingGroups) -> bool:
    """Return whether each item is one trial and one group.

    Then a replicate is a multinomial draw of trials.
    """
    if len(groups.sizes) > 1 or groups.n < len(items.score):
        return False
    ones = (items.bonafide == 1) & (items.spoof == 0) | (items.bonafide == 0) & (items.spoof == 1)
    return bool(ones.all())


def independent_rates(items: SortedItems, replicates: int, seed: int) -> tuple[Floats, int]:
    """Return the equal error rates of replicates of independent trials.

    The rates are of shape (replicates,); with them comes how many draws lacked a class and were
    repeated. Only what matters is drawn: how many trials of each class come from each cell
    (multinomial), then which trials of the crossing cell they are (uniform). Given its cell and
    class, a draw is equally likely to be any trial there, so this has the same distribution as
    drawing all trials one by one.
    """
    n = len(items.score)
    # A cell's binomial draw costs as much as twenty items of the walk.
    cells = _Cells(items.ends, max(8, round((n / 20) ** 0.5)))
    is_spoof = items.spoof > 0
    before = np.append(0, np.cumsum(is_spoof))[cells.edges]
    n_spoof = np.diff(before)
    shares = np.concatenate([np.diff(cells.edges) - n_spoof, n_spoof]) / n
    rates, again = np.empty(replicates), 0
    for number in range(replicates):
        rng = np.random.default_rng([seed, number])
        while True:
            drawn = rng.multinomial(n, shares).reshape(2, -1)
            missed, rejected = np.pad(drawn.cumsum(axis=1), [(0, 0), (1, 0)]).astype(np.float64)
            if missed[-1] and rejected[-1]:
                break
            again += 1
        cell = int(_find_cells(missed[None], rejected[None])[0])
        spoof = is_spoof[cells.cell_items(cell)]
        inside = [
            _scatter_draws(rng, chosen, count)
            for chosen, count in zip((~spoof, spoof), drawn[:, cell].tolist(), strict=True)
        ]
        rates[number] = cells.compute_rate(cell, (missed, rejected), (inside[0], inside[1]))
    return rates, again


class _Cells:
    """Cuts through sorted items, only between distinct scores."""

    def __init__(self, ends: Integers, cells: int):
        self._ends = ends
        at = np.linspace(0, len(ends) - 1, cells).astype(np.int64)
        self.edges = np.unique(np.concatenate([[0], ends[at] + 1]))
        """(cells + 1,): items up to each cell's start."""

    def of_items(self) -> Integers:
        """Return the cell of each item, the first being 1."""
        return np.repeat(np.arange(1, len(self.edges)), np.diff(self.edges))

    def cell_items(self, cell: int) -> slice:
        return slice(int(self.edges[cell]), int(self.edges[cell + 1]))

    def compute_rate(
        self, cell: int, at_edges: tuple[Floats, Floats], inside: tuple[Floats, Floats]
    ) -> float:
        """Return the equal error rate of a replicate whose rates cross in `cell`.

        Weights of bona fide and spoof are given up to each edge and for each item in the cell.
        """
        start, stop = self.edges[cell], self.edges[cell + 1]
        first, last = np.searchsorted(self._ends, [start, stop])
        ends = self._ends[first:last] - start
        missed, rejected = (
            up_to[cell] + np.append(0, np.cumsum(weights)[ends])
            for up_to, weights in zip(at_edges, inside, strict=True)
        )
        all_bonafide, all_spoof = at_edges[0][-1], at_edges[1][-1]
        return find_closest(missed / all_bonafide, (all_spoof - rejected) / all_spoof).rate


def by_score(score: Floats, bonafide: Floats, spoof: Floats, group: Integers) -> SortedItems:
    """Return items by ascending score."""
    order = np.argsort(score)
    ascending = score[order]
    return SortedItems(
        ascending, bonafide[order], spoof[order], group[order], distinct_ends(ascending)
    )


def _find_cells(missed: Floats, rejected: Floats) -> Integers:
    """Return the cell in which the rates cross, for each row of weights at the edges."""
    all_spoof = rejected[:, -1:]
    below = missed / missed[:, -1:] < (all_spoof - rejected) / all_spoof
    return below.sum(axis=1) - 1


def _scatter_draws(rng: np.random.Generator, chosen: Bools, count: int) -> Floats:
    """Return how often each item is drawn where `count` draws fall on the `chosen` ones alike."""
    weights = np.zeros(len(chosen))
    positions = np.flatnonzero(chosen)
    if count:
        weights[positions] = np.bincount(
            rng.integers(0, len(positions), count), minlength=len(positions)
        )
    return weights
