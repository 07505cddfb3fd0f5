"""The report of a paper's table that no training has part in: what it prints, what there is here,
and whether that is equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bench._io import atomic_files
from bench._io.markdown import bullets, code, heading, marked, prose
from bench._io.printable import csv_text
from bench.cards import table_cards
from bench.reports import html
from bench.reports.citation import citation
from bench.reports.grid import grid
from bench.specs.checked import Checked, Shapes

State = Literal["equal", "not equal", "equal by the card", "not equal by the card"]
"""`by the card`: the corpus is not on this machine, and its card is taken at its word."""


class Line(NamedTuple):
    """One line of the table."""

    name: str
    """As printed."""
    paper: tuple[str, ...]
    """What is printed, a text a column."""
    ours: tuple[str, ...]
    """The same from here."""
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
        states = Counter(line.state for line in self.lines)
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        return f"Of {len(self.lines)} lines: {counts}."


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
            "ours": dict(zip(found.columns, line.ours, strict=True)),
            "state": line.state,
            "source": line.source,
        }
        for line in found.lines
    ]


def write(found: Found, folder: Path) -> Path:
    """Write Markdown and CSV into `folder`; return the Markdown file's path."""
    atomic_files.write_all(folder, texts(found))
    return folder / f"{found.stem}.md"


def stale(found: Found, folder: Path) -> list[Path]:
    """Return the files in `folder` that are missing or differ from the report; counts, which depend
    on the corpora of a machine, only have to be there.
    """
    fixed = isinstance(found.card, Shapes)
    files = {folder / name: text.encode("utf-8") for name, text in texts(found).items()}
    return [
        path
        for path, text in files.items()
        if not path.is_file() or (fixed and path.read_bytes() != text)
    ]


def _markdown(found: Found) -> str:
    paper = table_cards.paper(found.card.key.partition("/")[0])
    headings = ["Line"]
    for column in found.columns:
        headings += [f"{column}: paper", "here"]
    shown = [[line.name, *_side_by_side(line), line.state, line.source] for line in found.lines]
    parts = [
        heading(1, found.card.title),
        prose(found.card.caption),
        citation(paper, code=False),
        marked("**In short.** {} Nothing is trained for this table.", found.said),
        grid([*headings, "State", found.source], shown, "paper"),
        bullets(map(prose, (*found.card.notes, *_by_card(found)))),
        marked("How to repeat it: {}.", code(f"bench report {found.card.key}")),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _by_card(found: Found) -> list[str]:
    absent = any(line.state.endswith("by the card") for line in found.lines)
    said = "By the card: the corpus is not on this machine; shown is what its card here states."
    return [said] if absent else []


def _side_by_side(line: Line) -> Sequence[str]:
    return [text for pair in zip(line.paper, line.ours, strict=True) for text in pair]


def _csv(found: Found) -> str:
    heads = ["line", "column", "paper", "ours", "state", "source"]
    lines = (
        [line.name, column, printed, here, line.state, line.source]
        for line in found.lines
        for column, printed, here in zip(found.columns, line.paper, line.ours, strict=True)
    )
    return csv_text([heads, *lines])
