"""The table itself: the paper's figures, ours and the difference, as rows or as matrices."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from bench._io.markdown import heading, joined, marked
from bench.config import Form
from bench.reports import older, row_names
from bench.reports.cells import Cell, Ours, Verdict, best, cells, decimals, has_paper, state
from bench.reports.compared import Comparisons
from bench.reports.grid import bracketed, grid, smoke_word
from bench.reports.published import linked
from bench.specs.table import Column, Table

CONTRADICTORY = "ᵃ"
"""Stands at a figure of the paper that its own arithmetic contradicts."""
SECOND_HAND = "ᵈ"
"""Stands at a figure that is from a digest of the paper."""
LEVEL = "ᵗ"
"""Marks a result of ours that does not differ significantly from the best of its column."""
TIED = "ᵉ"
"""Stands at an EER of ours that hangs on equal scores."""

MARKS: Mapping[Verdict, str] = {
    "inside": "✓",
    "outside": "✗",
    "one seed": "¹",
    "two seeds": "²",
    "too few errors": "ᶠ",
}
"""Stands after our difference from the paper's figure."""

_NOTHING = "–"
_ARROWS = {"lower": "↓", "higher": "↑", None: ""}

Place = tuple[str, int]
"""Row, and index of the column."""


def main(
    table: Table,
    found: tuple[Cell, ...],
    contradictory: Container[Place],
    comparisons: Comparisons,
    form: Form,
    detail: bool = False,
) -> str:
    """Return the table in Markdown, in the paper's layout; `contradictory` figures are marked, and
    those of ours that by the `comparisons` may be as good as the best. A cell has one line; with
    `detail` it has three.
    """
    tops = [best(table, column, found) for column in range(len(table.columns))]
    level = [comparisons.level_with_best(column, top) for column, top in enumerate(tops)]
    not_run = {row for row in table.rows if state(found, row) == "not run"}
    ranks = {
        (row, column): name
        for column in range(len(table.columns))
        for rows, name in ((not_run, "not run"), (level[column], "level"), (tops[column], "best"))
        for row in rows
    }
    beside = has_paper(found)
    texts = {
        (cell.row, cell.column): _figure(
            cell,
            ranks.get((cell.row, cell.column), ""),
            (cell.row, cell.column) in contradictory,
            decimals(table.columns[cell.column]),
            detail,
        )
        if beside
        else _ours_alone(
            cell, ranks.get((cell.row, cell.column), ""), decimals(table.columns[cell.column])
        )
        for cell in found
    }
    return laid_out(table, found, texts, form)


def printed(table: Table, contradictory: Container[Place]) -> str:
    """Return what the paper prints, as it lays the table out; no result of ours stands in it."""
    texts = {
        (cell.row, cell.column): _papers(
            cell, (cell.row, cell.column) in contradictory, decimals(table.columns[cell.column])
        )
        for cell in cells(table, {})
    }
    return laid_out(table, None, texts, "paper")


def laid_out(
    table: Table, found: tuple[Cell, ...] | None, texts: Mapping[Place, str], form: Form
) -> str:
    """Return the `texts` of all cells as the paper lays the table out, with how far each row is;
    where `found` is None, texts are the paper's, and headings say so.
    """
    draw = _matrices if table.layout == "matrix" else _rows
    return draw(table, found, texts, form)


def _rows(
    table: Table, found: tuple[Cell, ...] | None, texts: Mapping[Place, str], form: Form
) -> str:
    whose = "" if found else " (paper)"
    headings = [
        *row_names.headings(table),
        *(f"{c.group} {c.heading} {_ARROWS[c.better]}".strip() + whose for c in table.columns),
        *(["Seeds"] if found else []),
    ]
    lines: list[list[str]] = []
    group = ""
    for name, row in table.rows.items():
        if row.group != group:
            group = row.group
            lines.append([marked("**{}**", group) if group else "", *[""] * (len(headings) - 1)])
        own = [texts[name, column] for column in range(len(table.columns))]
        lines.append([*_names(table, name), *own, *([seeds(found, name)] if found else [])])
    return grid(headings, lines, form)


