"""The README of an export: what is what, how to check it, and how to get the results again."""

from __future__ import annotations

from collections.abc import Sequence

from bench._io.markdown import (
    escape_text,
    fill_template,
    format_fenced,
    format_heading,
    format_list,
    format_prose,
)
from bench._version import __version__
from bench.cards.table_cards import short_key
from bench.reports.citation import format_citation
from bench.reports.document import Report
from bench.reports.export.parts import MissingPart
from bench.reports.page_templates import fill_page_template
from bench.reports.reproduction import list_run_commands
from bench.smoke import smoke_option, smoke_warning

_COMPLETE = "Nothing: every row, seed and score file of the table is here."


def render_readme(made: Report, missing: Sequence[MissingPart]) -> str:
    """Return the page in Markdown."""
    table, smoke = short_key(made.table), smoke_option(made.form)
    own = {row: stands for row, stands in made.standings.items() if row in made.runs}
    commands = [
        *([] if smoke else [f"bench get --for {table}"]),
        *list_run_commands(made.table, own, made.form),
        f"bench export {table}{smoke}",
    ]
    return fill_page_template(
        "export",
        title=format_heading(1, f"Results of {made.title}"),
        warning=smoke_warning(made.form),
        caption=format_prose(made.table.caption),
        paper=format_citation(made.paper),
        version=escape_text(__version__),
        stem=escape_text(made.stem),
        commands=format_fenced("sh", "\n".join(commands)),
        missing=_list_missing(missing),
    )


def _list_missing(missing: Sequence[MissingPart]) -> str:
    if not missing:
        return _COMPLETE
    return format_list(
        fill_template("row {}, {}: {}", part.row, part.what, part.reason)
        if part.row
        else fill_template("{}: {}", part.what, part.reason)
        for part in missing
    )
