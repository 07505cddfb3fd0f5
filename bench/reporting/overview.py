"""One page over all tables: what is reproduced, how far off, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.config import Form
from bench.reporting.document import Report, warning
from bench.reporting.grid import grid, smoke_word
from bench.reporting.notes import farthest
from bench.reporting.tally import tally

NAME = "README.md"
_WORDS = """\
Rows: of those that can be run (other systems' published rows are not), how many have every figure
of every seed, lack some, and were not run. Figures: of complete ones beside which the paper prints
one, how many have the paper's inside our 95 % interval, and outside. Farthest: in proportion to the
paper's figure."""


def overview(reports: Sequence[Report], form: Form) -> str:
    """Return the page in Markdown; links are to the reports beside it."""
    lines: list[list[str]] = []
    for made in reports:
        counts = tally(made.table, made.cells)
        rows = [str(number) for number in counts.states.values()]
        figures = [str(counts.inside), str(counts.outside)]
        place = farthest(made.table, counts) or "–"
        lines.append([f"[{made.table.title}]({made.stem}.md)", *rows, *figures, place])
    headings = ["Table", "Complete", "Incomplete", "Not run", "Inside", "Outside", "Farthest"]
    totals = [sum(int(line[column]) for line in lines) for column in range(1, 6)]
    of = sum(totals[:3])
    said = f"{totals[0]} of {of} rows are complete, {totals[1]} incomplete, {totals[2]} not run."
    beside = totals[3] + totals[4]
    if beside:
        said += f" Of {beside} figures beside the paper's, {totals[3]} have it inside."
    smoke = "" if form == "paper" else " --smoke"
    parts = [
        f"# {smoke_word(form)}What is reproduced",
        warning(form),
        f"Written by `bench report all{smoke}` from the tracking store; not edited by hand.",
        f"**In short.** {said}",
        grid(headings, lines, form),
        _WORDS,
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def stale(text: str, folder: Path) -> list[Path]:
    """Return the page's path where it is missing or differs."""
    path = folder / NAME
    same = path.is_file() and path.read_text(encoding="utf-8") == text
    return [] if same else [path]
