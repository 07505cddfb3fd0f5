"""BreathNet's Figure 3: a radar of ranks, the larger the area the better."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from bench.reports.plot_style import LINES, MARKERS, escape_mathtext, styled_figure, wrap_title


def draw_ranks(
    dimensions: Sequence[str], panels: Mapping[str, Mapping[str, Sequence[float]]], title: str
) -> Figure:
    """Return a radar for each of `panels`, which hold each system's ranks by `dimensions`.

    The last system is drawn strongest.
    """
    width = 3.9 * len(panels)
    with styled_figure(max(width, 4.5), 4.1, title + "\n") as figure:
        polar = {"projection": "polar"}
        subplots = figure.subplots(1, len(panels), squeeze=False, subplot_kw=polar)[0]
        for axes, (name, systems) in zip(subplots, panels.items(), strict=True):
            _draw_radar(axes, dimensions, systems)
            axes.set_title(wrap_title(name, 3.9), pad=18, fontsize=8)
        handles: dict[str, Any] = {}
        for axes in subplots:
            handles |= {line.get_label(): line for line in axes.lines}
        figure.legend(
            handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), 3)
        )
    return figure


def _draw_radar(
    axes: Any, dimensions: Sequence[str], systems: Mapping[str, Sequence[float]]
) -> None:
    angles = 2 * np.pi * np.arange(len(dimensions)) / len(dimensions)
    closed = np.append(angles, angles[0])
    axes.set_theta_offset(np.pi / 2)
    axes.set_theta_direction(-1)
    for index, (name, values) in enumerate(systems.items()):
        last = index == len(systems) - 1
        axes.plot(
            closed,
            [*values, values[0]],
            color="black" if last else LINES[index % len(LINES)],
            marker=MARKERS[index % len(MARKERS)],
            markersize=4,
            linewidth=2 if last else 1,
            linestyle="-" if last else "--",
            label=escape_mathtext(name),
        )
        if last:
            axes.fill(closed, [*values, values[0]], color="black", alpha=0.08)
    n = len(systems)
    axes.set_ylim(0, n + 0.3)
    axes.set_yticks(range(1, n + 1), [f"{rank}" for rank in range(1, n + 1)], fontsize=6)
    axes.set_rlabel_position(45)
    # Over two lines, and away from the circle on its own side: long names would lie over it.
    names = ["\n".join(escape_mathtext(name).rsplit(" ", 1)) for name in dimensions]
    axes.set_xticks(angles, names)
    for label, angle in zip(axes.get_xticklabels(), angles, strict=True):
        label.set_horizontalalignment(("center", "left", "right")[_side_of_circle(angle)])


def _side_of_circle(angle: float) -> int:
    """Return on which side an angle from the top points: 1 right, -1 left, 0 for up or down."""
    across = np.sin(angle)
    return 0 if abs(across) < 0.1 else int(np.sign(across))
