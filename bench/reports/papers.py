"""What each paper prints, and where paper, released code and this suite differ: pages that hold no
result of this suite and no picture, for whoever reads before anything was run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from bench._io import atomic_files
from bench._io.markdown import code, heading, joined, link, marked, prose
from bench.cards import table_cards
from bench.reports import differences, tables
from bench.reports.citation import citation
from bench.reports.contradictions import contradictions
from bench.reports.grid import grid
from bench.reports.notes import printed_footnotes
from bench.specs.table import Paper, Table

NAME = "README.md"
_HEADINGS = ("Paper", "Tables", "Rows", "Results", "Contradictory", "Points of difference", "Large")
_INTRODUCTION = """\
Written by `bench report papers` from the cards in `experiments`; not edited by hand. No result of
this suite stands here."""
_READING = """\
No result of this suite stands here. Row: the name that `--rows` takes, for rows that can be run."""
_WORDS = """\
Rows, Results: those that the paper prints, of its own and other systems. Contradictory: printed
results that do not fit the paper's own arithmetic, or another table of it. Points of difference:
between the paper, its released code and this suite; Large: those with a large expected effect."""


class _Printed(NamedTuple):
    """A paper with its tables that print results, and what of these contradicts itself."""

    paper: Paper
    tables: tuple[Table, ...]
    doubts: Mapping[str, Mapping[tuple[str, int], str]]
    """By the tables' keys, a note for each contradictory result."""


def pages() -> dict[str, str]:
    """Return the pages in Markdown by the names of their files: one for each paper whose tables are
    here, and one over them.
    """
    found = [of for key in _papers() if (of := _printed(key)).tables]
    return {NAME: _overview(found), **{f"{of.paper.key}.md": _page(of) for of in found}}


def write(folder: Path) -> Path:
    """Write all pages into `folder`; return the path of the one over them."""
    atomic_files.write_all(folder, {**pages()})
    return folder / NAME


def stale(folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing, differ, or are of no paper that is here."""
    expected = {folder / name: text.encode() for name, text in pages().items()}
    differ = [of for of, text in expected.items() if not of.is_file() or of.read_bytes() != text]
    return [*differ, *sorted(of for of in folder.glob("*.md") if of not in expected)]


def _papers() -> list[str]:
    return [*dict.fromkeys(key.partition("/")[0] for key in table_cards.table_keys())]


def _printed(key: str) -> _Printed:
    every = [table_cards.table(of) for of in table_cards.table_keys() if of.startswith(f"{key}/")]
    own = [of for of in every if any(row.published for row in of.rows.values())]
    doubts = {of.key: contradictions(of, [other for other in every if other != of]) for of in own}
    return _Printed(table_cards.paper(key), tuple(own), doubts)


def _overview(found: list[_Printed]) -> str:
    return "\n\n".join(
        [
            "# What the papers print",
            _INTRODUCTION,
            grid(_HEADINGS, [_line(of) for of in found], "paper"),
            f"{_WORDS}\n",
        ]
    )


def _line(of: _Printed) -> list[str]:
    rows = [row for table in of.tables for row in table.rows.values() if row.published]
    points = of.paper.differences
    counts = (
        len(of.tables),
        len(rows),
        sum(len(row.published) for row in rows),
        sum(map(len, of.doubts.values())),
        len(points),
        sum(point.effect == "large" for point in points),
    )
    return [link(of.paper.title, f"{of.paper.key}.md"), *map(str, counts)]


def _page(of: _Printed) -> str:
    parts = [
        heading(1, marked("{}: what the paper prints", of.paper.title)),
        citation(of.paper),
        _READING,
    ]
    for table in of.tables:
        doubts = of.doubts[table.key]
        parts += [heading(2, table.title), prose(table.caption), tables.printed(table, doubts)]
        parts += [printed_footnotes(table, doubts), _command(table)]
    if of.paper.differences:
        parts += [
            "## Where the paper, its released code and this suite differ",
            differences.whole_list(of.paper),
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _command(table: Table) -> str:
    if not table_cards.runnable(table):
        return ""
    verbs = joined(", ", (code(f"bench {verb} {table.key}") for verb in ("run", "report")))
    return marked("To run it and see results of this suite beside these: {}.", verbs)
