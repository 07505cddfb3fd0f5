"""BreathNet's Figures 4 and 5: the error rate of each evaluation over the values of a setting."""

# The stubs of pandas and matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from bench.errors import BenchError
from bench.reports.plot_style import LINES, MARKERS, escape_mathtext, styled_figure
from bench.reports.setting_curves import AVERAGE, SettingCurve

_PANEL_IN = 2.9
_FAR = 8
"""Rates so many times apart are drawn on a log scale: else the lowest line looks flat."""


def draw_curves(panels: Sequence[SettingCurve], title: str) -> Figure:
    """Return one panel for each setting, with a line for each evaluation.

    The mean at the values that all evaluations have is dashed; the paper's results are hollow marks
    of the same shapes.

    BenchError where a panel has no point.
    """
    for panel in panels:
        if panel.points.empty:
            raise BenchError(
                "report.nothing-to-draw", f"{title}: there is no point for {panel.setting}"
            )
    width = max(_PANEL_IN * len(panels), 4.0)
    with styled_figure(width, 3.0, title) as figure:
        names = list(dict.fromkeys(name for panel in panels for name in panel.points["evaluation"]))
        subplots = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, panel in zip(subplots, panels, strict=True):
            _draw_panel(axes, panel, names)
        keys: dict[str, Any] = {}
        for axes in figure.axes:
            keys |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(
            keys.values(),
            keys.keys(),
            loc="outside lower center",
            ncols=min(len(keys), int(width / 1.3)),
        )
    return figure


def _draw_panel(axes: Any, panel: SettingCurve, names: Sequence[str]) -> None:
    table = panel.points.pivot_table(
        index="value", columns="evaluation", values="eer", aggfunc="mean"
    ).sort_index()
    for index, name in enumerate(names):
        if name in table:
            line = table[name].dropna()
            colour, marker = LINES[index % len(LINES)], MARKERS[index % len(MARKERS)]
            axes.plot(line.index, line, marker=marker, color=colour, label=name, markersize=4)
    whole = table.dropna()
    if len(table.columns) > 1 and len(whole):
        axes.plot(whole.index, whole.mean(axis=1), "--", color="black", label=AVERAGE)
    if panel.paper is not None:
        _draw_paper(axes, panel.paper, names)
    if panel.chosen is not None:
        axes.axvline(
            panel.chosen,
            color="black",
            linewidth=0.6,
            linestyle=":",
            label="value of the table's row",
        )
    axes.set_xlabel(escape_mathtext(panel.setting))
    paper = [] if panel.paper is None else panel.paper["eer"].to_list()
    _scale_rates(axes, panel.points["eer"].to_list(), paper)


def rate_axis(values: Sequence[float]) -> tuple[Literal["linear", "log"], tuple[float, float]]:
    """Return the scale and the limits of the axis of error rates in per cent, NaN left out."""
    finite = [value for value in values if math.isfinite(value)]
    least, highest = min(finite, default=0.0), max(finite, default=0.0)
    if least <= 0 or highest < _FAR * least:
        return "linear", (0.0, 1.1 * max(highest, 1.0))
    return "log", (least / 1.2, highest * 1.2)


def _scale_rates(axes: Any, ours: Sequence[float], paper: Sequence[float]) -> None:
    """Scale the axis of error rates: log scale where they are far apart, else from 0."""
    scale, limits = rate_axis([*ours, *paper])
    if scale == "linear":
        axes.set(ylabel="EER (%)", ylim=limits)
        return
    axes.set(ylabel="EER (%), logarithmic", yscale="log", ylim=limits)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _draw_paper(axes: Any, points: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw the paper's results, hollow, in the shapes and colours of their lines."""
    for name, paper_points in points.groupby("evaluation", sort=False):
        index = names.index(str(name)) if name in names else None
        colour = "black" if index is None else LINES[index % len(LINES)]
        marker = "*" if index is None else MARKERS[index % len(MARKERS)]
        axes.plot(
            paper_points["value"],
            paper_points["eer"],
            linestyle="",
            marker=marker,
            markersize=8,
            markerfacecolor="none",
            markeredgecolor=colour,
            label=f"{name}, paper",
        )
