"""All results of all tables as one page: a grid that is sorted, filtered and cut to columns.

The page holds the whole grid as a table, so that it reads without scripts. Its script (in the
template) adds the controls, and keeps their state in the page's address. It is `index.html` beside
the pages of the tables, which it links: the folder is a site that needs no server and no network.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

from bench._io.printable import escape_invisible
from bench.config import Form
from bench.reports.document import Report
from bench.reports.evaluation_names import name_all_evaluations
from bench.reports.name_ranges import format_interval
from bench.reports.render_html import fill_html_template
from bench.reports.result_cells import ResultCell, count_decimals, format_result
from bench.smoke import SMOKE_FORM, smoke_prefix
from bench.specs.table import Column

NAME = "index.html"
_FEW = "filter"
"""Columns of few different texts: the page offers each to choose."""
_COLUMNS = (
    *(("table", "Table", _FEW), ("row", "Row", ""), ("system", "System", "")),
    *(("test", "Test set", _FEW), ("metric", "Metric", _FEW), ("trained", "Trained on", _FEW)),
    *(("frontend", "Front-end", _FEW), ("size", "Parameters", "number")),
    *(("result", "Result [95 % interval]", "number"), ("paper", "Paper", "number")),
    *(("difference", "Difference", "number"), ("evidence", "Evidence", _FEW)),
)
"""Key in the page's address, heading, and how the page treats it."""
_READING = """Each line is one result of one row: what was measured here, what the paper prints, and
the difference. Rates are in per cent. A line without a result of ours has the paper's alone."""


class _GridCell(NamedTuple):
    """A cell: its text, and the number that it is sorted by."""

    text: str
    number: float | None = None
    page: str = ""
    """The page that it links."""


def render_grid_page(reports: Sequence[Report], form: Form) -> str:
    """Return the page; a table of which nothing was run has lines and no page to link."""
    heads = "".join(
        f'<th scope="col" data-key="{key}" data-kind="{kind}">{_escape(heading)}</th>'
        for key, heading, kind in _COLUMNS
    )
    lines = [
        f"<tr>{''.join(map(_render_grid_cell, line))}</tr>"
        for made in reports
        for line in _list_grid_lines(made)
    ]
    title = f"{smoke_prefix(form)}All results"
    body = [
        f"<h1>{_escape(title)}</h1>",
        *([f"<p>{_escape(SMOKE_FORM)}.</p>"] if form == "smoke" else []),
        f"<p>{_escape(_READING)}</p>",
        f'<div class="scroll"><table><thead><tr>{heads}</tr></thead>\n<tbody>',
        *lines,
        "</tbody></table></div>",
    ]
    return fill_html_template("grid", title, "\n".join(body))


def _list_grid_lines(made: Report) -> Iterator[list[_GridCell]]:
    page = f"{quote(made.stem, safe='@+')}.html" if made.says_something else ""
    rows = {record["row"]: record for record in made.rows}
    tests = name_all_evaluations(made.runs)
    for cell in made.cells:
        if cell.ours is not None or cell.paper is not None:
            yield [
                _GridCell(made.title, page=page),
                *_describe_cell(made.table.columns[cell.column], cell, rows[cell.row], tests),
            ]


def _describe_cell(
    column: Column, cell: ResultCell, row: Mapping[str, Any], tests: Mapping[str, str]
) -> list[_GridCell]:
    """Return what stands behind the table's name; `tests` names the evaluations."""
    evaluation, _, metric = column.metric.partition(".")
    parameters: int | None = row["front_end_parameters"]
    millions = "" if parameters is None else f"{parameters / 1e6:.0f} M"
    evidence = row["evidence"] if cell.ours else "published"
    return [
        *(_GridCell(cell.row), _GridCell(row["text"])),
        *(_GridCell(tests.get(evaluation, column.heading)), _GridCell(metric)),
        *(_GridCell(row["trained_on"]), _GridCell(row["front_end"])),
        _GridCell(millions, parameters),
        *_describe_numbers(cell, column),
        _GridCell(evidence),
    ]


def _describe_numbers(cell: ResultCell, column: Column) -> list[_GridCell]:
    """Return our result, the paper's and the difference."""
    digits, empty = count_decimals(column), _GridCell("")
    shown = [empty, empty, empty]
    if cell.ours is not None:
        interval = format_interval(cell.ours.low, cell.ours.high, digits)
        text = f"{format_result(cell.ours.mean, column)} {interval}".rstrip()
        shown[0] = _GridCell(text, cell.ours.mean)
    if cell.paper is not None:
        shown[1] = _GridCell(format_result(cell.paper, column), cell.paper)
    if cell.difference is not None:
        # + 0.0: no "-0.00"
        shown[2] = _GridCell(f"{round(cell.difference, digits) + 0.0:+.{digits}f}", cell.difference)
    return shown


def _render_grid_cell(cell: _GridCell) -> str:
    text = _escape(cell.text)
    if cell.page:
        text = f'<a href="{html.escape(cell.page)}">{text}</a>'
    number = "" if cell.number is None else f' data-number="{cell.number:.6f}"'
    return f"<td{number}>{text}</td>"


def _escape(text: str) -> str:
    """Return text in one line, with nothing that a page or a terminal obeys."""
    return html.escape(escape_invisible(re.sub("[\r\n\u2028\u2029]+", " ", text)))
