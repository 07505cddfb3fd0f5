"""The equal error rate and the least costs of bootstrap replicates, from a few items of each.

Items are sorted once and cut into cells at distinct scores (`bench.metrics.cell_ends`). The weights
of both classes in each cell show in which cell the rates of a replicate cross. They also bound a
cost: at a threshold in a cell, the miss rate is at least that before the cell, and the false alarm
rate at least that after it. Only the items of the crossing cell, and of cells whose bound is below
the least cost at the edges of cells, are looked at one by one. Results are exact: those of
`bench.metrics.det.eer_of` and `bench.metrics.dcf.min_cost` on the replicate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bench.metrics.cell_ends import choose_ends
from bench.metrics.det import equal_error_rate
from bench.metrics.measure import CostLine, Least, Measure
from bench.metrics.resampling_groups import ResamplingGroups
from bench.metrics.sorted_items import BinSums, SortedItems
from bench.metrics.tally import Floats, Integers

BATCH = 64
"""Replicates of independent trials that are drawn together."""
_WALK = 2**17
"""Items of cells that are looked at together: their arrays fit in a processor's cache."""


def is_walked(measure: Measure) -> bool:
    """Return whether a measure can be computed from few items of a replicate."""
    if measure is equal_error_rate:
        return True
    return isinstance(measure, Least) and measure.line is not None


class _WalkedCells(NamedTuple):
    """Cells of some replicates, item by item: before each cell's items stands its start."""

    row: Integers
    """(p,): the replicate of each cell, ascending."""
    cell: Integers
    """(p,)"""
    start: Integers
    """(p,): where each begins among the t entries."""
    owner: Integers
    """(t,): index into the cells."""
    item: Integers
    """(t,): the item; at a start the one before it, -1 where there is none."""


_Weigh = Callable[[_WalkedCells], tuple[Floats, Floats]]
"""Returns the weight of both classes of each entry; at starts whatever it is."""


class _Cells:
    """Cuts through sorted items, only between distinct scores."""

    def __init__(self, items: SortedItems, ends: Integers, measures: Sequence[Measure]) -> None:
        self.ends = ends
        """(cells,): the last item of each."""
        self.edges = np.append(0, ends + 1)
        """(cells + 1,): items up to each cell's start."""
        self._is_end = np.zeros(len(items.score), dtype=np.bool_)
        self._is_end[items.ends] = True
        self._tied = len(items.ends) < len(items.score)
        self._lines = [measure.line if isinstance(measure, Least) else None for measure in measures]
        """The costs whose least is asked for; None for the equal error rate."""

    def compute_values(self, sums: Floats, weigh: _Weigh) -> Floats:
        """Return every measure of replicates, (measures, replicates).

        `sums`, (replicates, 2, cells), is the weight of both classes in each cell.
        """
        errors = np.zeros((len(sums), 2, sums.shape[2] + 1))
        sums.cumsum(axis=2, out=errors[:, :, 1:])
        miss, false_alarm = _error_rates(errors, errors[:, :, -1:])
        chosen = np.zeros(miss[:, 1:].shape, dtype=np.bool_)
        values = np.empty((len(self._lines), len(errors)))
        for i, line in enumerate(self._lines):
            if line is None:
                chosen[np.arange(len(chosen)), (miss < false_alarm).sum(axis=1) - 1] = True
            else:
                values[i] = _line_cost(line, miss, false_alarm).min(axis=1)
                bound = _line_cost(line, miss[:, :-1], false_alarm[:, 1:])
                chosen |= bound < values[i][:, None]
        for walked in self._split_walk(*chosen.nonzero()):
            self._walk_cells(values, walked, errors, weigh)
        return values

    def _split_walk(self, row: Integers, cell: Integers) -> Iterator[_WalkedCells]:
        """Yield the cells of a few replicates at a time."""
        if not len(row):
            return
        sizes = self.edges[cell + 1] - self.edges[cell] + 1
        first = np.flatnonzero(row != np.append(-1, row[:-1]))
        part = np.add.reduceat(sizes, first).cumsum() // _WALK
        cuts = [*first[np.flatnonzero(part != np.append(-1, part[:-1]))], len(row)]
        for begin, end in pairwise(cuts):
            size = sizes[begin:end]
            start = size.cumsum() - size
            owner = np.repeat(np.arange(end - begin), size)
            shift = self.edges[cell[begin:end]] - start - 1
            item = np.arange(len(owner)) + shift[owner]
            yield _WalkedCells(row[begin:end], cell[begin:end], start, owner, item)

    def _walk_cells(
        self, values: Floats, walked: _WalkedCells, errors: Floats, weigh: _Weigh
    ) -> None:
        """Lower the values of the replicates whose cells are walked to what the cells hold."""
        row, cell, start, owner, item = walked
        sums = list[Floats]()
        for which, weights in enumerate(weigh(walked)):
            weights[start] = 0
            running = weights.cumsum()
            sums.append(running + (errors[row, which, cell] - running[start])[owner])
        totals = errors[row[owner], :, -1]
        miss, false_alarm = _error_rates(np.stack(sums, axis=1), totals)
        rows, first = np.unique(row, return_index=True)
        begin = start[first]
        for i, line in enumerate(self._lines):
            if line is None:
                gap = self._at_ends(np.abs(miss - false_alarm), item)
                least = np.minimum.reduceat(gap, begin)
                lengths = np.diff(begin, append=len(gap))
                closest = np.flatnonzero(gap == np.repeat(least, lengths))
                at = closest[np.searchsorted(closest, begin)]  # the lowest of several thresholds
                values[i, rows] = (miss[at] + false_alarm[at]) / 2
            else:
                cost = self._at_ends(_line_cost(line, miss, false_alarm), item)
                values[i, rows] = np.minimum(values[i, rows], np.minimum.reduceat(cost, begin))

    def _at_ends(self, values: Floats, item: Integers) -> Floats:
        """Return the values at thresholds, and what is never the least between tied items."""
        return np.where(self._is_end[item], values, np.inf) if self._tied else values


