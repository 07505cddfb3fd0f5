"""Which rows of a table really differ: each against its parent, and the best against each other.

Every pair of complete rows is tested in every column (`bench.metrics.between`), and the p-values of
a column are corrected for all its pairs (Holm), also for those that are not shown: the best row is
chosen by the same results, so that a comparison with it is chosen among all pairs.
"""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np

from bench.evaluation.draws import Draws
from bench.metrics.between import Between, Trained, between
from bench.metrics.catalogue import is_rate
from bench.metrics.combined import combined
from bench.metrics.mistakes import Mistakes, joined
from bench.metrics.paired import holm
from bench.reports.cells import Cell, run_of
from bench.reports.kept import Kept, figures_drawn
from bench.reports.standings import Standing
from bench.specs.table import Column, Table

LEVEL = 0.05


class Tested(NamedTuple):
    """One row minus another, in a column: per cent, or the figure's own unit."""

    difference: Between
    corrected: float
    """The p-value, corrected for all pairs of the column."""

    @property
    def holds(self) -> bool:
        """Whether it is no chance, at 5 %."""
        return not self.few and self.corrected <= LEVEL

    @property
    def few(self) -> bool:
        """Whether errors are too few to say anything."""
        return self.difference.few


@dataclass(frozen=True)
class Comparisons:
    """What is known of the differences between a table's rows."""

    tested: Mapping[tuple[int, str, str], Tested]
    """By column, and both rows: the second minus the first. Each pair is there both ways round."""
    untested: Mapping[tuple[int, str], str]
    """Why a row is not compared in a column."""

    def few(self, column: int, one: str, other: str) -> bool:
        """Whether two rows cannot be told apart because errors are too few."""
        test = self.tested.get((column, one, other))
        return test is not None and test.few

    def level_with_best(self, column: int, tops: frozenset[str]) -> frozenset[str]:
        """Return the rows that do not differ significantly from one of `tops`."""
        return frozenset(
            row
            for at, top, row in self.tested
            if at == column
            and top in tops
            and row not in tops
            and not self.tested[at, top, row].holds
        )


def compared(
    table: Table,
    results: tuple[Cell, ...],
    standings: Mapping[str, Standing],
    artifacts: Kept | None,
) -> Comparisons:
    """Return the tests of all pairs of complete rows, column by column."""
    tested: dict[tuple[int, str, str], Tested] = {}
    untested: dict[tuple[int, str], str] = {}
    replicates = _Replicates(table, artifacts)
    for index, column in enumerate(table.columns):
        column_cells = [cell for cell in results if cell.column == index and cell.seeds_wanted]
        untested |= {(index, cell.row): cell.lacks for cell in column_cells if not cell.complete}
        complete = [cell.row for cell in column_cells if cell.complete]
        if len(complete) < 2:
            continue
        systems: dict[str, tuple[str, Trained]] = {}
        for row in complete:
            system = _read_system(column, standings[row], replicates)
            if isinstance(system, str):
                untested[index, row] = system
            else:
                systems[row] = system
        tested |= {(index, *pair): test for pair, test in _compare_pairs(systems).items()}
    return Comparisons(tested, untested)


class _Replicates:
    """The bootstrap replicates of runs by metric.

    All that the table's columns need of an evaluation is read at once, as it is of one score file.
    """

    def __init__(self, table: Table, artifacts: Kept | None) -> None:
        self._figures = figures_drawn(table)
        self._kept = artifacts
        self._known: dict[tuple[str, str], Mapping[str, Draws] | None] = {}

    def read_draws(self, run_id: str, metric: str) -> Draws | None:
        """Return the replicates; None where the run's score file cannot be had."""
        evaluation, _, figure = metric.partition(".")
        key = run_id, evaluation
        if key not in self._known:
            figures = self._figures[evaluation]
            self._known[key] = (
                None if self._kept is None else self._kept.draws(run_id, evaluation, figures)
            )
        draws_by_metric = self._known[key]
        return None if draws_by_metric is None else draws_by_metric[figure]


def _read_system(column: Column, stands: Standing, drawn: _Replicates) -> tuple[str, Trained] | str:
    """Return a row's figure of every seed with a digest of the trials, or why it is not tested."""
    metrics = column.parts or (column.metric,)
    values: list[float] = []
    replicates: list[np.ndarray] = []
    mistakes: list[Mistakes] = []
    trials: set[str] = set()
    for run in stands.runs.to_dict("records"):
        parts = [drawn.read_draws(run_of(run, m.partition(".")[0]), m) for m in metrics]
        present = [part for part in parts if part is not None]
        if len(present) < len(parts):
            which = "" if stands.scored else f" of seed {run['seed']}"
            return f"the score file{which} is not in the tracking store"
        if not all(part.trials for part in present):
            return "the metric needs more than a score file contains"
        scale = 100.0 if is_rate(column.metric) else 1.0
        figures = [float(run[metric]) for metric in metrics]
        values.append(_combine_values(column, figures))
        mistakes += _combined_mistakes(column, figures, present, scale)
        replicates.append(scale * _combined_draws(column, present))
        trials.add(" ".join(part.trials for part in present))
    if len(trials) > 1:
        return "its seeds were scored on different trials"
    return trials.pop(), Trained(np.array(values), np.stack(replicates), tuple(mistakes))


def _combine_values(column: Column, values: list[float]) -> float:
    return values[0] if column.combine == "none" else combined(column.combine, values)


def _combined_draws(column: Column, parts: list[Draws]) -> np.ndarray:
    if column.combine == "none":
        return parts[0].values
    if column.combine == "mean":
        return np.mean([part.values for part in parts], axis=0)
    return np.abs(parts[0].values - parts[1].values)


def _combined_mistakes(
    column: Column, figures: list[float], parts: list[Draws], scale: float
) -> list[Mistakes]:
    """Return the mistakes that a seed's figure rests on; none where a part has no such."""
    wrong = [part.mistakes.scaled(scale) for part in parts if part.mistakes is not None]
    if len(wrong) < len(parts):
        return []
    return wrong if column.combine == "none" else [joined(column.combine, figures, wrong)]


def _compare_pairs(systems: Mapping[str, tuple[str, Trained]]) -> dict[tuple[str, str], Tested]:
    """Return the tests of all pairs that were scored on the same trials, both ways round."""
    pairs = [
        (one, other)
        for one, other in combinations(systems, 2)
        if systems[one][0] == systems[other][0]
    ]
    tests: dict[tuple[str, str], Tested] = {}
    differences = [between(systems[other][1], systems[one][1]) for one, other in pairs]
    corrected = holm([difference.p_value for difference in differences])
    for (one, other), difference, p_value in zip(pairs, differences, corrected, strict=True):
        tests[one, other] = Tested(difference, p_value)
        turned = difference._replace(
            value=-difference.value, low=-difference.high, high=-difference.low
        )
        tests[other, one] = Tested(turned, p_value)
    return tests
