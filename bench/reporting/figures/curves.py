"""BreathNet's Figures 4 and 5: the error rate of each evaluation over the values of a setting."""

# The stubs of pandas and matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bench.errors import BenchError
from bench.reporting.style import LINES, MARKERS, STYLE, Kind, drawn, plain, wrapped

_PANEL_IN = 2.9


class Curve(NamedTuple):
    """One panel."""

    setting: str
    """What is varied, e.g. `λ`."""
    points: pd.DataFrame
    """A line a point: `value` (of the setting, a number), `evaluation`, `eer` (per cent). Several
    of one value, such as seeds, are averaged."""
    chosen: float | None = None
    """The value that the paper chooses, marked."""


def curves(panels: Sequence[Curve], title: str, kind: Kind = "png") -> bytes:
    """Return one panel for each setting, with a line for each evaluation and, dashed, their mean at
    the values that all of them have.

    BenchError where a panel has no point.
    """
    for panel in panels:
        if panel.points.empty:
            raise BenchError(f"{title}: there is no point for {panel.setting}")
    with mpl.rc_context(STYLE):
        width = _PANEL_IN * len(panels)
        figure = Figure(figsize=(max(width, 4.0), 3.0), layout="constrained")
        names = list(dict.fromkeys(name for panel in panels for name in panel.points["evaluation"]))
        for axes, panel in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            _panel(axes, panel, names)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6))
        figure.suptitle(wrapped(title, max(width, 4.0)))
        return drawn(figure, kind)


def _panel(axes: Any, panel: Curve, names: Sequence[str]) -> None:
    table = panel.points.pivot_table(
        index="value", columns="evaluation", values="eer", aggfunc="mean"
    ).sort_index()
    for place, name in enumerate(names):
        if name in table:
            line = table[name].dropna()
            colour, marker = LINES[place % len(LINES)], MARKERS[place % len(MARKERS)]
            axes.plot(line.index, line, marker=marker, color=colour, label=name, markersize=4)
    whole = table.dropna()
    if len(table.columns) > 1 and len(whole):
        axes.plot(whole.index, whole.mean(axis=1), "--", color="black", label="average")
    if panel.chosen is not None:
        axes.axvline(panel.chosen, color="black", linewidth=0.6, linestyle=":", label="the paper's")
    axes.set(xlabel=plain(panel.setting), ylabel="EER (%)", ylim=(0, None))