def _matrices(
    table: Table, found: tuple[Cell, ...] | None, texts: Mapping[Place, str], form: Form
) -> str:
    down, across = sides(table.columns)
    place = {(column.group, column.heading): n for n, column in enumerate(table.columns)}
    headings = ["", *(f"{name} {_ARROWS[table.columns[0].better]}".strip() for name in across)]
    sections: list[str] = []
    for name, row in table.rows.items():
        lines = [
            [group, *(texts[name, place[group, h]] if (group, h) in place else "" for h in across)]
            for group in down
        ]
        title = joined(" · ", filter(None, [*_names(table, name), row.group]))
        progress = seeds(found, name) if found else "paper"
        sections += [
            heading(3, marked(smoke_word(form) + "{}: {}", title, progress)),
            grid(headings, lines, form),
        ]
    return "\n\n".join(sections)


def _names(table: Table, row: str) -> list[str]:
    return row_names.names(table, row, row, linked(table.rows[row]))


def sides(columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    """Return what stands down the left and across the top of a matrix, in the card's order."""
    down = dict.fromkeys(column.group for column in columns)
    across = dict.fromkeys(column.heading for column in columns)
    return list(down), list(across)


def _figure(cell: Cell, rank: str, contradictory: bool, digits: int, detail: bool) -> str:
    paper = _papers(cell, contradictory, digits)
    if cell.scored:
        return _ours_alone(cell, rank, digits)
    if not cell.seeds_wanted or rank == "not run":
        return paper
    between = "<br>" if detail else " / "
    if cell.ours is None:
        return joined(between, [paper, _NOTHING, _NOTHING])
    ours = _mean(cell, cell.ours, rank, digits)
    interval = bracketed(cell.ours.low, cell.ours.high, digits)
    difference = _difference(cell, cell.ours, digits, detail)
    if detail:
        return joined(between, [paper, joined(" ", filter(None, [ours, interval])), difference])
    figures = joined(between, [paper, ours, difference])
    return marked("{} <small>{}</small>", figures, interval) if interval else figures


def _papers(cell: Cell, contradictory: bool, digits: int) -> str:
    paper = _NOTHING if cell.paper is None else f"{cell.paper:.{digits}f}"
    return paper + SECOND_HAND * (cell.paper_from == "digest") + CONTRADICTORY * contradictory


def _ours_alone(cell: Cell, rank: str, digits: int) -> str:
    """Return the result of a row that no paper's table has."""
    if cell.ours is None:
        return _NOTHING
    few = MARKS["too few errors"] if cell.ours.verdict == "too few errors" else ""
    figure = joined(" ", filter(None, [_mean(cell, cell.ours, rank, digits), few]))
    interval = bracketed(cell.ours.low, cell.ours.high, digits)
    return marked("{} <small>{}</small>", figure, interval) if interval else figure


def _mean(cell: Cell, ours: Ours, rank: str, digits: int) -> str:
    mean = f"{ours.mean:.{digits}f}"
    if cell.trials_missing:
        mean = marked("*{}* ({} trials missing)", mean, f"{cell.trials_missing:,}")
    elif not cell.complete:
        wanted = _seeds_of(cell.seeds_wanted)
        mean = marked("*{}* ({} of {})", mean, str(cell.seeds_done), wanted)
    elif rank == "best":
        mean = marked("**{}**", mean)
    elif rank == "level":
        mean += LEVEL
    mean = marked("{}{}", mean, TIED * ours.tied + older.MARK * ours.older)
    return mean if ours.sd is None else marked("{} ± {}", mean, f"{ours.sd:.{digits}f}")


def _difference(cell: Cell, ours: Ours, digits: int, detail: bool) -> str:
    """Return ours minus the paper's, and what can be said of it."""
    text = _NOTHING
    if cell.difference is not None:
        # + 0.0: no "-0.00"
        text = f"{round(cell.difference, digits) + 0.0:+.{digits}f}"
    if not ours.verdict:
        return text
    return f"{text}, {ours.verdict}" if detail else f"{text} {MARKS[ours.verdict]}"


def seeds(found: tuple[Cell, ...], row: str) -> str:
    """Return how far a row is: `2 of 3 seeds`, `not run`, `published`, `scored`."""
    own = [cell for cell in found if cell.row == row]
    reached = state(found, row)
    if reached in ("published", "not run", "scored"):
        return reached
    done, wanted = min(cell.seeds_done for cell in own), own[0].seeds_wanted
    return f"{done} of {_seeds_of(wanted)}"


def _seeds_of(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"
