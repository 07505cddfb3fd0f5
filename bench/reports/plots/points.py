"""The paper beside ours as points: a panel for each column, on an axis that fits its figures."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bench.reports.plot_style import SOURCES, escape_mathtext, styled_figure
from bench.reports.result_cells import ResultCell, count_decimals, name_column
from bench.specs.table import Column, Table

_DECADES = 20
"""Figures whose largest is this many times the smallest above 0 are drawn on a logarithmic axis."""
_PAPER = {"marker": "D", "color": SOURCES["paper"], "edgecolor": "#4d4d4d", "linewidth": 0.6}
_STYLES: dict[str, dict[str, Any]] = {
    "paper": _PAPER,
    "paper (second-hand)": {**_PAPER, "color": "white"},
    "ours": {"marker": "o", "color": SOURCES["ours"], "edgecolor": SOURCES["ours"]},
    "ours, seeds missing": {
        "marker": "o",
        "color": SOURCES["ours, incomplete"],
        "edgecolor": SOURCES["ours"],
        "linewidth": 0.6,
    },
    "scored, not trained here": {"marker": "s", "color": SOURCES["ours"], "linewidth": 0},
    "scored, trials missing": {"marker": "s", "color": SOURCES["ours, incomplete"], "linewidth": 0},
    "one seed": {"marker": "o", "color": SOURCES["ours"], "alpha": 0.6, "linewidth": 0},
}
_SIZES = {"one seed": 6}
_INTERVAL = "95 % interval of one run"
_ABOVE, _BELOW, _SEEDS = -0.16, 0.1, 0.3
"""Where paper, ours and seeds stand within a row's line, so that equal figures are all seen."""


class Axis(NamedTuple):
    """How the figures of a column are laid out."""

    low: float
    high: float
    linear_to: float
    """Logarithmic above this, linear from 0 to it; 0 where the whole axis is linear."""

    @property
    def is_cut(self) -> bool:
        """Whether the axis does not begin at 0."""
        return self.low > 0


