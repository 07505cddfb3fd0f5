"""The table as a terminal shows it: a line a row, the paper's result beside ours.

The cells are the report's (`bench.reports.result_cells`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.config import Form
from bench.reports.matrix_sides import index_matrix, list_sides
from bench.reports.name_ranges import format_interval
from bench.reports.result_cells import (
    ResultCell,
    ResultCells,
    build_cells,
    count_decimals,
    format_result,
    name_column,
)
from bench.reports.row_names import find_shown_columns
from bench.reports.row_runs import RowRuns, RunsByRow, select_row_runs
from bench.reports.text_columns import TextColumn, columns_fit, lay_out_columns
from bench.reports.variant_rows import add_variant_rows
from bench.specs.run import Run
from bench.specs.table import Column, Table
from bench.tracking.stored_runs import StoredRun

NOTHING = "–"
_MOST_RESULTS = 8
"""So many results stand on a row's line; the table has them all."""


class TerminalRow(NamedTuple):
    """One row of the table."""

    key: str
    """What `--rows` names it by."""
    texts: tuple[str, ...]
    cells: ResultCells
    state: str
    changed: str = ""
    """What `--set` changed of it."""


class TerminalTable(NamedTuple):
    """What is shown of a table: its rows, variants that were run among them, and their runs."""

    table: Table
    standings: RunsByRow
    cells: ResultCells

    @property
    def list_rows(self) -> tuple[TerminalRow, ...]:
        """A line for each row of the table, in its order."""
        return build_terminal_rows(self.table, self.cells, self.standings)


def select_shown_rows(
    table: Table, runs: Mapping[str, Run], stored: Sequence[StoredRun], form: Form
) -> TerminalTable:
    """Return what the report shows of `table`.

    `runs` holds the folded settings of its rows in `form`, and `stored` all tracked runs of the
    table.
    """
    table, runs = add_variant_rows(table, runs, stored, form)
    standings = {
        row: select_row_runs(table, row, run.signatures, stored, form) for row, run in runs.items()
    }
    return TerminalTable(table, standings, build_cells(table, standings))


def build_terminal_rows(
    table: Table, results: Iterable[ResultCell], standings: RunsByRow
) -> tuple[TerminalRow, ...]:
    """Return a line for each row of the table, in its order."""
    cells_by_row: dict[str, list[ResultCell]] = {row: [] for row in table.rows}
    for cell in results:
        cells_by_row[cell.row].append(cell)
    return tuple(
        TerminalRow(
            name, row.cells, tuple(cells_by_row[name]), describe_progress(standings.get(name))
        )
        for name, row in table.rows.items()
    )


def describe_progress(of_row: RowRuns | None) -> str:
    """Return how far a row is: `finished, seed 666`, `1 of 3 seeds; seed 667: failed`, `not run`.

    A row that the suite does not run is `published` or `scored`.
    """
    if of_row is None:
        return "published"
    if of_row.system:
        return "scored"
    missing = {seed.seed: seed.why.partition(":")[0] for seed in of_row.missing}
    done = [seed for seed in of_row.seeds if seed not in missing]
    reasons = [f"seed {seed}: {why}" for seed, why in missing.items() if why != "not run"]
    if not done:
        return "; ".join(reasons) or "not run"
    if missing:
        return "; ".join([f"{len(done)} of {len(of_row.seeds)} seeds", *reasons])
    return f"finished, seed {done[0]}" if len(done) == 1 else f"finished, {len(done)} seeds"


def format_terminal_table(table: Table, rows: Sequence[TerminalRow], form: Form, width: int) -> str:
    """Return the table in lines of at most `width` characters, where its words allow that.

    Where the terminal is too narrow, parts stand below each other, each beginning with the rows'
    keys. Intervals are shown where they fit.
    """
    in_rows = table.layout == "rows"
    all_cells = [cell for line in rows for cell in line.cells]
    with_paper = any(cell.paper is not None for cell in all_cells)
    before, after = _frame_columns(table, rows, form)
    figures, interval = list[TextColumn](), False
    for interval in (any(cell.ours for cell in all_cells), False):
        figures = [
            _result_column(column, [line.cells[index] for line in rows], with_paper, interval)
            for index, column in enumerate(table.columns if in_rows else ())
        ]
        if columns_fit([*before, *figures, *after], width):
            break
    side_by_side = lay_out_columns(before, figures, after, width)
    parts = [_explain_columns(table, with_paper, interval), *side_by_side]
    for line in () if in_rows else rows:
        if any(cell.seeds_wanted for cell in line.cells):
            parts += ["", *_format_matrix(table, line, with_paper, width)]
    return "\n".join(parts)