class ResampledCells:
    """Measures of items whose groups have other weights in each replicate."""

    def __init__(self, items: SortedItems, measures: Sequence[Measure], n_groups: int) -> None:
        """Take measures that are walked (`is_walked`)."""
        if len(items.score) >= 4 * n_groups:
            ends = _even_ends(items, n_groups)
        else:
            ends = choose_ends(items, measures, n_groups)
        self._items, self._cells = items, _Cells(items, ends, measures)
        self._sums = BinSums(items, ends, n_groups)

    def compute_values(self, weights: Floats) -> Floats:
        """Return the measures under each row of group weights: (measures, replicates)."""
        items, flat = self._items, weights.ravel()

        def weigh(walked: _WalkedCells) -> tuple[Floats, Floats]:
            at = items.group[walked.item]
            at += (walked.row * weights.shape[1])[walked.owner]
            weight = np.asarray(flat.take(at), dtype=np.float64)
            return weight * items.bonafide[walked.item], weight * items.spoof[walked.item]

        return self._cells.compute_values(self._sums.sum_weights(weights), weigh)


def _even_ends(items: SortedItems, n_groups: int) -> Integers:
    """Return the ends of few cells of about as many distinct scores each."""
    # Work goes as cells * groups (weights at the edges, by a table) + 25 * items / cells (the walk
    # within one), with the factor as measured.
    n_cells = max(8, round(5 * (len(items.score) / n_groups) ** 0.5))
    at = np.linspace(0, len(items.ends) - 1, n_cells).astype(np.int64)
    return np.unique(items.ends[at])


def are_independent(items: SortedItems, groups: ResamplingGroups) -> bool:
    """Return whether each item is one trial and one group.

    Then a replicate is a multinomial draw of trials.
    """
    if len(groups.sizes) > 1 or groups.n < len(items.score):
        return False
    ones = (items.bonafide == 1) & (items.spoof == 0) | (items.bonafide == 0) & (items.spoof == 1)
    return bool(ones.all())


class IndependentCells:
    """A measure of replicates of independent trials.

    Only what matters is drawn: how many trials of each class come from each cell (multinomial),
    then which trials of the cells that are walked they are (uniform). Given its cell and class, a
    draw is equally likely to be any trial there, so this has the same distribution as drawing all
    trials one by one.
    """

    def __init__(self, items: SortedItems, measure: Measure) -> None:
        """Take a measure that is walked (`is_walked`) of trials for which `are_independent`."""
        self._n = len(items.score)
        self._cells = _Cells(items, choose_ends(items, [measure], self._n), [measure])
        is_spoof = items.spoof > 0
        self._of_class = np.flatnonzero(~is_spoof), np.flatnonzero(is_spoof)
        before = np.append(0, np.cumsum(is_spoof))[self._cells.edges]
        self._before = self._cells.edges - before, before
        """Of each class the trials up to each cell's start."""
        self._sizes = np.stack([np.diff(column) for column in self._before])

    def draw_batch(self, seed: int, number: int) -> tuple[Floats, Integers]:
        """Return the measure of one `BATCH` of replicates, (BATCH,).

        With them comes how many draws of each replicate lacked a class and were repeated. They
        depend on the measure, `seed` and the `number` of the batch alone.
        """
        rng = np.random.default_rng([seed, number, BATCH])
        shares = self._sizes.ravel() / self._n
        drawn = np.empty((BATCH, 2, self._sizes.shape[1]), dtype=np.int64)
        again, wrong = np.full(BATCH, -1), np.ones(BATCH, dtype=np.bool_)
        while wrong.any():
            again += wrong
            counts = rng.multinomial(self._n, shares, size=int(wrong.sum()))
            drawn[wrong] = counts.reshape(-1, *drawn.shape[1:])
            wrong = drawn.sum(axis=2).min(axis=1) == 0

        def weigh(walked: _WalkedCells) -> tuple[Floats, Floats]:
            counts = drawn[walked.row, :, walked.cell].T
            bonafide, spoof = (
                self._scatter_draws(rng, which, count, walked) for which, count in enumerate(counts)
            )
            return bonafide, spoof

        return self._cells.compute_values(drawn.astype(np.float64), weigh)[0], again

    def _scatter_draws(
        self, rng: np.random.Generator, which: int, count: Integers, walked: _WalkedCells
    ) -> Floats:
        """Return how often each entry is drawn where each cell has `count` draws of a class."""
        cell = walked.cell
        # Faster than whole numbers below many limits; the error of rounding is below 1e-10.
        position = rng.random(int(count.sum())) * np.repeat(self._sizes[which, cell], count)
        rank = position.astype(np.int64) + np.repeat(self._before[which][cell], count)
        shift = walked.start + 1 - self._cells.edges[cell]
        entry = self._of_class[which][rank] + np.repeat(shift, count)
        return np.bincount(entry, minlength=len(walked.owner)).astype(np.float64)


def _error_rates(below: Floats, totals: Floats) -> tuple[Floats, Floats]:
    """Return miss and false alarm rate; the second axis is that of classes."""
    return below[:, 0] / totals[:, 0], (totals[:, 1] - below[:, 1]) / totals[:, 1]


def _line_cost(line: CostLine, miss: Floats, false_alarm: Floats) -> Floats:
    return line.fixed + line.miss * miss + line.false_alarm * false_alarm
