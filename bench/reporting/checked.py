"""The report of a paper's table that no training has part in: what it prints, what there is here,
and whether that is equal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench import cards
from bench.reporting import html
from bench.reporting.grid import grid
from bench.specs.checked import Checked

State = Literal["equal", "not equal", "not at hand"]


class Line(NamedTuple):
    """One line of the table."""

    name: str
    """As printed."""
    paper: tuple[str, ...]
    """What is printed, a text a column."""
    ours: tuple[str, ...]
    """The same from here; empty where it is not at hand."""
    state: State
    source: str
    """What `ours` is from."""


@dataclass(frozen=True)
class Found:
    """A table with what was found for it."""

    card: Checked
    columns: tuple[str, ...]
    """Headings of what is compared."""
    source: str
    """Heading of the lines' `source`."""
    lines: tuple[Line, ...]

    @property
    def stem(self) -> str:
        """Name of its files without ending: `breathnet-table1`."""
        return self.card.key.replace("/", "-")

    @property
    def said(self) -> str:
        """How many lines are equal, in a sentence."""
        states = [line.state for line in self.lines]
        known = len(states) - states.count("not at hand")
        text = f"{states.count('equal')} of {known} lines are as the paper prints them."
        absent = states.count("not at hand")
        return text if not absent else f"{text} For {absent} nothing is at hand."


def texts(found: Found) -> dict[str, str]:
    """Return the content of the report's files by name: Markdown and CSV."""
    return {f"{found.stem}.md": _markdown(found), f"{found.stem}.csv": _csv(found)}


def page(found: Found) -> str:
    """Return the report as a page for a browser."""
    return html.page(found.card.title, _markdown(found), {})


def records(found: Found) -> list[dict[str, Any]]:
    """Return one record a line, for machines."""
    return [
        {
            "table": found.card.key,
            "line": line.name,
            "paper": dict(zip(found.columns, line.paper, strict=True)),
            "ours": dict(zip(found.columns, line.ours, strict=False)),
            "state": line.state,
            "source": line.source,
        }
        for line in found.lines
    ]


def write(found: Found, folder: Path) -> Path:
    """Write Markdown and CSV into `folder`; return the Markdown file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts(found).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / f"{found.stem}.md"


def stale(found: Found, folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report."""
    return [
        folder / name
        for name, text in texts(found).items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def _markdown(found: Found) -> str:
    paper = cards.paper(found.card.key.partition("/")[0])
    headings = ["Line"]
    for column in found.columns:
        headings += [f"{column}: paper", "here"]
    shown = [[line.name, *_side_by_side(line), line.state, line.source] for line in found.lines]
    parts = [
        f"# {found.card.title}",
        found.card.caption,
        f"{paper.authors}: *{paper.title}*. {paper.venue}. {paper.url}",
        f"**In short.** {found.said} Nothing is trained for this table.",
        grid([*headings, "State", found.source], shown, "paper"),
        "\n".join(f"- {note}" for note in found.card.notes),
        f"How to repeat it: `bench report {found.card.key}`.",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _side_by_side(line: Line) -> Sequence[str]:
    ours = line.ours or ("–",) * len(line.paper)
    return [text for pair in zip(line.paper, ours, strict=True) for text in pair]


def _csv(found: Found) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["line", "column", "paper", "ours", "state", "source"])
    for line in found.lines:
        ours = line.ours or ("",) * len(line.paper)
        for column, printed, here in zip(found.columns, line.paper, ours, strict=True):
            writer.writerow([line.name, column, printed, here, line.state, line.source])
    return text.getvalue()
