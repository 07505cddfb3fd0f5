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
from bench.specs.run import Run
from bench.specs.sweep import Categories, Sweep

_PANEL_IN = 2.9


class Curve(NamedTuple):
    """One panel."""

    setting: str
    """What is varied, e.g. `λ`."""
    points: pd.DataFrame
    """A line a point: `value` (of the setting, a number), `evaluation`, `eer` (per cent). Several
    of one value, such as seeds, are averaged."""
    chosen: float | None = None
    """The value of the row that is varied, marked."""


def swept(card: Sweep, trials: pd.DataFrame, base: Run) -> Curve:
    """Return the panel of a sweep of one dimension from its study's table (`bench.sweeps.records`),
    as it was kept: all text. `base` is the run that its trials differ from.

    BenchError where it has several dimensions or one of no numbers, or scores no test set.
    """
    (dimension, of), *more = card.space.items()
    if more or isinstance(of, Categories):
        raise BenchError(f"sweep {card.key}: a curve is over one dimension, of numbers")
    names = [name for name in base.evaluate if f"{name}.eer" in trials]
    over = trials[trials["state"] == "finished"]
    records = [
        (float(trial[dimension]), name, float(trial[f"{name}.eer"]))
        for _, trial in over.iterrows()
        for name in names
        if trial[f"{name}.eer"] != ""
    ]
    if not records:
        raise BenchError(f"sweep {card.key}: no finished trial has the EER of a test set")
    called = card.title.partition(": ")[2]
    setting = f"{called} ({dimension})" if called else dimension
    points = pd.DataFrame(records, columns=pd.Index(["value", "evaluation", "eer"]))
    own = base.flat().get((of.keys or (dimension,))[0])
    return Curve(setting, points, float(own) if isinstance(own, int | float) else None)


def curves(panels: Sequence[Curve], title: str, kind: Kind = "png") -> bytes:
    """Return one panel for each setting, with a line for each evaluation and, dashed, their mean at
    the values that all of them have.

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
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(len(labels), int(width / 1.3))
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
        axes.plot(whole.index, whole.mean(axis=1), "--", color="black", label="average")
    if panel.chosen is not None:
        axes.axvline(
            panel.chosen, color="black", linewidth=0.6, linestyle=":", label="the row's own"
        )
    axes.set(
        xlabel=plain(panel.setting),
        ylabel="EER (%)",
        ylim=(0, 1.1 * max(panel.points["eer"].max(), 1.0)),
    )