def format_row_results(table: Table, row_cells: Sequence[ResultCell]) -> str:
    """Return the results of one row on one line, `PS EER 3.47 (paper 3.50)  PS F1 96.60 (96.62)`.

    Of many columns the first are shown that are of no breakdown.
    """
    with_ours = [cell for cell in row_cells if cell.ours]
    whole = [cell for cell in with_ours if table.columns[cell.column].metric.count(".") < 2]
    first = (whole or with_ours)[:_MOST_RESULTS]
    texts: list[str] = []
    for cell in first:
        column = table.columns[cell.column]
        word = "" if any("(" in text_so_far for text_so_far in texts) else "paper "
        paper = "" if cell.paper is None else f" ({word}{_format_number(cell.paper, column)})"
        ours = _format_number(cell.ours and cell.ours.mean, column)
        texts.append(f"{name_column(column)} {ours}{_format_unit(column)}{paper}")
    more = len(with_ours) - len(first)
    return "  ".join([*texts, *([f"and {more} more"] if more else [])])


def describe_left_out_runs(standings: Iterable[RowRuns]) -> str:
    """Return which finished runs of the rows the table leaves out, and why; empty if none."""
    counts: dict[str, int] = {}
    for row_runs in standings:
        for reason, count in row_runs.left_out.items():
            counts[reason] = counts.get(reason, 0) + count
    return ", ".join(f"{count} {reason}" for reason, count in counts.items())


def _frame_columns(
    table: Table, rows: Sequence[TerminalRow], form: Form
) -> tuple[list[TextColumn], list[TextColumn]]:
    """Return the columns before the results and those after them.

    Before are the key and the paper's cells, after state and changed settings. A column of the
    paper that only repeats the keys is left out.
    """
    texts = [
        TextColumn(table.text_columns[n], tuple(line.texts[n] for line in rows), wraps=True)
        for n in find_shown_columns((line.key, line.texts) for line in rows)
    ]
    changed = TextColumn("set", tuple(line.changed for line in rows), wraps=True)
    key = TextColumn("row" if form == "paper" else "SMOKE", tuple(line.key for line in rows))
    after = [TextColumn("state", tuple(line.state for line in rows), wraps=True)]
    return [key, *texts], [*after, changed] if any(changed.cells) else after


def _explain_columns(table: Table, with_paper: bool, interval: bool) -> str:
    units = {column.unit for column in table.columns}
    parts = ["paper / ours"] if with_paper else ["ours"]
    parts += ["[95 % interval]"] if interval and table.layout == "rows" else []
    return " ".join(parts) + (", in %" if units == {"%"} else "")


def _result_column(
    column: Column, column_cells: Sequence[ResultCell], with_paper: bool, interval: bool
) -> TextColumn:
    """Return a column of results, the strokes between the paper's and ours in line."""
    papers = [_format_number(cell.paper, column) for cell in column_cells]
    means = [_format_mean(cell, column) for cell in column_cells]
    left, right = (max(map(len, texts), default=0) for texts in (papers, means))
    ours = [
        f"{mean:>{right}} {_format_bounds(cell, column) if interval else ''}".rstrip()
        for mean, cell in zip(means, column_cells, strict=True)
    ]
    if not with_paper:
        return TextColumn(name_column(column), tuple(ours))
    whole = [
        f"{paper:>{left}} / {our_text}" if our_text else f"{paper:>{left}}"
        for paper, our_text in zip(papers, ours, strict=True)
    ]
    return TextColumn(name_column(column), tuple(whole))


def _format_matrix(table: Table, line: TerminalRow, with_paper: bool, width: int) -> list[str]:
    """Return the results of one row as the paper lays them out: a line a group."""
    down, across = list_sides(table.columns)
    index = index_matrix(table.columns)
    columns = [
        TextColumn(
            heading,
            tuple(
                _result_column(
                    table.columns[at], [line.cells[at]], with_paper, interval=False
                ).cells[0]
                if (at := index.get((group, heading))) is not None
                else ""
                for group in down
            ),
        )
        for heading in across
    ]
    return lay_out_columns([TextColumn(line.key, tuple(down))], columns, [], width)


def _format_mean(cell: ResultCell, column: Column) -> str:
    if not cell.seeds_wanted:
        return ""
    if cell.ours is None:
        return NOTHING
    mean = _format_number(cell.ours.mean, column)
    return mean if cell.ours.sd is None else f"{mean} ± {_format_number(cell.ours.sd, column)}"


def _format_bounds(cell: ResultCell, column: Column) -> str:
    if cell.ours is None:
        return ""
    return format_interval(cell.ours.low, cell.ours.high, count_decimals(column))


def _format_number(value: float | None, column: Column) -> str:
    return NOTHING if value is None else format_result(value, column)


def _format_unit(column: Column) -> str:
    return " %" if column.unit == "%" else ""
