"""A table's results on a terminal, from the tracking store: for `run`, `show` and `report`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench.cards import table_cards
from bench.cli.text_width import terminal_width
from bench.config import Config, Form
from bench.reports import terminal_table
from bench.reports.cell_records import build_cell_record
from bench.reports.result_cells import ResultCell, build_cells
from bench.reports.row_runs import select_row_runs
from bench.specs.table import Table
from bench.tracking import open_store
from bench.tracking.stored_runs import StoredRun, read_stored_runs
from bench.tracking.table_runs import table_runs

EARLIER = "(settings or code of an earlier version)"


@dataclass(frozen=True)
class Results:
    """The runs of a table, as the report shows them and beside them; read once."""

    card: Table
    """With the variants of rows that are asked about."""
    form: Form
    here: Config

    @cached_property
    def stored(self) -> list[StoredRun]:
        """The runs as a report reads them."""
        return read_stored_runs(table_runs(self.here, self.card.key, self.form))

    @cached_property
    def shown(self) -> terminal_table.TerminalTable:
        """The rows, and the variants that are asked about or were run."""
        runs = table_cards.resolve_rows(self.card, self.form)
        return terminal_table.select_shown_rows(self.card, runs, self.stored, self.form)

    def build_lines(
        self, rows: Sequence[str] | None, *, others: bool
    ) -> list[terminal_table.TerminalRow]:
        """Return the lines of all rows, or of `rows`.

        With `others`, the lines of a row's runs with other settings follow the row.
        """
        lines = [line for line in self.shown.list_rows if rows is None or line.key in rows]
        if not others:
            return lines
        return [each for line in lines for each in (line, *self._other_lines(line.key))]

    def format_table(self, lines: Sequence[terminal_table.TerminalRow]) -> str:
        """Return the lines as a table that fits the terminal."""
        return terminal_table.format_terminal_table(
            self.shown.table, lines, self.form, terminal_width()
        )

    def not_shown(self, rows: Sequence[str] | None) -> str:
        """Return how many runs of all rows, or of `rows`, are left out, and why."""
        standings = self.shown.standings
        return terminal_table.describe_left_out_runs(
            runs for row, runs in standings.items() if not rows or row in rows
        )

    def describe_state(self, row: str) -> str:
        """Return how far a row is."""
        unknown = open_store.explain_unread(self.here)
        return (
            f"not known: {unknown}"
            if unknown
            else terminal_table.describe_progress(self.shown.standings[row])
        )

    def build_records(self, row: str) -> list[dict[str, Any]]:
        """Return the results of a row, for scripts: one record a column."""
        return [self._build_record(cell) for cell in self.shown.cells if cell.row == row]

    def build_other_records(self, rows: Sequence[str]) -> list[dict[str, Any]]:
        """Return what was run of `rows` with other settings, for scripts."""
        return [
            {
                "table": self.card.key,
                "row": line.key,
                "set": line.changed,
                "state": line.state,
                "results": [self._build_record(cell) for cell in line.cells],
            }
            for row in rows
            for line in self._other_lines(row)
        ]

    def of_settings(self, row: str, signature: str) -> list[terminal_table.TerminalRow]:
        """Return the line of a row's run with other settings than its card's, if there is one."""
        table = self.shown.table
        alike = [run for run in self.stored if (run.row, run.signature) == (row, signature)]
        if not alike:
            return []
        stands = select_row_runs(table, row, (signature,), alike, self.form)
        changes = [run.overrides for run in alike if run.overrides]
        return [
            terminal_table.TerminalRow(
                row,
                table.rows[row].cells,
                tuple(cell for cell in build_cells(table, {row: stands}) if cell.row == row),
                terminal_table.describe_progress(stands),
                changes[-1] if changes else EARLIER,
            )
        ]

    def of_seed(self, row: str, signature: str, seed: int) -> tuple[str, float]:
        """Return the results of one seed of a row on one line, and the hours that it took.

        The line is "" if the store has no such run.
        """
        alike = [run for run in self.stored if run.seed == seed]
        stands = select_row_runs(self.card, row, (signature,), alike, self.form)
        cells_of_row = [cell for cell in build_cells(self.card, {row: stands}) if cell.row == row]
        hours = stands.runs[-1].hours if stands.runs else 0.0
        return terminal_table.format_row_results(self.card, cells_of_row), hours

    def _other_lines(self, row: str) -> list[terminal_table.TerminalRow]:
        """Return a line for each set of other settings that a row was run with."""
        if row not in self.shown.standings:
            return []
        of_card = table_cards.resolve_row(self.shown.table, row, self.form).signatures
        signatures = dict.fromkeys(run.signature for run in self.stored if run.row == row)
        return [
            line
            for signature in signatures
            if signature not in of_card
            for line in self.of_settings(row, signature)
        ]

    def _build_record(self, cell: ResultCell) -> dict[str, Any]:
        return build_cell_record(self.shown.table, cell, self.form)
