"""How much of a table is reproduced: rows by state, results by verdict, the farthest result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bench.reports.result_cells import ResultCell, ResultCells, half_unit, read_row_state
from bench.specs.table import Table


class Completeness(NamedTuple):
    """What is counted of a table, rows of other systems left out."""

    states: Mapping[str, int]
    """Rows that are complete, incomplete, not run."""
    inside: int
    """Figures of complete rows beside which the paper's is one that a further seed could give."""
    outside: int
    few_errors: int
    """Those with too few errors to judge; no verdict, as with fewer than three seeds."""
    few_seeds: int
    farthest: ResultCell | None
    """The result of a complete row that deviates most from the paper's, relative to it, those
    with too few errors left out."""


def count_results(table: Table, results: ResultCells) -> Completeness:
    """Return the counts of a table's cells."""
    states = Counter(read_row_state(results, row) for row in table.rows)
    beside = [cell for cell in results if cell.is_complete and cell.difference is not None]
    verdicts = Counter(cell.ours.verdict for cell in beside if cell.ours)
    judged = [cell for cell in beside if cell.ours and cell.ours.verdict != "too few errors"]
    return Completeness(
        {name: states[name] for name in ("complete", "incomplete", "not run")},
        inside=verdicts["inside"],
        outside=verdicts["outside"],
        few_errors=verdicts["too few errors"],
        few_seeds=verdicts["one seed"] + verdicts["two seeds"],
        farthest=max(judged, key=lambda cell: _relative_distance(table, cell), default=None),
    )


def _relative_distance(table: Table, cell: ResultCell) -> float:
    """Return the difference as a share of the paper's result.

    A column of rates and one of costs have no unit in common. A result that the paper prints as 0
    may be half a printed unit.
    """
    assert cell.difference is not None
    assert cell.paper is not None
    return abs(cell.difference) / max(abs(cell.paper), half_unit(table.columns[cell.column]))
