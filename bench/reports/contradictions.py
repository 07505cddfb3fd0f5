"""Results that a paper prints and that cannot all be right.

A combined result may not fit its parts, or one system may have two results in two tables. Nothing
is noted where rounding explains it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.metrics.combined import combine_rounding, combine_values
from bench.reports.result_cells import count_decimals, format_result, half_unit
from bench.specs.table import Column, Row, Table


def find_contradictions(table: Table, others: Sequence[Table] = ()) -> dict[tuple[str, int], str]:
    """Return a note, with the arithmetic, for each contradictory result of `table`.

    Notes are by row and index of the column. `others` are the paper's other tables. A row of the
    same name is the same system; its result there is compared where the metric is the same and not
    combined.
    """
    notes_by_cell: dict[tuple[str, int], str] = {}
    for name, row in table.rows.items():
        for index, column in enumerate(table.columns):
            notes = (
                [_compare_elsewhere(table, name, column, other) for other in others]
                if column.combine == "none"
                else [_against_parts(table, row, column)]
            )
            if any(notes):
                subject = " · ".join(row.cells)
                notes_by_cell[name, index] = f"{subject}: {'; '.join(filter(None, notes))}."
    return notes_by_cell


def _against_parts(table: Table, row: Row, column: Column) -> str:
    printed = row.published_figures.get(column.metric)
    arithmetic = _compute_combined(table, row.published_figures, column)
    if printed is None or arithmetic is None or column.combine == "none":
        return ""
    text, value = arithmetic
    parts = [half_unit(part) for part in _list_parts(table, column)]
    allowed = combine_rounding(column.combine, parts) + half_unit(column)
    if _values_differ(printed, value, allowed):
        says = f"{_name_source(row, column)} {format_result(printed, column)}"
        return f"{says} for {_name_column(column)}; {text}"
    return ""


def _compare_elsewhere(table: Table, name: str, column: Column, other: Table) -> str:
    there = next((c for c in other.columns if c.metric == column.metric), None)
    row, again = table.rows[name], other.rows.get(name)
    if there is None or again is None:
        return ""
    here, second = (r.published_figures.get(column.metric) for r in (row, again))
    allowed = half_unit(column) + half_unit(there)
    if here is None or second is None or not _values_differ(here, second, allowed):
        return ""
    note = (
        f"{_name_source(row, column)} {format_result(here, column)} for {_name_column(column)} "
        f"here and {format_result(second, there)} in {other.title}"
    )
    figures = {**row.published_figures, column.metric: second}
    users = [c for c in table.columns if column.metric in c.parts and c.metric in figures]
    so = [(_name_column(user), _compute_combined(table, figures, user)) for user in users]
    follows = " and ".join(f"{user} is {made[0]}" for user, made in so if made)
    return note + (f", with which {follows}" if follows else "")


def _compute_combined(
    table: Table, figures: dict[str, float], column: Column
) -> tuple[str, float] | None:
    """Return what the parts of a combined result give, written out and as a number.

    None where a part is missing or the column combines none.
    """
    if column.combine == "none" or not figures.keys() >= set(column.parts):
        return None
    values = [figures[part] for part in column.parts]
    value = combine_values(column.combine, values)
    texts = [format_result(figures[part.metric], part) for part in _list_parts(table, column)]
    digits = count_decimals(column)
    if column.combine == "mean":
        left = f"({' + '.join(texts)}) / {len(texts)}"
    else:
        left = f"{max(values):.{digits}f} - {min(values):.{digits}f}"
    # Two decimals more where they are not 0: nobody has to guess which way a half was rounded.
    exact = re.sub("0{1,2}$", "", f"{value:.{digits + 2}f}")
    return f"{left} = {exact}", value


def _list_parts(table: Table, column: Column) -> list[Column]:
    by_metric = {other.metric: other for other in table.columns}
    return [by_metric[part] for part in column.parts]


def _values_differ(one: float, other: float, allowed: float) -> bool:
    return abs(one - other) > allowed + 1e-9  # decimals have no exact float


def _name_column(column: Column) -> str:
    return " ".join(dict.fromkeys(filter(None, [column.group, column.heading])))


def _name_source(row: Row, column: Column) -> str:
    second_hand = column.metric in row.digest
    return "a summary of the paper has" if second_hand else "the paper prints"
