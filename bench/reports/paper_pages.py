"""What each paper prints, and where paper, released code and this suite differ.

The pages hold no result of this suite and no picture; they can be read before anything was run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench._io import atomic_files
from bench._io.markdown import (
    fill_template,
    format_code,
    format_heading,
    format_link,
    format_prose,
    join_texts,
)
from bench.cards import table_cards
from bench.reports import paper_differences
from bench.reports.citation import format_citation
from bench.reports.contradictions import find_contradictions
from bench.reports.main_table import render_printed_table
from bench.reports.reading_notes import list_printed_footnotes
from bench.reports.stale_files import find_changed_files
from bench.reports.table_model import format_report_table
from bench.specs.table import Paper, Table

NAME = "README.md"
_HEADINGS = ("Paper", "Tables", "Rows", "Results", "Contradictory", "Differences", "Large")
_INTRODUCTION = """\
`bench report papers` writes this page from the cards in `experiments`; do not edit it. It has the
papers' results, none of this suite."""
_READING = """\
This page has the paper's results, none of this suite. Row: the name that `--rows` takes, for rows
that can be run."""
_WORDS = """\
Rows, Results: what the paper prints, for its own and other systems. Contradictory: printed results
that do not fit the paper's own arithmetic or another of its tables. Differences: between the paper,
its released code and this suite. Large: differences with a large expected effect."""


class _Printed(NamedTuple):
    """A paper with its tables that print results, and what of these contradicts itself."""

    paper: Paper
    tables: tuple[Table, ...]
    doubts: Mapping[str, Mapping[tuple[str, int], str]]
    """By the tables' keys, a note for each contradictory result."""


def render_paper_pages() -> dict[str, str]:
    """Return the pages in Markdown by file name: one for each paper, and one over them."""
    papers = [paper for key in _list_papers() if (paper := _read_printed(key)).tables]
    return {
        NAME: _render_overview(papers),
        **{f"{paper.paper.key}.md": _render_page(paper) for paper in papers},
    }


def write_paper_pages(folder: Path) -> Path:
    """Write all pages into `folder`; return the path of the one over them."""
    atomic_files.write_all(folder, {**render_paper_pages()})
    return folder / NAME


def find_stale_paper_pages(folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing, differ, or are of no paper that is here."""
    expected = render_paper_pages()
    strange = sorted(path for path in folder.glob("*.md") if path.name not in expected)
    return find_changed_files(expected, folder) + strange


def _list_papers() -> list[str]:
    return [*dict.fromkeys(key.partition("/")[0] for key in table_cards.table_keys())]


def _read_printed(key: str) -> _Printed:
    every = table_cards.read_paper_tables(key)
    printed = [table for table in every if any(r.published_figures for r in table.rows.values())]
    doubts = {
        table.key: find_contradictions(table, [other for other in every if other != table])
        for table in printed
    }
    return _Printed(table_cards.read_paper(key), tuple(printed), doubts)


def _render_overview(papers: list[_Printed]) -> str:
    table = format_report_table(_HEADINGS, [_format_line(paper) for paper in papers], "paper")
    return "\n\n".join(["# What the papers print", _INTRODUCTION, table, f"{_WORDS}\n"])


def _format_line(paper: _Printed) -> list[str]:
    rows = [row for table in paper.tables for row in table.rows.values() if row.published_figures]
    points = paper.paper.differences
    counts = (
        len(paper.tables),
        len(rows),
        sum(len(row.published_figures) for row in rows),
        sum(map(len, paper.doubts.values())),
        len(points),
        sum(point.effect == "large" for point in points),
    )
    return [format_link(paper.paper.title, f"{paper.paper.key}.md"), *map(str, counts)]


def _render_page(printed_paper: _Printed) -> str:
    parts = [
        format_heading(1, fill_template("{}: what the paper prints", printed_paper.paper.title)),
        format_citation(printed_paper.paper),
        _READING,
    ]
    for table in printed_paper.tables:
        doubts = printed_paper.doubts[table.key]
        parts += [
            format_heading(2, table.title),
            format_prose(table.caption),
            render_printed_table(table, doubts),
        ]
        parts += [list_printed_footnotes(table, doubts), _format_commands(table)]
    if printed_paper.paper.differences:
        parts += [
            "## Where the paper, its released code and this suite differ",
            paper_differences.list_all_differences(printed_paper.paper),
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _format_commands(table: Table) -> str:
    if not table_cards.runnable_rows(table):
        return ""
    commands = (f"bench run {table.key}", f"bench report {table.key}")
    verbs = join_texts(", ", map(format_code, commands))
    return fill_template("To run it and see results of this suite beside these: {}.", verbs)
