"""Rows of other systems: what is known of them beside their figures, with links."""

from __future__ import annotations

import re

from bench._io.markdown import fill_template, format_link, is_address, join_texts
from bench.config import Form
from bench.reports.result_cells import format_result, name_column
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix
from bench.specs.table import Row, Table

REFERENCE = re.compile(r"\s*\[\d+\]")
"""The number of a reference in a paper's own list."""


def list_other_measurements(table: Table) -> list[str]:
    """Return a footnote for each result of a row that others measured too."""
    columns = {column.metric: column for column in table.columns}
    notes: list[str] = []
    for row in table.rows.values():
        for column in table.columns:
            figures = [figure for figure in row.elsewhere if figure.metric == column.metric]
            if figures:
                name = ", ".join(filter(None, row.cells))
                printed = row.published_figures.get(column.metric)
                here = "not printed" if printed is None else format_result(printed, column)
                others = join_texts(
                    "; ",
                    (
                        fill_template(
                            "{} by {} ({})",
                            format_result(figure.value, columns[figure.metric]),
                            _format_link(figure.source, figure.url),
                            figure.date,
                        )
                        for figure in figures
                    ),
                )
                text = f"{name}, {name_column(column)}: {here} in this table"
                notes.append(fill_template("{}; {}.", text, others))
    return notes


def link_system_name(row: Row) -> tuple[str, ...]:
    """Return the row's text cells, with the system's name linked to its paper if that is known."""
    index = index_of_name(row)
    return tuple(
        _format_link(cell, row.url) if n == index else cell for n, cell in enumerate(row.cells)
    )


def index_of_name(row: Row) -> int:
    """Return which text cell names the system.

    It is the one with the paper's reference (`SLS [23]`), else the first.
    """
    return next((n for n, cell in enumerate(row.cells) if REFERENCE.search(cell)), 0)


def list_published_systems(table: Table, form: Form) -> str:
    """Return what is known of the published systems, run here or not; empty where nothing is."""
    rows = [row for row in table.rows.values() if _has_facts(row)]
    if not rows:
        return ""
    lines = [
        [
            join_texts(", ", filter(None, link_system_name(row))),
            _format_link("code", row.code),
            row.weights and _format_link("weights", row.weights),
            row.licence,
            row.trained_on,
        ]
        for row in rows
    ]
    headings = ["System", "Code", "Weights", "Licence", "Trained on"]
    used = [n for n in range(len(headings)) if n == 0 or any(line[n] for line in lines)]
    heading, *shown = ([line[n] for n in used] for line in (headings, *lines))
    text = format_report_table(heading, shown, form)
    return f"## {smoke_prefix(form)}Published systems\n\n{text}"


def _has_facts(row: Row) -> bool:
    return any((row.url, row.code, row.weights, row.licence, row.trained_on))


def _format_link(text: str, url: str) -> str:
    """Return the text linked; an address that is none stands beside it."""
    if not url:
        return text if text not in ("code", "weights") else ""
    return format_link(text, url) if is_address(url) else url
