"""Where paper, released code and this suite differ, and which rows of a table that touches."""

from __future__ import annotations

from collections.abc import Mapping

from bench._io.markdown import (
    escape_text,
    fill_template,
    format_code,
    format_heading,
    format_list,
    format_prose,
    join_texts,
)
from bench._io.trees import to_toml
from bench.cards import table_cards
from bench.cards.paper_cards import in_papers_form, rows_by_difference, sort_differences
from bench.cards.table_cards import MARK
from bench.config import Form
from bench.reports.name_ranges import format_row_names
from bench.reports.table_model import format_report_table
from bench.specs.run import Run
from bench.specs.table import Difference, Paper, Table

_HEADINGS = (
    *("Topic", "Rows", "Effect", "Paper", "Released code", "This suite"),
    *("Released setting", "Other settings", "Consequence"),
)

_READING = (
    "The differences are sorted by Effect: how much a difference is expected to change "
    "results. *Released setting* reproduces the released code. *Other settings* are "
    "alternatives to try. Give them as `--set KEY=VALUE`."
)


def describe_differences(paper: Paper, runs: Mapping[str, Run], form: Form, table: Table) -> str:
    """Return the points that concern rows of `table`, by effect.

    The paper's other points are counted, see `render_differences_page`. `runs` holds the rows'
    settings; variants are left out. What concerns a row in its smoke form is what concerns it in
    the paper's.
    """
    own_form = in_papers_form(table, runs)
    parts = [_describe_own(paper, own_form, form, table)]
    for other, rows in _group_borrowed(paper, own_form, table).items():
        parts.append(_describe_borrowed(table_cards.read_paper(other), rows, form))
    return "\n\n".join(parts)


def _group_borrowed(
    paper: Paper, runs: Mapping[str, Run], table: Table
) -> dict[str, dict[str, Run]]:
    """Return the rows that are `from` a row of another paper, by that paper's key.

    What is no paper has none: its rows are all of others, and its list says so.
    """
    borrowed: dict[str, dict[str, Run]] = {}
    for row, run in runs.items() if paper.venue else ():
        origin = table_cards.find_origin(table, row)[0].key.partition("/")[0]
        if origin != paper.key and MARK not in row:
            borrowed.setdefault(origin, {})[row] = run
    return borrowed


def _describe_borrowed(paper: Paper, runs: Mapping[str, Run], form: Form) -> str:
    """Return the points of another paper that concern rows of it, under its title."""
    settings = {row: run.flat_settings() for row, run in runs.items()}
    touched = {
        difference.item: [row for row, own in settings.items() if difference.concerns_row("", own)]
        for difference in paper.differences
        if not difference.tables
    }
    lines = [
        _format_line(difference, format_row_names(touched[difference.item], [*runs]))
        for difference in sort_differences(paper.differences)
        if touched.get(difference.item)
    ]
    heading = fill_template(
        "From {} ({}), for {}:", format_prose(paper.title), paper.venue, ", ".join(runs)
    )
    return f"{heading}\n\n{format_report_table(_HEADINGS, lines, form)}"


def _describe_own(paper: Paper, runs: Mapping[str, Run], form: Form, table: Table) -> str:
    touched = rows_by_difference(paper, table.key, runs)
    touching = [difference for difference in paper.differences if difference.item in touched]
    if not touching:
        return "No difference is known."
    rows = [row for row in runs if MARK not in row]
    lines = [
        _format_line(difference, format_row_names(touched[difference.item], rows))
        for difference in sort_differences(touching)
    ]
    text = format_report_table(_HEADINGS, lines, form)
    if others := len(paper.differences) - len(touching):
        what = (
            "difference concerns other tables"
            if others == 1
            else "differences concern other tables"
        )
        where = format_code(name_differences_page(paper))
        text += f"\n\n{others} more {what}: see {where}."
    return text


def name_differences_page(paper: Paper) -> str:
    """Return the name of the file that holds a paper's whole list."""
    return f"{paper.key}-differences.md"


def render_differences_page(paper: Paper) -> str:
    """Return the paper's whole list as a page."""
    title = format_heading(1, f"{paper.title}: paper, released code, this suite")
    return (
        "\n\n".join([title, escape_text(_describe_source(paper)), list_all_differences(paper)])
        + "\n"
    )


def list_all_differences(paper: Paper) -> str:
    """Return the paper's whole list, by effect, and its variants.

    Each point has the rows of each table that it concerns.
    """
    cards = table_cards.read_paper_tables(paper.key)
    tables = {card.key: table_cards.resolve_rows(card) for card in cards}
    touched = {key: rows_by_difference(paper, key, runs) for key, runs in tables.items()}
    lines = [
        _format_line(
            difference,
            "; ".join(
                f"{key.rpartition('/')[2]}: "
                f"{format_row_names(rows[difference.item], [*tables[key]])}"
                for key, rows in touched.items()
                if difference.item in rows
            ),
        )
        for difference in sort_differences(paper.differences)
    ]
    headings = [name.replace("Rows", "Tables and rows") for name in _HEADINGS]
    variants = format_list(
        fill_template(
            "{} ({}): {}",
            format_code(f"--variant {name}"),
            variant.title,
            format_prose(variant.says),
        )
        for name, variant in paper.variants.items()
    )
    parts = [_READING, format_report_table(headings, lines, "paper")]
    parts += [f"A variant changes several settings at once:\n\n{variants}"] if variants else []
    return "\n\n".join(parts)


def _describe_source(paper: Paper) -> str:
    released = f"Released code: {paper.code or 'none'}" if paper.venue else ""
    return " ".join(f"{part}." for part in (paper.authors, paper.venue, released) if part)


def _format_line(difference: Difference, rows: str) -> list[str]:
    others = join_texts("; ", (format_code(to_toml(other)) for other in difference.others))
    return [
        *(
            format_prose(difference.item),
            rows,
            difference.effect,
            *map(format_prose, (difference.paper, difference.released, difference.ours)),
        ),
        *(
            format_code(to_toml(difference.setting)) if difference.setting else "",
            others,
            format_prose(difference.consequence),
        ),
    ]
