"""The table as a terminal shows it: a line a row, the paper's result beside ours, how far each row
is. The cells are the report's (`bench.reports.cells`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from bench.config import Form
from bench.reports.cells import Cell, cells, decimals
from bench.reports.grid import bracketed
from bench.reports.row_names import text_places
from bench.reports.standings import Standing, standing
from bench.reports.tables import sides
from bench.reports.text_columns import TextColumn, fits, laid_out
from bench.reports.variants import with_variants
from bench.specs.run import Run
from bench.specs.table import Column, Table

NOTHING = "–"
_MOST_RESULTS = 8
"""So many results stand on a row's line; the table has them all."""


class Line(NamedTuple):
    """One row of the table."""

    key: str
    """What `--rows` names it by."""
    texts: tuple[str, ...]
    cells: tuple[Cell, ...]
    state: str
    changed: str = ""
    """What `--set` changed of it."""


class Shown(NamedTuple):
    """What is shown of a table: its rows, variants that were run among them, and their runs."""

    table: Table
    standings: Mapping[str, Standing]
    cells: tuple[Cell, ...]

    @property
    def lines(self) -> tuple[Line, ...]:
        """A line for each row of the table, in its order."""
        return lines(self.table, self.cells, self.standings)


def shown(table: Table, runs: Mapping[str, Run], frame: pd.DataFrame, form: Form) -> Shown:
    """Return what the report shows of `table`; `runs` holds the folded settings of its rows in
    `form`, and `frame` all tracked runs of the table.
    """
    table, runs = with_variants(table, runs, frame, form)
    standings = {row: standing(table, row, run, frame, form) for row, run in runs.items()}
    return Shown(table, standings, cells(table, standings))


def lines(
    table: Table, found: Iterable[Cell], standings: Mapping[str, Standing]
) -> tuple[Line, ...]:
    """Return a line for each row of the table, in its order."""
    own: dict[str, list[Cell]] = {row: [] for row in table.rows}
    for cell in found:
        own[cell.row].append(cell)
    return tuple(
        Line(name, row.cells, tuple(own[name]), progress(standings.get(name)))
        for name, row in table.rows.items()
    )


def progress(of_row: Standing | None) -> str:
    """Return how far a row is: `finished, seed 666`, `1 of 3 seeds; seed 667: failed`, `not run`;
    of a row that the suite does not run `published`, or `scored`.
    """
    if of_row is None:
        return "published"
    if of_row.scored:
        return "scored"
    missing = {of.seed: of.why.partition(":")[0] for of in of_row.missing}
    done = [seed for seed in of_row.seeds if seed not in missing]
    reasons = [f"seed {seed}: {why}" for seed, why in missing.items() if why != "not run"]
    if not done:
        return "; ".join(reasons) or "not run"
    if missing:
        return "; ".join([f"{len(done)} of {len(of_row.seeds)} seeds", *reasons])
    return f"finished, seed {done[0]}" if len(done) == 1 else f"finished, {len(done)} seeds"


def text(table: Table, rows: Sequence[Line], form: Form, width: int) -> str:
    """Return the table in lines of at most `width` characters where its words allow that: below
    each other in parts, each beginning with the rows' keys, where one is too narrow. Intervals are
    shown where they fit.
    """
    in_rows = table.layout == "rows"
    known = [cell for line in rows for cell in line.cells]
    with_paper = any(cell.paper is not None for cell in known)
    before, after = _frame(table, rows, form)
    figures, interval = list[TextColumn](), False
    for interval in (any(cell.ours for cell in known), False):
        figures = [
            _figures(of, [line.cells[place] for line in rows], with_paper, interval)
            for place, of in enumerate(table.columns if in_rows else ())
        ]
        if fits([*before, *figures, *after], width):
            break
    side_by_side = laid_out(before, figures, after, width)
    parts = [_key(table, with_paper, interval), *side_by_side]
    for line in () if in_rows else rows:
        if any(cell.seeds_wanted for cell in line.cells):
            parts += ["", *_matrix(table, line, with_paper, width)]
    return "\n".join(parts)


