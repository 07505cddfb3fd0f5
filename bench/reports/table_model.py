"""A table as rows of cells, from which Markdown, HTML and LaTeX are rendered.

A cell is plain text, or inline Markdown (`markdown.MarkdownText`), which holds its emphasis, links
and code. HTML pages are rendered from the Markdown (`bench.reports.render_html`), LaTeX from the
cells (`bench.reports.render_latex`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bench._io.markdown import fill_template, format_table
from bench.config import Form
from bench.smoke import smoke_prefix


class HeadingSpan(NamedTuple):
    """A heading over columns beside each other."""

    text: str
    width: int = 1


@dataclass(frozen=True)
class TableModel:
    """A table."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    """Cells from left to right; a row of a single cell heads a group of rows."""
    alignment: str = ""
    """`l` or `r` for each column, where the table is to be set in LaTeX."""
    spans: Sequence[Sequence[HeadingSpan]] = ()
    """Lines of headings above `headings`, from the top; each covers all columns."""
    title: str = ""
    progress: str = ""
    """How far what the title names is: `2 of 3 seeds`."""

    def is_group(self, row: Sequence[str]) -> bool:
        """Return whether a row heads a group of rows."""
        return len(row) < len(self.headings)


def render_markdown(model: TableModel, form: Form) -> str:
    """Return the table in Markdown; its first heading says where it is of smoke runs."""
    first = fill_template(smoke_prefix(form) + "{}", model.headings[0])
    empty = [""] * (len(model.headings) - 1)
    rows = [
        [fill_template("**{}**", row[0]) if row[0] else "", *empty] if model.is_group(row) else row
        for row in model.rows
    ]
    return "\n".join(format_table([first, *model.headings[1:]], rows, padded=False))


def format_report_table(headings: Sequence[str], rows: Sequence[Sequence[str]], form: Form) -> str:
    """Return a table of a report in Markdown."""
    return render_markdown(TableModel(headings, rows), form)
