"""Rows of other systems: what is known of them beside their figures, with links."""

from __future__ import annotations

import re

from bench._io.markdown import is_address, joined, link, marked
from bench.config import Form
from bench.metrics.catalogue import digits
from bench.reports.grid import grid, smoke_word
from bench.specs.table import Column, Row, Table

REFERENCE = re.compile(r"\s*\[\d+\]")
"""The number of a reference in a paper's own list."""


def elsewhere_notes(table: Table) -> list[str]:
    """Return a sentence, a footnote, for each row of which others measured a figure."""
    columns = {column.metric: column for column in table.columns}
    said: list[str] = []
    for row in table.rows.values():
        for column in table.columns:
            found = [figure for figure in row.elsewhere if figure.metric == column.metric]
            if found:
                name = ", ".join(filter(None, row.cells))
                own = row.published.get(column.metric)
                here = "not printed" if own is None else _shown(own, column)
                others = joined(
                    "; ",
                    (
                        marked(
                            "{} by {} ({})",
                            _shown(figure.value, columns[figure.metric]),
                            _link(figure.source, figure.url),
                            figure.date,
                        )
                        for figure in found
                    ),
                )
                text = f"{name}, {_name(column)}: {here} in this table"
                said.append(marked("{}; {}.", text, others))
    return said


def linked(row: Row) -> tuple[str, ...]:
    """Return the row's text cells, the system's name linked to its paper where that is known."""
    place = place_of_name(row)
    return tuple(_link(cell, row.url) if n == place else cell for n, cell in enumerate(row.cells))


def place_of_name(row: Row) -> int:
    """Return which text cell names the system: the one with the paper's reference (`SLS [23]`),
    else the first.
    """
    return next((n for n, cell in enumerate(row.cells) if REFERENCE.search(cell)), 0)


def section(table: Table, form: Form) -> str:
    """Return what is known of the published systems; empty where nothing is."""
    rows = [row for row in table.rows.values() if row.published_only and _known(row)]
    if not rows:
        return ""
    lines = [
        [
            joined(", ", filter(None, linked(row))),
            _link("code", row.code),
            row.weights and _link("weights", row.weights),
            row.licence,
            row.trained_on,
        ]
        for row in rows
    ]
    headings = ["System", "Code", "Weights", "Licence", "Trained on"]
    kept = [n for n in range(len(headings)) if n == 0 or any(line[n] for line in lines)]
    return "\n\n".join(
        [
            f"## {smoke_word(form)}Published systems",
            grid([headings[n] for n in kept], [[line[n] for n in kept] for line in lines], form),
        ]
    )


def _known(row: Row) -> bool:
    return any((row.url, row.code, row.weights, row.licence, row.trained_on))


def _link(text: str, url: str) -> str:
    """Return the text linked; an address that is none stands beside it."""
    if not url:
        return text if text not in ("code", "weights") else ""
    return link(text, url) if is_address(url) else url


def _shown(value: float, column: Column) -> str:
    places = digits(column.metric) if column.decimals is None else column.decimals
    return f"{value:.{places}f}"


def _name(column: Column) -> str:
    return f"{column.group} {column.heading}".strip()
