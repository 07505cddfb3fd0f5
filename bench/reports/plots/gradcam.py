"""SAL's Figure 1: what one or two checkpoints predict for an utterance, and where they look."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.plot_data import GradcamPanel
from bench.reports.plot_style import CLASSES, escape_mathtext, styled_figure
from bench.reports.plots.times import draw_spans, draw_waveform
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ

_WIDTH_IN = 7.0


def draw_gradcam(
    wave: NDArray[np.float32], checkpoints: Sequence[GradcamPanel], title: str
) -> Figure:
    """Return the waveform over its true spans, and below it what each checkpoint predicts.

    For each there are the prediction curve, the true against the predicted spans, and Grad-CAM,
    darker where it is larger. Each Grad-CAM is drawn against its own largest value, so that two of
    them show where and not how much. All time axes are in seconds; Grad-CAM's steps are the hops'
    20 ms whatever the frames' length (the released script stretches them to the frames').
    """
    n = len(checkpoints)
    with styled_figure(_WIDTH_IN, 1.7 + 1.9 * n, title, grid="none") as figure:
        heights = [1.1, *[1.2, 0.42, 0.32] * n]
        panels = figure.subplots(1 + 3 * n, 1, sharex=True, height_ratios=heights)
        first = checkpoints[0]
        draw_waveform(panels[0], wave)
        low, high = panels[0].get_ylim()
        draw_spans(panels[0], first.edges_s, first.is_spoof, low, high - low, alpha=0.45)
        panels[0].set_ylim(low, high)
        panels[0].set_ylabel("waveform")
        for number, checkpoint in enumerate(checkpoints):
            _draw_checkpoint(panels[1 + 3 * number : 4 + 3 * number], checkpoint)
        panels[-1].set(xlim=(0, len(wave) / SAMPLE_RATE_HZ), xlabel="time (s)")
        keys = [Patch(color=colour, label=name) for name, colour in CLASSES.items()]
        figure.legend(handles=keys, loc="outside lower right", ncols=2)
    return figure


def _draw_checkpoint(panels: Sequence[Any], checkpoint: GradcamPanel) -> None:
    curve, both, heat = panels
    edges_s = checkpoint.edges_s
    curve.stairs(checkpoint.bonafide, edges_s, baseline=None, color="black", linewidth=1)
    curve.axhline(0.5, color="black", linewidth=0.6, linestyle="--")
    curve.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], ylabel="P(bona fide)")
    curve.set_title(escape_mathtext(checkpoint.name), loc="left", fontsize=8)
    draw_spans(both, edges_s, checkpoint.is_spoof, 1, 0.9)
    draw_spans(both, edges_s, checkpoint.bonafide < 0.5, 0, 0.9)
    both.set(ylim=(-0.05, 1.95), yticks=[1.45, 0.45], yticklabels=["true", "predicted"])
    largest = float(checkpoint.cam.max())
    hop_s = HOP_SAMPLES / SAMPLE_RATE_HZ
    heat.imshow(
        checkpoint.cam[None] / (largest or 1.0),
        aspect="auto",
        cmap="Greys",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(0, len(checkpoint.cam) * hop_s, 0, 1),
    )
    heat.set(yticks=[0.5], yticklabels=["Grad-CAM" if largest else "Grad-CAM: 0"])
    for axes in (both, heat):
        axes.tick_params(length=0, labelsize=7)
