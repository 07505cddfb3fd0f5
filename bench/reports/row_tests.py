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

from bench.evaluation.draws import MetricDraws
from bench.metrics.between import SeededResult, SystemDifference, compare_systems
from bench.metrics.catalogue import is_rate
from bench.metrics.combined import combine_values
from bench.metrics.mistakes import Mistakes, join_mistakes
from bench.metrics.paired import correct_holm
from bench.reports.result_cells import ResultCells
from bench.reports.row_runs import RowRuns, RunsByRow
from bench.reports.stored_results import StoredResults, list_drawn_metrics
from bench.specs.table import Column, Table

SIGNIFICANCE_LEVEL = 0.05


class RowTest(NamedTuple):
    """One row minus another, in a column: per cent, or the figure's own unit."""

    difference: SystemDifference
    corrected: float
    """The p-value, corrected for all pairs of the column."""

    @property
    def is_significant(self) -> bool:
        """Whether it is no chance, at 5 %."""
        return not self.has_few_errors and self.corrected <= SIGNIFICANCE_LEVEL

    @property
    def has_few_errors(self) -> bool:
        """Whether errors are too few to say anything."""
        return self.difference.few


@dataclass(frozen=True)
class RowTests:
    """What is known of the differences between a table's rows."""

    tested: Mapping[tuple[int, str, str], RowTest]
    """By column, and both rows: the second minus the first. Each pair is there both ways round."""
    untested: Mapping[tuple[int, str], str]
    """Why a row is not compared in a column."""

    def has_few_errors(self, column: int, one: str, other: str) -> bool:
        """Whether two rows cannot be told apart because errors are too few."""
        test = self.tested.get((column, one, other))
        return test is not None and test.has_few_errors

    def level_with_best(self, column: int, tops: frozenset[str]) -> frozenset[str]:
        """Return the rows that do not differ significantly from one of `tops`."""
        return frozenset(
            row
            for at, top, row in self.tested
            if at == column
            and top in tops
            and row not in tops
            and not self.tested[at, top, row].is_significant
        )


def compare_all_rows(
    table: Table, results: ResultCells, standings: RunsByRow, artifacts: StoredResults | None
) -> RowTests:
    """Return the tests of all pairs of complete rows, column by column."""
    tested: dict[tuple[int, str, str], RowTest] = {}
    untested: dict[tuple[int, str], str] = {}
    replicates = _Replicates(table, artifacts)
    for index, column in enumerate(table.columns):
        column_cells = [cell for cell in results if cell.column == index and cell.seeds_wanted]
        untested |= {
            (index, cell.row): cell.missing_reason for cell in column_cells if not cell.is_complete
        }
        complete = [cell.row for cell in column_cells if cell.is_complete]
        if len(complete) < 2:
            continue
        systems: dict[str, tuple[str, SeededResult]] = {}
        for row in complete:
            system = _read_system(column, standings[row], replicates)
            if isinstance(system, str):
                untested[index, row] = system
            else:
                systems[row] = system
        tested |= {(index, *pair): test for pair, test in _compare_pairs(systems).items()}
    return RowTests(tested, untested)


class _Replicates:
    """The bootstrap replicates of runs by metric.

    All that the table's columns need of an evaluation is read at once, as it is of one score file.
    """

    def __init__(self, table: Table, artifacts: StoredResults | None) -> None:
        self._figures = list_drawn_metrics(table)
        self._kept = artifacts
        self._known: dict[tuple[str, str], Mapping[str, MetricDraws] | None] = {}

    def read_draws(self, run_id: str, metric: str) -> MetricDraws | None:
        """Return the replicates; None where the run's score file cannot be had."""
        evaluation, _, figure = metric.partition(".")
        key = run_id, evaluation
        if key not in self._known:
            figures = self._figures[evaluation]
            self._known[key] = (
                None if self._kept is None else self._kept.read_draws(run_id, evaluation, figures)
            )
        draws_by_metric = self._known[key]
        return None if draws_by_metric is None else draws_by_metric[figure]


def _read_system(
    column: Column, stands: RowRuns, drawn: _Replicates
) -> tuple[str, SeededResult] | str:
    """Return a row's figure of every seed with a digest of the trials, or why it is not tested."""
    metrics = column.parts or (column.metric,)
    values: list[float] = []
    replicates: list[np.ndarray] = []
    mistakes: list[Mistakes] = []
    trials: set[str] = set()
    for run in stands.results:
        parts = [drawn.read_draws(run.find_run_id(m.partition(".")[0]), m) for m in metrics]
        present = [part for part in parts if part is not None]
        if len(present) < len(parts):
            which = "" if stands.system else f" of seed {run.seed}"
            return f"the score file{which} is not in the tracking store"
        if not all(part.trials for part in present):
            return "the metric needs more than a score file contains"
        scale = 100.0 if is_rate(column.metric) else 1.0
        figures = [run.figures[metric] for metric in metrics]
        values.append(_combine_values(column, figures))
        mistakes += _combined_mistakes(column, figures, present, scale)
        replicates.append(scale * _combined_draws(column, present))
        trials.add(" ".join(part.trials for part in present))
    if len(trials) > 1:
        return "its seeds were scored on different trials"
    return trials.pop(), SeededResult(np.array(values), np.stack(replicates), tuple(mistakes))


def _combine_values(column: Column, values: list[float]) -> float:
    return values[0] if column.combine == "none" else combine_values(column.combine, values)


def _combined_draws(column: Column, parts: list[MetricDraws]) -> np.ndarray:
    if column.combine == "none":
        return parts[0].values
    if column.combine == "mean":
        return np.mean([part.values for part in parts], axis=0)
    return np.abs(parts[0].values - parts[1].values)


def _combined_mistakes(
    column: Column, figures: list[float], parts: list[MetricDraws], scale: float
) -> list[Mistakes]:
    """Return the mistakes that a seed's figure rests on; none where a part has no such."""
    wrong = [part.mistakes.scale_bounds(scale) for part in parts if part.mistakes is not None]
    if len(wrong) < len(parts):
        return []
    return wrong if column.combine == "none" else [join_mistakes(column.combine, figures, wrong)]


def _compare_pairs(
    systems: Mapping[str, tuple[str, SeededResult]],
) -> dict[tuple[str, str], RowTest]:
    """Return the tests of all pairs that were scored on the same trials, both ways round."""
    pairs = [
        (one, other)
        for one, other in combinations(systems, 2)
        if systems[one][0] == systems[other][0]
    ]
    tests: dict[tuple[str, str], RowTest] = {}
    differences = [compare_systems(systems[other][1], systems[one][1]) for one, other in pairs]
    corrected = correct_holm([difference.p_value for difference in differences])
    for (one, other), difference, p_value in zip(pairs, differences, corrected, strict=True):
        tests[one, other] = RowTest(difference, p_value)
        low, high = -difference.high, -difference.low
        turned = difference._replace(value=-difference.value, low=low, high=high)
        tests[other, one] = RowTest(turned, p_value)
    return tests
