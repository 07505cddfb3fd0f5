"""A table's results for scripts: one record a cell, the same in every JSON and in CSV."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from bench._io.printable import csv_text
from bench.config import Form
from bench.reports.result_cells import COUNTS, ResultCell
from bench.specs.table import Table

_OF_OURS = ("sd", "low", "high", "utterance_low", "utterance_high", *COUNTS)


def build_cell_record(table: Table, cell: ResultCell, form: Form) -> dict[str, Any]:
    """Return the record of a cell.

    `value` is our mean over seeds, `paper` what the paper prints, both in `unit` as are the bounds;
    None where there is none. `values` are those of `seeds`.
    """
    row, column, ours = table.rows[cell.row], table.columns[cell.column], cell.ours
    evaluation, dot, _ = column.metric.partition(".")
    return {
        "form": form,
        "table": table.key,
        "row": cell.row,
        "group": row.group,
        "text": " ".join(row.cells),
        "evaluation": evaluation if dot else None,
        "metric": column.metric,
        "unit": column.unit,
        "better": column.better_direction,
        "paper": cell.paper,
        "paper_from": cell.paper_from,
        "value": ours and ours.mean,
        **{name: ours and getattr(ours, name) for name in _OF_OURS},
        "seeds": [*ours.seeds] if ours else [],
        "values": [*ours.values] if ours else [],
        "difference": cell.difference,
        "verdict": ours and ours.verdict,
        "seeds_done": cell.seeds_done,
        "seeds_wanted": cell.seeds_wanted,
        "scored": cell.scored,
        "trials_missing": cell.trials_missing,
    }


def build_cell_records(
    table: Table, results: Sequence[ResultCell], form: Form
) -> tuple[dict[str, Any], ...]:
    """Return the records of all cells."""
    return tuple(build_cell_record(table, cell, form) for cell in results)


def format_records_csv(records_of_cells: Sequence[dict[str, Any]]) -> str:
    """Return one line a record.

    Results have four decimals and are empty where there is none; those of several seeds have blanks
    between them.
    """
    lines = ([_format_csv_value(value) for value in record.values()] for record in records_of_cells)
    return csv_text([list(records_of_cells[0]), *lines])


def _format_csv_value(value: Any) -> Any:
    if isinstance(value, list):
        return " ".join(str(_format_csv_value(item)) for item in cast("list[Any]", value))
    return f"{value:.4f}" if isinstance(value, float) else value