def results(table: Table, found: Sequence[Cell]) -> str:
    """Return the results of one row on one line, `PS EER 3.47 (paper 3.50)  PS F1 96.60 (96.62)`;
    of many columns the first that are of no breakdown.
    """
    known = [cell for cell in found if cell.ours]
    whole = [cell for cell in known if table.columns[cell.column].metric.count(".") < 2]
    first = (whole or known)[:_MOST_RESULTS]
    texts: list[str] = []
    for cell in first:
        column = table.columns[cell.column]
        word = "" if any("(" in of for of in texts) else "paper "
        paper = "" if cell.paper is None else f" ({word}{_number(cell.paper, column)})"
        ours = _number(cell.ours and cell.ours.mean, column)
        texts.append(f"{_heading(column)} {ours}{_unit(column)}{paper}")
    more = len(known) - len(first)
    return "  ".join([*texts, *([f"and {more} more"] if more else [])])


def not_shown(standings: Iterable[Standing]) -> str:
    """Return which finished runs of the rows the table leaves out, and why; nothing where it leaves
    out none.
    """
    counts: dict[str, int] = {}
    for of in standings:
        for reason, count in of.left_out.items():
            counts[reason] = counts.get(reason, 0) + count
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _frame(
    table: Table, rows: Sequence[Line], form: Form
) -> tuple[list[TextColumn], list[TextColumn]]:
    """Return the columns before the results, key and the paper's cells, and those after them, state
    and what was set. A column of the paper that says the keys alone is left out.
    """
    texts = [
        TextColumn(table.text_columns[n], tuple(line.texts[n] for line in rows), wraps=True)
        for n in text_places((line.key, line.texts) for line in rows)
    ]
    changed = TextColumn("set", tuple(line.changed for line in rows), wraps=True)
    before = [
        TextColumn("row" if form == "paper" else "SMOKE", tuple(line.key for line in rows)),
        *texts,
    ]
    after = [TextColumn("state", tuple(line.state for line in rows), wraps=True)]
    return before, [*after, changed] if any(changed.cells) else after


def _key(table: Table, with_paper: bool, interval: bool) -> str:
    units = {column.unit for column in table.columns}
    parts = ["paper / ours"] if with_paper else ["ours"]
    parts += ["[95 % interval]"] if interval and table.layout == "rows" else []
    return " ".join(parts) + (", in %" if units == {"%"} else "")


def _figures(column: Column, found: Sequence[Cell], with_paper: bool, interval: bool) -> TextColumn:
    """Return a column of results; the strokes between the paper's and ours stand below each
    other.
    """
    papers = [_number(cell.paper, column) for cell in found]
    means = [_mean(cell, column) for cell in found]
    left, right = (max(map(len, of), default=0) for of in (papers, means))
    ours = [
        f"{mean:>{right}} {_bounds(cell, column) if interval else ''}".rstrip()
        for mean, cell in zip(means, found, strict=True)
    ]
    if not with_paper:
        return TextColumn(_heading(column), tuple(ours))
    whole = [
        f"{paper:>{left}} / {own}" if own else f"{paper:>{left}}"
        for paper, own in zip(papers, ours, strict=True)
    ]
    return TextColumn(_heading(column), tuple(whole))


def _matrix(table: Table, line: Line, with_paper: bool, width: int) -> list[str]:
    """Return the results of one row as the paper lays them out: a line a group."""
    down, across = sides(table.columns)
    place = {(column.group, column.heading): n for n, column in enumerate(table.columns)}
    columns = [
        TextColumn(
            heading,
            tuple(
                _figures(table.columns[at], [line.cells[at]], with_paper, interval=False).cells[0]
                if (at := place.get((group, heading))) is not None
                else ""
                for group in down
            ),
        )
        for heading in across
    ]
    return laid_out([TextColumn(line.key, tuple(down))], columns, [], width)


def _mean(cell: Cell, column: Column) -> str:
    if not cell.seeds_wanted:
        return ""
    if cell.ours is None:
        return NOTHING
    mean = _number(cell.ours.mean, column)
    return mean if cell.ours.sd is None else f"{mean} ± {_number(cell.ours.sd, column)}"


def _bounds(cell: Cell, column: Column) -> str:
    return "" if cell.ours is None else bracketed(cell.ours.low, cell.ours.high, decimals(column))


def _number(value: float | None, column: Column) -> str:
    return NOTHING if value is None else f"{value:.{decimals(column)}f}"


def _heading(column: Column) -> str:
    return f"{column.group} {column.heading}".strip()


def _unit(column: Column) -> str:
    return " %" if column.unit == "%" else ""
