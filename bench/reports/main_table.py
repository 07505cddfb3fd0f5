"""The table itself: the paper's figures, ours and the difference, as rows or as matrices."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence

from bench._io.markdown import fill_template, format_heading, join_texts
from bench._io.printable import format_count
from bench.config import Form
from bench.reports import code_versions, row_names
from bench.reports.matrix_sides import index_matrix, list_sides
from bench.reports.name_ranges import format_interval
from bench.reports.published_systems import link_system_name
from bench.reports.result_cells import (
    OurResult,
    ResultCell,
    ResultCells,
    Verdict,
    build_cells,
    count_decimals,
    find_best_rows,
    has_paper,
    read_row_state,
)
from bench.reports.row_tests import RowTests
from bench.reports.table_model import TableModel, render_markdown
from bench.smoke import smoke_prefix
from bench.specs.table import Column, Table

CONTRADICTORY_MARK = "ᵃ"
"""Stands at a figure of the paper that its own arithmetic contradicts."""
SECOND_HAND_MARK = "ᵈ"
"""Stands at a figure that is from a digest of the paper."""
LEVEL_MARK = "ᵗ"
"""Marks a result of ours that does not differ significantly from the best of its column."""
TIED_MARK = "ᵉ"
"""Stands at an EER of ours that hangs on equal scores."""

VERDICT_MARKS: Mapping[Verdict, str] = {
    "inside": "✓",
    "outside": "✗",
    "one seed": "¹",
    "two seeds": "²",
    "too few errors": "ᶠ",
}
"""Stands after our difference from the paper's figure."""

_NOTHING = "–"
_ARROWS = {"lower": "↓", "higher": "↑", None: ""}

CellKey = tuple[str, int]
"""Row, and index of the column."""


def render_main_table(
    table: Table,
    results: ResultCells,
    contradictory: Container[CellKey],
    comparisons: RowTests,
    form: Form,
    detail: bool = False,
) -> str:
    """Return the table in Markdown, in the paper's layout.

    `contradictory` results are marked, and those of ours that by the `comparisons` may be as good
    as the best. A cell has one line; with `detail` it has three.
    """
    tops = [find_best_rows(table, column, results) for column in range(len(table.columns))]
    level = [comparisons.level_with_best(column, top) for column, top in enumerate(tops)]
    not_run = {row for row in table.rows if read_row_state(results, row) == "not run"}
    ranks = {
        (row, column): name
        for column in range(len(table.columns))
        for rows, name in ((not_run, "not run"), (level[column], "level"), (tops[column], "best"))
        for row in rows
    }
    beside = has_paper(results)
    texts: dict[CellKey, tuple[str]] = {}
    for cell in results:
        key = cell.row, cell.column
        digits = count_decimals(table.columns[cell.column])
        rank = ranks.get(key, "")
        if beside:
            texts[key] = (_format_result(cell, rank, key in contradictory, digits, detail),)
        else:
            texts[key] = (_format_ours(cell, rank, digits),)
    return _render_texts(table, texts, form, lambda row: format_progress(results, row))


def render_printed_table(table: Table, contradictory: Container[CellKey]) -> str:
    """Return what the paper prints, as it lays the table out, without any result of ours."""
    texts: dict[CellKey, tuple[str]] = {}
    for cell in build_cells(table, {}):
        key, digits = (cell.row, cell.column), count_decimals(table.columns[cell.column])
        texts[key] = (format_papers_result(cell, key in contradictory, digits),)
    return _render_texts(table, texts, "paper", None)


def _render_texts(
    table: Table,
    texts: Mapping[CellKey, Sequence[str]],
    form: Form,
    progress: Callable[[str], str] | None,
) -> str:
    """Return the texts of all cells in Markdown; without `progress` they are the paper's."""

    def list_names(row: str) -> list[str]:
        return row_names.list_name_cells(table, row, row, link_system_name(table.rows[row]))

    if table.layout == "rows":
        whose = "" if progress else " (paper)"
        headings = [f"{c.group} {format_column_heading(c)}".strip() + whose for c in table.columns]
        return render_markdown(lay_out_rows(table, texts, headings, list_names, progress), form)
    parts: list[str] = []
    for matrix in lay_out_matrices(table, texts, list_names, progress or (lambda _: "paper")):
        title = fill_template(smoke_prefix(form) + "{}: {}", matrix.title, matrix.progress)
        parts += [format_heading(3, title), render_markdown(matrix, form)]
    return "\n\n".join(parts)


def format_column_heading(column: Column) -> str:
    """Return a column's heading with an arrow to where results are better."""
    return f"{column.heading} {_ARROWS[column.better_direction]}".strip()


