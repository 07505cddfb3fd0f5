"""SAL's Figure 1: what one or two checkpoints predict for an utterance, and where they look."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.reports.figures.times import spans, waveform
from bench.reports.style import CLASSES, STYLE, Kind, drawn, plain, wrapped
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ

_WIDTH_IN = 7.0


class Checkpoint(NamedTuple):
    """What a trained row makes of the utterance."""

    name: str
    cam: NDArray[np.float64]
    """(hops,), not below 0: Grad-CAM, one value each 20 ms."""
    bonafide: NDArray[np.float64]
    """(frames,): the probability of bona fide; at least one half is decided bona fide."""
    edges_s: NDArray[np.float64]
    """(frames + 1,): where frames begin, and the last one's end."""
    is_spoof: NDArray[np.bool_]
    """(frames,): the labels that the frames are judged by."""


def gradcam(
    wave: NDArray[np.float32], checkpoints: Sequence[Checkpoint], title: str, kind: Kind = "png"
) -> bytes:
    """Return the waveform over its true spans, and below it for each checkpoint the prediction
    curve, the true against the predicted spans, and Grad-CAM, darker where it is larger.

    Each Grad-CAM is drawn against its own largest value, so that two of them show where and not how
    much. All time axes are in seconds; Grad-CAM's steps are the hops' 20 ms whatever the frames'
    length (the released script stretches them to the frames').
    """
    n = len(checkpoints)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(_WIDTH_IN, 1.7 + 1.9 * n), layout="constrained")
        heights = [1.1, *[1.2, 0.42, 0.32] * n]
        panels = figure.subplots(1 + 3 * n, 1, sharex=True, height_ratios=heights)
        first = checkpoints[0]
        waveform(panels[0], wave)
        low, high = panels[0].get_ylim()
        spans(panels[0], first.edges_s, first.is_spoof, low, high - low, alpha=0.45)
        panels[0].set_ylim(low, high)
        panels[0].set_ylabel("waveform")
        for number, checkpoint in enumerate(checkpoints):
            _checkpoint(panels[1 + 3 * number : 4 + 3 * number], checkpoint)
        panels[-1].set(xlim=(0, len(wave) / SAMPLE_RATE_HZ), xlabel="time (s)")
        keys = [Patch(color=colour, label=name) for name, colour in CLASSES.items()]
        figure.legend(handles=keys, loc="outside lower right", ncols=2)
        figure.suptitle(wrapped(title, _WIDTH_IN))
        return drawn(figure, kind)


def _checkpoint(panels: Sequence[Any], checkpoint: Checkpoint) -> None:
    curve, both, heat = panels
    edges_s = checkpoint.edges_s
    curve.stairs(checkpoint.bonafide, edges_s, baseline=None, color="black", linewidth=1)
    curve.axhline(0.5, color="black", linewidth=0.6, linestyle="--")
    curve.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1], ylabel="P(bona fide)")
    curve.set_title(plain(checkpoint.name), loc="left", fontsize=8)
    spans(both, edges_s, checkpoint.is_spoof, 1, 0.9)
    spans(both, edges_s, checkpoint.bonafide < 0.5, 0, 0.9)
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
