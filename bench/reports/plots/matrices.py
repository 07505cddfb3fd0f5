"""The paper beside ours where a table is a matrix for each system: heat maps."""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from bench.reports.main_table import SECOND_HAND_MARK
from bench.reports.matrix_sides import list_sides
from bench.reports.plot_style import escape_mathtext, label_matrix, styled_figure
from bench.reports.plots.points import label_row
from bench.reports.result_cells import ResultCell, count_decimals
from bench.specs.table import Column, Table


def draw_matrices(title: str, table: Table, cells: Sequence[ResultCell]) -> Figure:
    """Return a figure with the matrix that the paper prints for each system.

    Beside that of a system that was run is ours minus the paper's, or ours where the paper has
    none. The columns' groups stand down the side and their headings across. Of results, darker is
    larger, on one scale for all matrices; of differences, red is where ours is worse. A result that
    is known from a digest of the paper alone has a mark.
    """
    columns = table.columns
    by_row = {name: [cell for cell in cells if cell.row == name] for name in table.rows}
    run = [row_cells for row_cells in by_row.values() if any(cell.ours for cell in row_cells)]
    others = [
        row_cells
        for row_cells in by_row.values()
        if row_cells and row_cells not in run and _has_paper(row_cells)
    ]
    down, across = (len(side) for side in list_sides(columns))
    beside = 2 if run or len(others) > 1 else 1
    lines = len(run) + -(-len(others) // beside)
    figures, differences = _choose_scales(columns, cells)
    width, height = beside * (1.2 + 0.4 * across), max(1, lines) * (0.9 + 0.2 * down) + 0.4
    with styled_figure(width, height, title, grid="none") as figure:
        panels = figure.subplots(max(1, lines), beside, squeeze=False)
        for (left, right), row_cells in zip(panels, run, strict=False):
            _draw_papers_matrix(left, table, row_cells, figures)
            _draw_our_matrix(right, table, row_cells, figures, differences)
        rest = panels[len(run) :].ravel()
        for axes, row_cells in zip(rest, others, strict=False):
            _draw_papers_matrix(axes, table, row_cells, figures)
        for axes in rest[len(others) :]:
            axes.remove()
    return figure


def _has_paper(cells: Sequence[ResultCell]) -> bool:
    return any(cell.paper is not None for cell in cells)


def _choose_scales(
    columns: Sequence[Column], cells: Sequence[ResultCell]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the colours of figures, and of differences.

    Those of figures rise as the square root, so that small ones differ beside a large one.
    """
    ours = [cell.ours.mean for cell in cells if cell.ours]
    values = [cell.paper for cell in cells if cell.paper is not None] + ours
    differences = [abs(cell.difference) for cell in cells if cell.difference is not None]
    farthest = max([*differences, 0.1])  # a hair's breadth is no deep red
    red_is_worse = "RdBu" if columns[0].better_direction == "higher" else "RdBu_r"
    low, high = min(values, default=0.0), max(values, default=1.0)
    return (
        {"cmap": "Blues", "norm": PowerNorm(0.5, vmin=low, vmax=max(high, low + 0.1))},
        {"cmap": red_is_worse, "vmin": -farthest, "vmax": farthest},
    )


def _draw_papers_matrix(
    axes: Any, table: Table, cells: Sequence[ResultCell], figures: Mapping[str, Any]
) -> None:
    title = f"{label_row(table, cells[0].row)}: paper"
    digest = {cell.column for cell in cells if cell.paper_from == "digest"}
    printed = {cell.column: cell.paper for cell in cells}
    _draw_matrix(axes, table.columns, title, printed, figures, marked=digest)


def _draw_our_matrix(
    axes: Any,
    table: Table,
    cells: Sequence[ResultCell],
    figures: Mapping[str, Any],
    differences: Mapping[str, Any],
) -> None:
    ours = "ours" if all(cell.is_complete for cell in cells if cell.ours) else "ours, seeds missing"
    title = f"{label_row(table, cells[0].row)}: {ours}"
    if any(cell.difference is not None for cell in cells):
        away = {cell.column: cell.difference for cell in cells}
        _draw_matrix(axes, table.columns, f"{title}, minus the paper", away, differences, "+")
    else:
        means = {cell.column: cell.ours and cell.ours.mean for cell in cells}
        _draw_matrix(axes, table.columns, title, means, figures)


def _draw_matrix(
    axes: Any,
    columns: Sequence[Column],
    title: str,
    values: Mapping[int, float | None],
    colours: Mapping[str, Any],
    sign: Literal["", "+"] = "",
    marked: frozenset[int] | set[int] = frozenset(),
) -> None:
    """Draw the matrix of the values by column; leave the panel out where there are none."""
    import seaborn as sns  # takes as long as everything else that a plot imports

    if all(value is None for value in values.values()):
        axes.remove()
        return
    down, across = list_sides(columns)
    matrix = pd.DataFrame(index=pd.Index(down), columns=pd.Index(across), dtype=float)
    texts = pd.DataFrame("", index=matrix.index, columns=matrix.columns)
    for index, value in values.items():
        if value is not None:
            digits = count_decimals(columns[index])
            shown = round(value, digits) + 0.0  # no "-0.00"
            at = columns[index].group, columns[index].heading
            matrix.loc[at] = shown
            texts.loc[at] = f"{shown:{sign}.{digits}f}{SECOND_HAND_MARK * (index in marked)}"
    sns.heatmap(
        matrix,
        ax=axes,
        annot=texts,
        fmt="",
        annot_kws={"fontsize": 6},
        cbar=False,
        xticklabels=True,
        yticklabels=True,
        **colours,
    )
    axes.set_title(escape_mathtext(f"{title} ({columns[0].unit})"), loc="left")
    axes.set(xlabel="", ylabel="")
    label_matrix(axes, across, down)