def draw_points(title: str, table: Table, cells: Sequence[ResultCell]) -> Figure:
    """Return a figure with a panel for each column that has a result.

    Each row has a line, labelled by its key and as the paper labels it, with the paper's result,
    ours with its 95 % interval, and each seed. Results that are known from a digest of the paper
    alone are hollow. An axis that does not begin at 0 says so; where results span decades it is
    logarithmic, with a place of its own for 0.
    """
    shown = [cell for cell in cells if cell.paper is not None or cell.ours]
    panels = sorted({cell.column for cell in shown})
    rows = [name for name in table.rows if any(cell.row == name for cell in cells)]
    down = max(1, -(-len(panels) // (3 if len(rows) > 6 else 4)))
    across = max(1, -(-len(panels) // down))
    labels = [label_row(table, name) for name in rows]
    margin = 0.065 * max(len(line) for text in labels for line in text.split("\n"))
    width = margin + (2.5 if across < 4 else 1.9) * across + 0.3
    height = 0.5 + down * (0.65 + 0.26 * len(rows))
    with styled_figure(width, height, title, grid="x") as figure:
        grid = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
        for axes in grid[len(panels) :]:
            axes.remove()
        for axes, index in zip(grid, panels, strict=False):
            panel_cells = [cell for cell in shown if cell.column == index]
            _draw_panel(axes, table.columns[index], rows, panel_cells)
        if panels:
            grid[0].set_yticks(range(len(rows)), labels)
            grid[0].set_ylim(len(rows) - 0.45, -0.55)
        _add_legend(figure, list(grid[: len(panels)]))
    return figure


def label_row(table: Table, row: str) -> str:
    """Return a row's key and its text cells that say more, in lines of some forty letters."""
    text = ", ".join(
        dict.fromkeys(
            [row, *(text_cell for text_cell in table.rows[row].cells if text_cell not in ("", "–"))]
        )
    )
    return textwrap.fill(escape_mathtext(text), 40, break_long_words=False)


def choose_axis(column: Column, values: Sequence[float]) -> Axis:
    """Return the axis that all results and bounds of a column lie on.

    They are 0 or more each, or NaN where there is none.
    """
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    unit = 10.0 ** -count_decimals(column)
    positive = [value for value in finite if value >= unit / 2]
    if positive and high >= _DECADES * min(positive):
        linear = min(positive)
        return Axis(-linear / 2, high * 1.4, linear)
    margin = max((high - low) / 10, 2 * unit)
    if low < high / 2 or low - margin <= 0:
        return Axis(-high / 25 if low < high / 25 else 0.0, high + margin, 0.0)
    return Axis(low - margin, high + margin, 0.0)


def _draw_panel(
    axes: Any, column: Column, rows: Sequence[str], cells: Sequence[ResultCell]
) -> None:
    values: list[float] = []
    for cell in cells:
        y = rows.index(cell.row)
        if cell.paper is not None:
            digest = cell.paper_from == "digest"
            _draw_point(
                axes, "paper (second-hand)" if digest else "paper", [cell.paper], y + _ABOVE
            )
            values.append(cell.paper)
        if cell.ours:
            ours, at = cell.ours, y + _BELOW
            _draw_point(axes, _name_source(cell), [ours.mean], at)
            span = [bound for bound in (ours.low, ours.high) if bound == bound]
            axes.plot(span, [at] * len(span), color=SOURCES["ours"], linewidth=1, label=_INTERVAL)
            if len(ours.values) > 1:
                _draw_point(axes, "one seed", ours.values, y + _SEEDS)
            values += [ours.mean, *span, *ours.values]
    _scale_axis(axes, column, choose_axis(column, values))
    better = f", {column.better_direction} is better" if column.better_direction else ""
    axes.set_title(escape_mathtext(name_column(column) + better), loc="left")
    axes.tick_params(axis="y", length=0)
    for y in range(1, len(rows)):
        axes.axhline(y - 0.5, color="#e6e6e6", linewidth=0.5, zorder=0)


def _name_source(cell: ResultCell) -> str:
    """Return what a figure of ours is, as in `_STYLES`."""
    if cell.scored:
        return "scored, not trained here" if cell.is_complete else "scored, trials missing"
    return "ours" if cell.is_complete else "ours, seeds missing"


def _draw_point(axes: Any, source: str, values: Sequence[float], y: float) -> None:
    heights = [y] * len(values)
    size = _SIZES.get(source, 22)
    axes.scatter(values, heights, s=size, label=source, zorder=3, clip_on=False, **_STYLES[source])


def _scale_axis(axes: Any, column: Column, axis: Axis) -> None:
    label = {"%": "%", "bits": "bits", "cost": "normalised cost"}[column.unit]
    if axis.linear_to:
        axes.set_xscale("symlog", linthresh=axis.linear_to, linscale=0.4)
        axes.xaxis.set_major_locator(FixedLocator(_choose_ticks(axis)))
        axes.xaxis.set_minor_locator(NullLocator())
        label += ", logarithmic, with a place for 0"
    elif axis.is_cut:
        label += ", does not begin at 0"
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(axis.low, axis.high)
    axes.set_xlabel(label)


def _choose_ticks(axis: Axis) -> list[float]:
    """Return 0 and the powers of ten on a logarithmic axis; where there are not two, others too."""
    powers = range(math.floor(math.log10(axis.linear_to)), math.ceil(math.log10(axis.high)) + 1)

    def ticks_in_range(steps: tuple[int, ...]) -> list[float]:
        numbers = [step * 10.0**power for power in powers for step in steps]
        return [number for number in numbers if axis.linear_to <= number <= axis.high]

    tens = ticks_in_range((1,))
    if len(tens) > 3 and tens[0] < 2 * axis.linear_to:
        tens = tens[1:]  # its label would lie over that of 0
    return [0.0, *(tens if len(tens) > 1 else ticks_in_range((1, 2, 5)))]


def _add_legend(figure: Figure, panels: Sequence[Any]) -> None:
    """Set one legend of what is drawn in any panel, in the order of `_STYLES`."""
    handles_by_name: dict[str, Any] = {}
    for axes in panels:
        handles, names = axes.get_legend_handles_labels()
        handles_by_name |= dict(zip(names, handles, strict=True))
    order = [name for name in (*_STYLES, _INTERVAL) if name in handles_by_name]
    if order:
        figure.legend(
            [handles_by_name[name] for name in order],
            order,
            loc="outside lower center",
            ncols=3,
            fontsize=7,
        )
