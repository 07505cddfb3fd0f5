"""How much of a table is reproduced: rows by state, figures inside and outside, the farthest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from bench.reporting.cells import Cell, state
from bench.specs.table import Table


class Tally(NamedTuple):
    """What is counted of a table, rows of other systems left out."""

    states: Mapping[str, int]
    """Rows that are complete, incomplete, not run."""
    inside: int
    """Figures of complete rows beside which the paper's lies in our interval."""
    outside: int
    farthest: Cell | None
    """The figure of a complete row that is farthest from the paper's, in proportion to it."""


def tally(table: Table, found: tuple[Cell, ...]) -> Tally:
    """Return the counts of a table's cells."""
    states = Counter(state(found, row) for row in table.rows)
    beside = [cell for cell in found if cell.complete and cell.difference is not None]
    inside = sum(1 for cell in beside if cell.ours and cell.ours.inside)
    return Tally(
        {name: states[name] for name in ("complete", "incomplete", "not run")},
        inside,
        len(beside) - inside,
        max(beside, key=_distance, default=None),
    )


def _distance(cell: Cell) -> float:
    """Return the difference as a share of the paper's figure: a column of rates and one of costs
    have no unit in common.
    """
    assert cell.difference is not None
    assert cell.paper is not None
    return abs(cell.difference) / max(abs(cell.paper), 1e-12)
