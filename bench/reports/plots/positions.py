"""SAL's Figure 3: how frames are shared among positions in segments, and errors by position."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.metrics.positions import POSITIONS
from bench.plot_data import PositionErrors
from bench.reports.plot_style import escape_mathtext, styled_figure

_POSITION_COLOURS = ("#56b4e9", "#e8e8e8", "#e69f00", "#4d004b")
"""Colours of start, middle, end and unit."""
_SYSTEM_COLOURS = (("#a6a6a6", ""), ("#0072b2", "///"))


def draw_positions(
    shares: NDArray[np.float64],
    systems: Sequence[PositionErrors],
    title: str,
    paper: Mapping[str, float],
) -> Figure:
    """Return a pie of the share of frames at each position, and systems' error rates there.

    `shares` is of shape (4,); one or two systems are drawn with their intervals, and without a
    system the pie alone. `paper` has those shares that the paper prints, in per cent, by position.
    """
    width = 7.0 if systems else 3.6
    with styled_figure(width, 3.1, title) as figure:
        pie, *rates = figure.subplots(
            1, 2 if systems else 1, squeeze=False, width_ratios=[2, 3] if systems else [1]
        )[0]
        _draw_pie(pie, shares, paper)
        for axes in rates:
            _draw_bars(axes, systems)
    return figure


def _draw_pie(axes: Any, shares: NDArray[np.float64], paper: Mapping[str, float]) -> None:
    wedges, *_ = axes.pie(
        shares,
        colors=_POSITION_COLOURS,
        startangle=90,
        counterclock=False,
        wedgeprops={"edgecolor": "black", "linewidth": 0.5},
    )
    labels = [
        f"{name}: {100 * share:.1f} %" + (f" (paper {paper[name]:g} %)" if name in paper else "")
        for name, share in zip(POSITIONS, shares, strict=True)
    ]
    # Beside the pie: slices may be too thin to be written on.
    axes.legend(wedges, labels, loc="upper center", bbox_to_anchor=(0.5, 0.02), ncols=2)
    axes.set_title("(a) share of frames")


def _draw_bars(axes: Any, systems: Sequence[PositionErrors]) -> None:
    width = 0.8 / len(systems)
    at = np.arange(len(POSITIONS))
    for number, (system, (colour, hatch)) in enumerate(zip(systems, _SYSTEM_COLOURS, strict=False)):
        centre = at + (number - (len(systems) - 1) / 2) * width
        error, low, high = (100 * part for part in (system.error, system.low, system.high))
        whiskers = np.vstack([error - low, high - error]).clip(min=0)
        drawn_bars = axes.bar(
            centre,
            error,
            width,
            color=colour,
            hatch=hatch,
            edgecolor="black",
            linewidth=0.5,
            label=escape_mathtext(system.system),
            yerr=np.nan_to_num(whiskers),
            error_kw={"linewidth": 0.8},
        )
        texts = ["" if np.isnan(value) else f"{value:.1f}" for value in error]
        axes.bar_label(drawn_bars, texts, padding=2, fontsize=6)
    axes.set_xticks(at, POSITIONS)
    axes.set(ylabel="frame error rate (%)")
    axes.set_title("(b) error rate by position in the segment")
    axes.margins(y=0.15)
    axes.grid(visible=False, axis="x")
    axes.legend()
