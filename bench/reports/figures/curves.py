"""BreathNet's Figures 4 and 5: the error rate of each evaluation over the values of a setting."""

# The stubs of pandas and matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from bench.cards import sweep_cards
from bench.errors import BenchError
from bench.reports.evaluations import called
from bench.reports.style import LINES, MARKERS, STYLE, Kind, drawn, plain, wrapped
from bench.specs.run import Run
from bench.specs.sweep import Categories, Sweep

_PANEL_IN = 2.9
_AVERAGE = "average"
_FAR = 8
"""Rates so many times apart are drawn on a log scale: else the lowest line looks flat."""


class Curve(NamedTuple):
    """One panel."""

    setting: str
    """What is varied, e.g. `λ`."""
    points: pd.DataFrame
    """A line a point: `value` (of the setting, a number), `evaluation`, `eer` (per cent). Several
    of one value, such as seeds, are averaged."""
    chosen: float | None = None
    """The value of the row that is varied, marked."""
    paper: pd.DataFrame | None = None
    """What the paper prints, as `points`; `evaluation` may be `average` too."""


def swept(card: Sweep, trials: pd.DataFrame, base: Run) -> Curve:
    """Return the panel of a sweep of one dimension from its study's table (`sweeps.trial_table`),
    as it was kept: all text. `base` is the run that its trials differ from.

    BenchError where it has several dimensions or one of no numbers, or scores no test set.
    """
    (dimension, of), *more = card.space.items()
    if more or isinstance(of, Categories):
        raise BenchError(f"sweep {card.key}: a curve is over one dimension, of numbers")
    scored = [name for name in base.evaluate if f"{name}.eer" in trials]
    over = trials[trials["state"] == "finished"]
    names = called(base)
    records = [
        (float(trial[dimension]), names[name], float(trial[f"{name}.eer"]))
        for _, trial in over.iterrows()
        for name in scored
        if trial[f"{name}.eer"] != ""
    ]
    if not records:
        raise BenchError(f"sweep {card.key}: no finished trial has the EER of a test set")
    symbol = card.title.partition(": ")[2]
    setting = f"{symbol} ({dimension})" if symbol else dimension
    own = base.flat().get((of.keys or (dimension,))[0])
    printed = [
        (line.value, names.get(line.metric.rpartition(".")[0], _AVERAGE), line.figure)
        for line in sweep_cards.published(card)
        if line.value is not None and line.figure is not None
    ]
    return Curve(
        setting,
        _points(records),
        float(own) if isinstance(own, int | float) else None,
        _points(printed) if printed else None,
    )


def _points(records: Sequence[tuple[float, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(records, columns=pd.Index(["value", "evaluation", "eer"]))


def curves(panels: Sequence[Curve], title: str, kind: Kind = "png") -> bytes:
    """Return one panel for each setting, with a line for each evaluation and, dashed, their mean at
    the values that all of them have; the paper's figures as hollow marks of the same shapes.

    BenchError where a panel has no point.
    """
    for panel in panels:
        if panel.points.empty:
            raise BenchError(f"{title}: there is no point for {panel.setting}")
    width = max(_PANEL_IN * len(panels), 4.0)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, 3.0), layout="constrained")
        names = list(dict.fromkeys(name for panel in panels for name in panel.points["evaluation"]))
        for axes, panel in zip(
            figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True
        ):
            _panel(axes, panel, names)
        keys: dict[str, Any] = {}
        for axes in figure.axes:
            keys |= dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))
        figure.legend(
            keys.values(),
            keys.keys(),
            loc="outside lower center",
            ncols=min(len(keys), int(width / 1.3)),
        )
        figure.suptitle(wrapped(title, width))
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
        axes.plot(whole.index, whole.mean(axis=1), "--", color="black", label=_AVERAGE)
    if panel.paper is not None:
        _paper(axes, panel.paper, names)
    if panel.chosen is not None:
        axes.axvline(
            panel.chosen,
            color="black",
            linewidth=0.6,
            linestyle=":",
            label="value of the table's row",
        )
    axes.set_xlabel(plain(panel.setting))
    paper = [] if panel.paper is None else panel.paper["eer"].to_list()
    _rates(axes, panel.points["eer"].to_list(), paper)


def rate_axis(values: Sequence[float]) -> tuple[Literal["linear", "log"], tuple[float, float]]:
    """Return the scale and the limits of the axis of error rates in per cent; NaN counts for
    nothing.
    """
    known = [value for value in values if math.isfinite(value)]
    least, highest = min(known, default=0.0), max(known, default=0.0)
    if least <= 0 or highest < _FAR * least:
        return "linear", (0.0, 1.1 * max(highest, 1.0))
    return "log", (least / 1.2, highest * 1.2)


def _rates(axes: Any, ours: Sequence[float], paper: Sequence[float]) -> None:
    """Scale the axis of error rates: log scale where they are far apart, else from 0."""
    scale, limits = rate_axis([*ours, *paper])
    if scale == "linear":
        axes.set(ylabel="EER (%)", ylim=limits)
        return
    axes.set(ylabel="EER (%), logarithmic", yscale="log", ylim=limits)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _paper(axes: Any, points: pd.DataFrame, names: Sequence[str]) -> None:
    """Draw the paper's figures, hollow, in the shapes and colours of the lines that they belong
    to.
    """
    for name, own in points.groupby("evaluation", sort=False):
        place = names.index(str(name)) if name in names else None
        colour = "black" if place is None else LINES[place % len(LINES)]
        marker = "*" if place is None else MARKERS[place % len(MARKERS)]
        axes.plot(
            own["value"],
            own["eer"],
            linestyle="",
            marker=marker,
            markersize=8,
            markerfacecolor="none",
            markeredgecolor=colour,
            label=f"{name}, paper",
        )
