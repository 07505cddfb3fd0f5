"""BreathNet's Figure 6: hidden features of each evaluation, laid out in the plane."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.plot_data import EmbeddedFeatures
from bench.reports.plot_style import CLASSES, add_panels, escape_mathtext, styled_figure
from bench.units import BONAFIDE, SPOOF

_ACROSS = 2
_MARKERS = {BONAFIDE: "o", SPOOF: "x"}


def draw_features(panels: Sequence[EmbeddedFeatures], title: str) -> Figure:
    """Return a panel for each evaluation with a dot for each item, coloured by its class."""
    across = min(_ACROSS, len(panels))
    down = -(-len(panels) // across)
    width = max(3.0 * across, 4.0)
    with styled_figure(width, 2.8 * down + 0.6, title, grid="none") as figure:
        subplots = add_panels(figure, len(panels), across)
        for axes, panel in zip(subplots, panels, strict=True):
            # The class with fewer items on top, that it is not hidden.
            for label in sorted(CLASSES, key=lambda name: -_select_class(panel, name).sum()):
                points = panel.points[_select_class(panel, label)]
                axes.scatter(
                    *points.T,
                    s=min(16.0, 4000 / max(len(panel.points), 1) + 1.5),
                    marker=_MARKERS[label],
                    color=CLASSES[label],
                    alpha=0.7,
                    linewidths=0.5,
                    label=label,
                    rasterized=True,  # as vectors tens of thousands would make a file of megabytes
                )
            axes.set(xticks=[], yticks=[])
            axes.set_title(escape_mathtext(panel.name))
        handles, labels = subplots[0].get_legend_handles_labels()
        shown = dict(sorted(zip(labels, handles, strict=True)))
        legend = figure.legend(shown.values(), shown.keys(), loc="outside lower center", ncols=2)
        for handle in legend.legend_handles:
            handle.set_sizes([20])  # pyright: ignore[reportAttributeAccessIssue, reportOptionalMemberAccess]
    return figure


def _select_class(panel: EmbeddedFeatures, label: str) -> NDArray[np.bool_]:
    return panel.is_spoof if label == SPOOF else ~panel.is_spoof
