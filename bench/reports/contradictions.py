"""Figures that a paper prints and that cannot all be right: a combined one against its parts, and
one system in two tables. Nothing is said where rounding explains it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.metrics.combined import combined, rounding
from bench.reports.cells import decimals, half_unit
from bench.specs.table import Column, Row, Table


def contradictions(table: Table, others: Sequence[Table] = ()) -> dict[tuple[str, int], str]:
    """Return a note, with the arithmetic, for each contradictory figure of `table`, by row and
    index of the column.

    `others` are the paper's other tables. A row of the same name is the same system; its figure
    there is compared where the metric is the same and no combination.
    """
    found: dict[tuple[str, int], str] = {}
    for name, row in table.rows.items():
        for place, column in enumerate(table.columns):
            notes = (
                [_elsewhere(table, name, column, other) for other in others]
                if column.combine == "none"
                else [_against_parts(table, row, column)]
            )
            if any(notes):
                subject = " · ".join(row.cells)
                found[name, place] = f"{subject}: {'; '.join(filter(None, notes))}."
    return found


def _against_parts(table: Table, row: Row, column: Column) -> str:
    printed = row.published.get(column.metric)
    arithmetic = _arithmetic(table, row.published, column)
    if printed is None or arithmetic is None or column.combine == "none":
        return ""
    text, value = arithmetic
    parts = [half_unit(part) for part in _parts(table, column)]
    allowed = rounding(column.combine, parts) + half_unit(column)
    if _differ(printed, value, allowed):
        return f"{_source(row, column)} {_shown(printed, column)} for {_name(column)}; {text}"
    return ""


def _elsewhere(table: Table, name: str, column: Column, other: Table) -> str:
    there = next((c for c in other.columns if c.metric == column.metric), None)
    row, again = table.rows[name], other.rows.get(name)
    if there is None or again is None:
        return ""
    here, second = (r.published.get(column.metric) for r in (row, again))
    if (
        here is None
        or second is None
        or not _differ(here, second, half_unit(column) + half_unit(there))
    ):
        return ""
    note = (
        f"{_source(row, column)} {_shown(here, column)} for {_name(column)} here and "
        f"{_shown(second, there)} in {other.title}"
    )
    figures = {**row.published, column.metric: second}
    users = [c for c in table.columns if column.metric in c.parts and c.metric in figures]
    so = [(_name(user), _arithmetic(table, figures, user)) for user in users]
    follows = " and ".join(f"{user} is {made[0]}" for user, made in so if made)
    return note + (f", with which {follows}" if follows else "")


def _arithmetic(
    table: Table, figures: dict[str, float], column: Column
) -> tuple[str, float] | None:
    """Return what the parts make of a combined figure, written out and as a number; None where a
    part is lacking or the column combines none.
    """
    if column.combine == "none" or not figures.keys() >= set(column.parts):
        return None
    values = [figures[part] for part in column.parts]
    value = combined(column.combine, values)
    texts = [_shown(figures[part.metric], part) for part in _parts(table, column)]
    if column.combine == "mean":
        left = f"({' + '.join(texts)}) / {len(texts)}"
    else:
        left = f"{max(values):.{decimals(column)}f} - {min(values):.{decimals(column)}f}"
    # Two decimals more where they are not 0: nobody has to guess which way a half was rounded.
    exact = re.sub("0{1,2}$", "", f"{value:.{decimals(column) + 2}f}")
    return f"{left} = {exact}", value


def _parts(table: Table, column: Column) -> list[Column]:
    by_metric = {other.metric: other for other in table.columns}
    return [by_metric[part] for part in column.parts]


def _differ(one: float, other: float, allowed: float) -> bool:
    return abs(one - other) > allowed + 1e-9  # decimals have no exact float


def _shown(value: float, column: Column) -> str:
    return f"{value:.{decimals(column)}f}"


def _name(column: Column) -> str:
    return " ".join(dict.fromkeys(filter(None, [column.group, column.heading])))


def _source(row: Row, column: Column) -> str:
    second_hand = column.metric in row.digest
    return "a digest of the paper has" if second_hand else "the paper prints"
