"""The paper's figures beside ours: a table as bars, a matrix as heat maps."""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.reporting.cells import Cell, decimals
from bench.reporting.style import SOURCES, STYLE, Kind, drawn, plain, wrapped
from bench.reporting.tables import sides
from bench.specs.table import Column


def bars(title: str, columns: Sequence[Column], cells: Sequence[Cell], kind: Kind = "png") -> bytes:
    """Return a figure with one panel a column: each row's figure in the paper and ours, per cent.

    Whiskers are the 95 % intervals. Where all figures lie close together the axis does not begin at
    zero, and says so.
    """
    with mpl.rc_context(STYLE):
        across = min(2, len(columns))
        down = -(-len(columns) // across)
        n_rows = len({cell.row for cell in cells})
        width = across * (2 + 0.4 * n_rows)
        figure = Figure(figsize=(width, 2.6 * down), layout="constrained")
        figure.suptitle(wrapped(title, width))
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for panel in panels[len(columns) :]:
            panel.remove()
        for place, column in enumerate(columns):
            own = [cell for cell in cells if cell.column == place]
            _bars(panels[place], column, own)
        return drawn(figure, kind)


def heat(title: str, columns: Sequence[Column], cells: Sequence[Cell], kind: Kind = "png") -> bytes:
    """Return a figure with a line for each system: the paper's matrix, and beside it ours minus the
    paper's, or ours where the paper has none.

    The columns' groups stand down the side and their headings across. Of figures, darker is larger,
    on one scale for all matrices; of differences, red is where ours is worse.
    """
    rows = list(dict.fromkeys(cell.row for cell in cells))
    down, across = (len(side) for side in sides(columns))
    figures, differences = _scales(columns, cells)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        beside = 2 if any(cell.ours for cell in cells) else 1
        size = beside * (1.2 + 0.4 * across), len(rows) * (0.9 + 0.2 * down) + 0.4
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(wrapped(title, size[0]))
        panels = figure.subplots(len(rows), beside, squeeze=False)
        for row, (left, *right) in zip(rows, panels, strict=True):
            own = [cell for cell in cells if cell.row == row]
            _heat(left, columns, f"{row}: paper", {c.column: c.paper for c in own}, figures)
            if right:
                _heat_of_ours(right[0], columns, own, figures, differences)
        return drawn(figure, kind)


def _bars(axes: Any, column: Column, cells: Sequence[Cell]) -> None:
    rows = list(dict.fromkeys(cell.row for cell in cells))
    records = [(cell.row, "paper", cell.paper) for cell in cells if cell.paper is not None]
    records += [
        (cell.row, "ours" if cell.complete else "ours, incomplete", cell.ours.mean)
        for cell in cells
        if cell.ours
    ]
    data = pd.DataFrame(records, columns=pd.Index(["row", "source", "value"]))
    sources = [source for source in SOURCES if source in set(data["source"])]
    sns.barplot(
        data=data,
        x="row",
        y="value",
        hue="source",
        order=rows,
        hue_order=sources,
        palette={source: SOURCES[source] for source in sources},
        errorbar=None,
        saturation=1,
        edgecolor="#4d4d4d",
        linewidth=0.5,
        ax=axes,
    )
    for source, container in zip(sources, axes.containers, strict=True):
        if source != "paper":
            _whiskers(axes, container, rows, cells)
    cut = _cut_axis(axes, data["value"].to_numpy())
    heading = f"{column.group} {column.heading} ({column.better} is better)".strip()
    axes.set_title(heading, loc="left")
    axes.set(xlabel="", ylabel=f"%{cut}")
    axes.tick_params(axis="x", labelrotation=45)
    # Beside the heading, above the axes: within them it would hide bars.
    place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    if sources:
        axes.legend(title=None, fontsize=7, ncols=3, frameon=False, **place)


def _scales(
    columns: Sequence[Column], cells: Sequence[Cell]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the colours of figures, and of differences."""
    ours = [cell.ours.mean for cell in cells if cell.ours]
    values = [cell.paper for cell in cells if cell.paper is not None] + ours
    differences = [abs(cell.difference) for cell in cells if cell.difference is not None]
    farthest = max([*differences, 0.1])  # a hair's breadth is no deep red
    red_is_worse = "RdBu_r" if columns[0].better == "lower" else "RdBu"
    return (
        {"cmap": "Blues", "vmin": min(values, default=0.0), "vmax": max(values, default=1.0)},
        {"cmap": red_is_worse, "vmin": -farthest, "vmax": farthest},
    )


def _heat_of_ours(
    axes: Any,
    columns: Sequence[Column],
    cells: Sequence[Cell],
    figures: Mapping[str, Any],
    differences: Mapping[str, Any],
) -> None:
    ours = "ours" if all(cell.complete for cell in cells if cell.ours) else "ours, incomplete"
    title = f"{cells[0].row}: {ours}"
    if any(cell.difference is not None for cell in cells):
        away = {cell.column: cell.difference for cell in cells}
        _heat(axes, columns, f"{title}, minus the paper", away, differences, "+")
    else:
        means = {cell.column: cell.ours and cell.ours.mean for cell in cells}
        _heat(axes, columns, title, means, figures)


def _heat(
    axes: Any,
    columns: Sequence[Column],
    title: str,
    values: Mapping[int, float | None],
    colours: Mapping[str, Any],
    sign: Literal["", "+"] = "",
) -> None:
    """Draw the matrix of the values by column; leave the panel out where there are none."""
    if all(value is None for value in values.values()):
        axes.remove()
        return
    down, across = sides(columns)
    matrix = pd.DataFrame(index=pd.Index(down), columns=pd.Index(across), dtype=float)
    for place, value in values.items():
        if value is not None:
            shown = round(value, decimals(columns[place])) + 0.0  # no "-0.00"
            matrix.loc[columns[place].group, columns[place].heading] = shown
    sns.heatmap(
        matrix,
        ax=axes,
        annot=True,
        fmt=f"{sign}.{decimals(columns[0])}f",
        annot_kws={"fontsize": 6},
        cbar=False,
        xticklabels=True,
        yticklabels=True,
        **colours,
    )
    axes.set_title(plain(title), loc="left")
    axes.tick_params(length=0)
    axes.set_xticks(axes.get_xticks(), across, rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="y", labelrotation=0)


def _whiskers(axes: Any, drawn: Any, rows: list[str], cells: Sequence[Cell]) -> None:
    ours = {cell.row: cell.ours for cell in cells if cell.ours}
    for bar in drawn:
        centre = bar.get_x() + bar.get_width() / 2
        found = ours.get(rows[round(centre)])
        if found is not None and np.isfinite(bar.get_height()):
            axes.plot([centre, centre], [found.low, found.high], color="black", linewidth=1)


def _cut_axis(axes: Any, values: NDArray[np.float64]) -> str:
    """Cut the axis where bars from zero would look alike; return what its label must add."""
    if not len(values) or values.min() < 0.9 * values.max():
        return ""
    margin = max(values.max() - values.min(), 0.5)
    axes.set_ylim(max(0.0, values.min() - margin), values.max() + margin / 2)
    return " (axis does not begin at 0)"
