"""The report of a paper's table that needs no training.

It says what the paper prints, what there is here, and whether the two are equal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench._io import atomic_files
from bench._io.markdown import fill_template, format_code, format_heading, format_list, format_prose
from bench._io.printable import csv_text
from bench.cards import table_cards
from bench.reports.citation import format_citation
from bench.reports.stale_files import find_changed_files
from bench.reports.table_model import format_report_table
from bench.specs.checked import Checked, ShapeTable

LineState = Literal["equal", "not equal", "equal by the card", "not equal by the card"]
"""`by the card`: the corpus is not on this machine, and its card is taken at its word."""


class CheckedLine(NamedTuple):
    """One line of the table."""

    name: str
    """As printed."""
    paper: tuple[str, ...]
    """What is printed, a text a column."""
    ours: tuple[str, ...]
    """The same from here."""
    state: LineState
    source: str
    """What `ours` is from."""

    @property
    def pairs(self) -> list[str]:
        """What is printed beside what is here, column by column."""
        return [text for pair in zip(self.paper, self.ours, strict=True) for text in pair]


@dataclass(frozen=True)
class CheckedReport:
    """A table with what was found for it."""

    card: Checked
    columns: tuple[str, ...]
    """Headings of what is compared."""
    source: str
    """Heading of the lines' `source`."""
    lines: tuple[CheckedLine, ...]

    @property
    def stem(self) -> str:
        """Name of its files without ending: `breathnet-table1`."""
        return self.card.key.replace("/", "-")

    @property
    def summary(self) -> str:
        """How many lines are equal, in a sentence."""
        states = Counter(line.state for line in self.lines)
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"Of {len(self.lines)} lines: {counts}."


def render_checked_files(report: CheckedReport) -> dict[str, str]:
    """Return the content of the report's files by name: Markdown and CSV."""
    return {
        f"{report.stem}.md": _render_markdown(report),
        f"{report.stem}.csv": _render_csv(report),
    }


def build_line_records(report: CheckedReport) -> list[dict[str, Any]]:
    """Return one record a line, for machines."""
    return [
        {
            "table": report.card.key,
            "line": line.name,
            "paper": dict(zip(report.columns, line.paper, strict=True)),
            "ours": dict(zip(report.columns, line.ours, strict=True)),
            "state": line.state,
            "source": line.source,
        }
        for line in report.lines
    ]


def write_checked_report(report: CheckedReport, folder: Path) -> Path:
    """Write Markdown and CSV into `folder`; return the Markdown file's path."""
    atomic_files.write_all(folder, render_checked_files(report))
    return folder / f"{report.stem}.md"


def find_stale_checked_files(report: CheckedReport, folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report.

    Counts depend on the corpora of a machine; their files only have to be there.
    """
    changed = find_changed_files(render_checked_files(report), folder)
    fixed = isinstance(report.card, ShapeTable)
    return [path for path in changed if fixed or not path.is_file()]


def _render_markdown(report: CheckedReport) -> str:
    paper = table_cards.read_paper(report.card.key.partition("/")[0])
    headings = ["Line"]
    for column in report.columns:
        headings += [f"{column}: paper", "here"]
    shown = [[line.name, *line.pairs, line.state, line.source] for line in report.lines]
    parts = [
        format_heading(1, report.card.title),
        format_prose(report.card.caption),
        format_citation(paper, code=False),
        fill_template("**In short.** {} Nothing is trained for this table.", report.summary),
        format_report_table([*headings, "State", report.source], shown, "paper"),
        format_list(map(format_prose, (*report.card.notes, *_by_card(report)))),
        fill_template("How to repeat it: {}.", format_code(f"bench report {report.card.key}")),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _by_card(report: CheckedReport) -> list[str]:
    absent = any(line.state.endswith("by the card") for line in report.lines)
    note = (
        "By the card: the corpus is not on this machine, so the numbers are those of the "
        "corpus's card."
    )
    return [note] if absent else []


def _render_csv(report: CheckedReport) -> str:
    heads = ["line", "column", "paper", "ours", "state", "source"]
    lines = (
        [line.name, column, printed, here, line.state, line.source]
        for line in report.lines
        for column, printed, here in zip(report.columns, line.paper, line.ours, strict=True)
    )
    return csv_text([heads, *lines])