def lay_out_rows(
    table: Table,
    texts: Mapping[CellKey, Sequence[str]],
    headings: Sequence[str],
    names: Callable[[str], Sequence[str]],
    progress: Callable[[str], str] | None,
) -> TableModel:
    """Return a row for each row of the table.

    It has the row's `names`, the `texts` of its cells, each of as many columns as it has texts,
    under `headings`, and its `progress`.
    """
    before = row_names.list_name_headings(table)
    rows: list[Sequence[str]] = []
    group = ""
    for key, row in table.rows.items():
        if row.group != group:
            group = row.group
            rows.append([group])
        results = [text for n in range(len(table.columns)) for text in texts[key, n]]
        rows.append([*names(key), *results, *([progress(key)] if progress else [])])
    after = ["Seeds"] if progress else []
    alignment = "l" * len(before) + "r" * len(headings) + "l" * len(after)
    return TableModel([*before, *headings, *after], rows, alignment)


def lay_out_matrices(
    table: Table,
    texts: Mapping[CellKey, Sequence[str]],
    names: Callable[[str], Sequence[str]],
    progress: Callable[[str], str],
) -> list[TableModel]:
    """Return a matrix for each row of the table, of one text a cell."""
    down, across = list_sides(table.columns)
    index = index_matrix(table.columns)
    arrow = _ARROWS[table.columns[0].better_direction]
    return [
        TableModel(
            ["", *(f"{name} {arrow}".strip() for name in across)],
            [
                [group, *(_text_at(texts, key, index.get((group, name))) for name in across)]
                for group in down
            ],
            "l" + "r" * len(across),
            title=join_texts(" · ", filter(None, [*names(key), row.group])),
            progress=progress(key),
        )
        for key, row in table.rows.items()
    ]


def _text_at(texts: Mapping[CellKey, Sequence[str]], row: str, column: int | None) -> str:
    return "" if column is None else texts[row, column][0]


def _format_result(
    cell: ResultCell, rank: str, contradictory: bool, digits: int, detail: bool
) -> str:
    paper = format_papers_result(cell, contradictory, digits)
    if cell.scored and cell.paper is None:
        return _format_ours(cell, rank, digits)
    if not cell.seeds_wanted or rank == "not run":
        return paper
    between = "<br>" if detail else " / "
    if cell.ours is None:
        return join_texts(between, [paper, _NOTHING, _NOTHING])
    ours = _format_mean(cell, cell.ours, rank, digits)
    interval = format_interval(cell.ours.low, cell.ours.high, digits)
    difference = _format_difference(cell, cell.ours, digits, detail)
    if detail:
        ours = join_texts(" ", filter(None, [ours, interval]))
        return join_texts(between, [paper, ours, difference])
    figures = join_texts(between, [paper, ours, difference])
    return fill_template("{} <small>{}</small>", figures, interval) if interval else figures


def format_papers_result(cell: ResultCell, contradictory: bool, digits: int) -> str:
    """Return the paper's result with its marks."""
    marks = SECOND_HAND_MARK * (cell.paper_from == "digest") + CONTRADICTORY_MARK * contradictory
    return (_NOTHING if cell.paper is None else f"{cell.paper:.{digits}f}") + marks


def _format_ours(cell: ResultCell, rank: str, digits: int) -> str:
    """Return the result of a row that no paper's table has."""
    if cell.ours is None:
        return _NOTHING
    few = VERDICT_MARKS["too few errors"] if cell.ours.verdict == "too few errors" else ""
    figure = join_texts(" ", filter(None, [_format_mean(cell, cell.ours, rank, digits), few]))
    interval = format_interval(cell.ours.low, cell.ours.high, digits)
    return fill_template("{} <small>{}</small>", figure, interval) if interval else figure


def _format_mean(cell: ResultCell, ours: OurResult, rank: str, digits: int) -> str:
    mean = f"{ours.mean:.{digits}f}"
    if cell.trials_missing:
        mean = fill_template("*{}* ({} trials missing)", mean, f"{cell.trials_missing:,}")
    elif not cell.is_complete:
        wanted = format_count(cell.seeds_wanted, "seed")
        mean = fill_template("*{}* ({} of {})", mean, str(cell.seeds_done), wanted)
    elif rank == "best":
        mean = fill_template("**{}**", mean)
    elif rank == "level":
        mean += LEVEL_MARK
    marks = TIED_MARK * ours.tied + code_versions.OUTDATED_MARK * ours.older
    mean = fill_template("{}{}", mean, marks)
    return mean if ours.sd is None else fill_template("{} ± {}", mean, f"{ours.sd:.{digits}f}")


def _format_difference(cell: ResultCell, ours: OurResult, digits: int, detail: bool) -> str:
    """Return ours minus the paper's, and what can be said of it."""
    text = _NOTHING
    if cell.difference is not None:
        # + 0.0: no "-0.00"
        text = f"{round(cell.difference, digits) + 0.0:+.{digits}f}"
    if not ours.verdict:
        return text
    return f"{text}, {ours.verdict}" if detail else f"{text} {VERDICT_MARKS[ours.verdict]}"


def format_progress(results: ResultCells, row: str) -> str:
    """Return how far a row is: `2 of 3 seeds`, `not run`, `published`, `scored`."""
    reached = read_row_state(results, row)
    if reached in ("published", "not run", "scored"):
        return reached
    row_cells = [cell for cell in results if cell.row == row]
    done, wanted = min(cell.seeds_done for cell in row_cells), row_cells[0].seeds_wanted
    return f"{done} of {format_count(wanted, 'seed')}"
