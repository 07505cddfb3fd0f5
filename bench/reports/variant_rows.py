"""Lines of a report for the variants of a table's rows that were run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.cards import table_cards
from bench.cards.paper_cards import add_variant
from bench.cards.table_cards import MARK
from bench.config import Form
from bench.specs.run import PUBLISHED_WEIGHTS, Run
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun


def add_variant_rows(
    table: Table, runs: Mapping[str, Run], stored: Sequence[StoredRun], form: Form
) -> tuple[Table, dict[str, Run]]:
    """Return `table` and `runs` with a line after a row for each variant of it that was run.

    `runs` holds folded settings by row, in `form`; a variant is in `stored`, for example
    `S7@released` after `S7`. Its line has the paper's results of the row. A run of a variant that
    the paper's card no longer names, or of a row that is not among `runs`, has none. Rows that
    evaluate published weights are marked.
    """
    tracked = {run.row for run in stored if run.form == form}
    for variant in sorted({row.partition(MARK)[2] for row in tracked if MARK in row}):
        paper = table_cards.read_paper_of(table)
        if variant in paper.variants:
            begun = [row for row in runs if f"{row}{MARK}{variant}" in tracked]
            table, _ = add_variant(table, paper, variant, begun)
    rows = [row for row in table_cards.runnable_rows(table) if row in runs or MARK in row]
    every = {row: runs.get(row) or table_cards.resolve_row(table, row, form) for row in rows}
    return _mark_published(table, every), every


def _mark_published(table: Table, runs: Mapping[str, Run]) -> Table:
    """Return `table` with a word behind the text of each row that evaluates published weights."""
    rows = dict(table.rows)
    for name, run in runs.items():
        if not run.is_trained:
            *before, last = rows[name].cells
            cells = (*before, f"{last} ({PUBLISHED_WEIGHTS})".lstrip())
            rows[name] = rows[name].model_copy(update={"cells": cells})
    return table.model_copy(update={"rows": rows})
