"""Where paper, released code and this suite differ, and which rows of a table that touches."""

from __future__ import annotations

from collections.abc import Mapping

from bench._io.markdown import bullets, code, escaped, heading, joined, marked, prose
from bench._io.trees import toml
from bench.cards import table_cards
from bench.cards.paper_cards import in_papers_form, ordered, touches
from bench.cards.table_cards import MARK
from bench.config import Form
from bench.reports.grid import grid, ranged
from bench.specs.run import Run
from bench.specs.table import Difference, Paper, Table

_HEADINGS = (
    *("Point", "Rows", "Effect", "Paper", "Released code", "This suite"),
    *("Released setting", "Other settings", "Consequence"),
)

_READING = (
    "Points are in the order of Effect: how much a point is expected to change results. A released "
    "setting gives what the released code does; other settings are to try. Each is given as "
    "`--set KEY=VALUE`."
)


def section(paper: Paper, runs: Mapping[str, Run], form: Form, table: Table) -> str:
    """Return the points that concern rows of `table`, by effect; the paper's others are counted,
    see `page`. `runs` holds the rows' settings; lines of variants are not looked at. What concerns
    a row in its smoke form is what concerns it in the paper's.
    """
    touched = touches(paper, table.key, in_papers_form(table, runs))
    found = [of for of in paper.differences if of.item in touched]
    if not found:
        return "None is known."
    own = [row for row in runs if MARK not in row]
    lines = [_line(of, ranged(touched[of.item], own)) for of in ordered(found)]
    text = grid(_HEADINGS, lines, form)
    if others := len(paper.differences) - len(found):
        what = (
            "point of the paper's list concerns"
            if others == 1
            else "points of the paper's list concern"
        )
        where = code(page_name(paper))
        text += f"\n\n{others} more {what} other tables: see {where}."
    return text


def page_name(paper: Paper) -> str:
    """Return the name of the file that holds a paper's whole list."""
    return f"{paper.key}-differences.md"


def page(paper: Paper) -> str:
    """Return the paper's whole list as a page."""
    title = heading(1, f"{paper.title}: paper, released code, this suite")
    return "\n\n".join([title, escaped(_source(paper)), whole_list(paper)]) + "\n"


def whole_list(paper: Paper) -> str:
    """Return the paper's whole list, by effect, with the rows of each of its tables that a point
    concerns, and its variants.
    """
    keys = [key for key in table_cards.table_keys() if key.startswith(f"{paper.key}/")]
    known = [table_cards.table(key) for key in keys]
    tables = {
        of.key: {row: table_cards.resolve(of, row) for row in table_cards.runnable(of)}
        for of in known
    }
    touched = {key: touches(paper, key, runs) for key, runs in tables.items()}
    lines = [
        _line(
            of,
            "; ".join(
                f"{key.rpartition('/')[2]}: {ranged(rows[of.item], [*tables[key]])}"
                for key, rows in touched.items()
                if of.item in rows
            ),
        )
        for of in ordered(paper.differences)
    ]
    headings = [name.replace("Rows", "Tables and rows") for name in _HEADINGS]
    variants = bullets(
        marked("{} ({}): {}", code(f"--variant {name}"), of.title, prose(of.says))
        for name, of in paper.variants.items()
    )
    parts = [_READING, grid(headings, lines, "paper")]
    parts += [f"Variants have many settings at once:\n\n{variants}"] if variants else []
    return "\n\n".join(parts)


def _source(paper: Paper) -> str:
    released = f"Released code: {paper.code or 'none'}" if paper.venue else ""
    return " ".join(f"{part}." for part in (paper.authors, paper.venue, released) if part)


def _line(of: Difference, rows: str) -> list[str]:
    others = joined("; ", (code(toml(other)) for other in of.others))
    return [
        *(prose(of.item), rows, of.effect, *map(prose, (of.paper, of.released, of.ours))),
        *(code(toml(of.setting)) if of.setting else "", others, prose(of.consequence)),
    ]
