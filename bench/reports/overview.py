"""One page over all tables: what is reproduced, how far off, and what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench._io.markdown import code, link, marked, prose
from bench.config import Form
from bench.reports import differences, verified
from bench.reports.document import Report, warning
from bench.reports.grid import grid, smoke_word
from bench.reports.notes import farthest
from bench.reports.tally import tally
from bench.specs.checked import Checked

NAME = "README.md"
_WORDS = """\
Complete, Incomplete, Not run: rows that can be run (other systems' published rows cannot) with
every result of every seed, with some, and with none. Inside, Outside: results of complete rows for
which the paper's result lies where a further seed of ours is expected, or does not. No verdict:
those with fewer than three seeds, or with too few errors. Largest deviation: relative to the
paper's result."""
_PAPERS = """\
`bench report papers` writes what the papers print, and where they differ from their released code
and from this suite, to `reports/papers`."""
_HEADINGS = (
    "Table",
    "Complete",
    "Incomplete",
    "Not run",
    "Inside",
    "Outside",
    "No verdict",
    "Largest deviation",
)


def overview(reports: Sequence[Report], form: Form, untrained: Sequence[Checked] = ()) -> str:
    """Return the page in Markdown: the tables of which anything was run or scored, with links to
    the reports beside it, the `untrained` ones, and what will stand here when the others are run.
    """
    here = [made for made in reports if made.says_something]
    smoke = "" if form == "paper" else " --smoke"
    parts = [
        f"# {smoke_word(form)}State of reproduction",
        warning(form),
        f"Written by `bench report all{smoke}` from the tracking store; not edited by hand.",
        _PAPERS,
        verified.section(form),
        f"## {smoke_word(form)}What was run",
        marked("**In short.** {}", _in_short(reports)),
        *([grid(_HEADINGS, [_line(made) for made in here], form), _WORDS] if here else []),
        _looked_up(untrained, form),
        _awaited([made for made in reports if not made.says_something], form),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _line(made: Report) -> list[str]:
    counts = tally(made.table, made.cells)
    numbers = (
        *counts.states.values(),
        counts.inside,
        counts.outside,
        counts.few_seeds + counts.few_errors,
    )
    place = farthest(made.table, counts) or "–"
    return [link(made.table.title, f"{made.stem}.md"), *map(str, numbers), place]


def _in_short(reports: Sequence[Report]) -> str:
    counts = [tally(made.table, made.cells) for made in reports]
    complete, incomplete, not_run = (
        sum(of.states[state] for of in counts) for state in ("complete", "incomplete", "not run")
    )
    of = complete + incomplete + not_run
    said = f"{complete} of {of} rows are complete, {incomplete} incomplete, {not_run} not run."
    inside, outside = sum(of.inside for of in counts), sum(of.outside for of in counts)
    if inside + outside:
        said += (
            f" Of {inside + outside} results that can be compared, {inside} agree with the paper's."
        )
    return said


def _looked_up(untrained: Sequence[Checked], form: Form) -> str:
    """List the tables that nothing is trained for, with links to their reports."""
    if not untrained:
        return ""
    lines = [
        [link(card.title, f"{card.key.replace('/', '-')}.md"), prose(card.caption)]
        for card in untrained
    ]
    heading = f"## {smoke_word(form)}Tables without training"
    return f"{heading}\n\n{grid(['Table', 'Content'], lines, form)}"


def _awaited(reports: Sequence[Report], form: Form) -> str:
    """Say of which tables nothing was run yet, and how to run them."""
    if not reports:
        return ""
    smoke = "" if form == "paper" else " --smoke"
    lines = [
        [
            made.table.title,
            prose(made.table.caption),
            code(f"bench run {made.table.key}{smoke}"),
        ]
        for made in reports
    ]
    heading = f"## {smoke_word(form)}Tables not run yet"
    words = (
        "A report is written here once a row of its table was run or a score file evaluated for it."
    )
    return "\n\n".join([heading, words, grid(["Table", "Content", "Run it"], lines, form)])


def left_over(reports: Sequence[Report], folder: Path) -> list[Path]:
    """Return the files in `folder` that an earlier report wrote of a table of which there is
    nothing to say any more.
    """
    silent = [made for made in reports if not made.says_something]
    papers = {made.paper.key for made in reports if made.says_something}
    found = [path for made in silent for path in made.files(folder)]
    found += [
        folder / differences.page_name(made.paper)
        for made in silent
        if made.paper.key not in papers
    ]
    return sorted({path for path in found if path.is_file()})


def stale(text: str, folder: Path) -> list[Path]:
    """Return the page's path where it is missing or differs."""
    path = folder / NAME
    same = path.is_file() and path.read_text(encoding="utf-8", errors="replace") == text
    return [] if same else [path]
