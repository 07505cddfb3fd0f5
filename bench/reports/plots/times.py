"""Time lines of utterances: a waveform coloured by class, true against predicted spans."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.evaluation.recording_scores import RecordingScores
from bench.plot_data import ActivationPanel, FrameDecisions
from bench.reports.plot_style import (
    CLASSES,
    KINDS,
    add_panels,
    escape_mathtext,
    styled_figure,
    wrap_title,
)
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ, SPOOF

_WIDTH_IN = 7.0
_ACROSS = 2
"""Panels beside each other where there are several."""
_POINTS = 2000
"""Of a waveform, across the figure: more would not be seen."""


_COLOURS_SAY = (
    "colour: the class of the largest S' (equation 8) in each 20 ms, the stronger the farther it "
    "is ahead of the next class, against the frame of the clip where one is farthest ahead"
)


def draw_activations(
    panels: Sequence[ActivationPanel], classes: Sequence[str], title: str = ""
) -> Figure:
    """Return TCA's Figure 2: each utterance's waveform, coloured by its strongest class.

    Each 20 ms has a colour. Its strength is how far the class stands out from the next, against the
    frame of the clip where one does most; the paper, which calls it detection confidence, does not
    define it.
    """
    across = min(_ACROSS, len(panels))
    down = -(-len(panels) // across)
    height = 1.3 + (1.1 if down == 1 else 0.85 * down)
    with styled_figure(_WIDTH_IN, height, title, grid="none") as figure:
        for axes, panel in zip(add_panels(figure, len(panels), across), panels, strict=True):
            _draw_activation(axes, panel)
        for axes in figure.axes[-across:]:
            axes.set_xlabel("time (s)")
        keys = [
            Patch(color=colour, alpha=0.8, label=name)
            for name, colour in zip(classes, KINDS, strict=False)
        ]
        figure.legend(
            handles=keys,
            loc="outside lower center",
            ncols=len(classes),
            title=wrap_title(_COLOURS_SAY, 1.2 * _WIDTH_IN),
            title_fontsize=6.5,
        )
    return figure


def _draw_activation(axes: Any, panel: ActivationPanel) -> None:
    order = np.sort(panel.activation, axis=1)
    lead = order[:, -1] - order[:, -2]
    strength = lead / max(float(lead.max()), 1e-12)
    hop_s = HOP_SAMPLES / SAMPLE_RATE_HZ
    for frame, strongest in enumerate(panel.activation.argmax(axis=1)):
        alpha = 0.1 + 0.7 * float(strength[frame])
        colour = KINDS[strongest]
        axes.axvspan(frame * hop_s, (frame + 1) * hop_s, color=colour, alpha=alpha, linewidth=0)
    draw_waveform(axes, panel.wave)
    axes.set(xlim=(0, len(panel.wave) / SAMPLE_RATE_HZ))
    if panel.title:
        axes.set_title(escape_mathtext(panel.title), fontsize=7, loc="left", pad=2)
    axes.tick_params(labelsize=6)


def draw_strips(groups: Mapping[str, Sequence[FrameDecisions]], title: str) -> Figure:
    """Return two bars for each utterance, true spans above predicted ones.

    They stand under their groups' names (`best`, `median`, `worst`).
    """
    n = sum(len(group) + 0.6 for group in groups.values())
    title = f"{title}\nof each pair of bars: above the labels, below the decisions"
    with styled_figure(_WIDTH_IN, 1.2 + 0.36 * n, title, grid="x") as figure:
        axes = figure.subplots()
        at, ticks, latest = 0.0, dict[float, str](), 0.0
        for heading, group in groups.items():
            axes.text(0, at, f" {escape_mathtext(heading)}", fontweight="bold", va="center")
            at += 0.7
            for strip in group:
                draw_spans(axes, strip.edges_s, strip.is_spoof, at - 0.36, 0.34)
                draw_spans(axes, strip.edges_s, strip.decided_spoof, at, 0.34)
                name = textwrap.fill(escape_mathtext(strip.name), 26)
                ticks[at] = f"{name}\n{100 * strip.error_share:.1f} % wrong"
                latest = max(latest, float(strip.edges_s[-1]))
                at += 1
        axes.set_yticks([*ticks], [*ticks.values()], fontsize=6)
        axes.set(ylim=(at - 0.4, -0.5), xlim=(0, latest), xlabel="time (s)")
        axes.grid(visible=False, axis="y")
        figure.legend(handles=_class_patches(), loc="outside lower center", ncols=2)
    return figure


def draw_recording(
    wave: NDArray[np.float32], scores: RecordingScores, threshold: float | None, title: str
) -> Figure:
    """Return a recording's waveform above its score over time; decided spans are coloured.

    Without a threshold nothing is decided, and nothing coloured.
    """
    duration_s = len(wave) / SAMPLE_RATE_HZ
    with styled_figure(_WIDTH_IN, 3.2, title, grid="none") as figure:
        upper, lower = figure.subplots(2, sharex=True)
        draw_waveform(upper, wave)
        lower.stairs(scores.score, scores.edges_s, baseline=None, color="black", linewidth=1)
        lower.set(xlim=(0, duration_s), xlabel="time (s)", ylabel="score (higher: bona fide)")
        if threshold is not None:
            lower.axhline(threshold, color="black", linewidth=0.8, linestyle="--")
            for span in scores.list_spans(threshold):
                for axes in (upper, lower):
                    axes.axvspan(
                        span.start_s, span.end_s, color=CLASSES[span.label], alpha=0.35, linewidth=0
                    )
            figure.legend(
                handles=[
                    *_class_patches(),
                    Line2D([], [], color="black", linestyle="--", label="threshold"),
                ],
                loc="outside lower center",
                ncols=3,
            )
    return figure


def draw_waveform(axes: Any, wave: NDArray[np.float32]) -> None:
    """Draw a waveform over seconds, as its lowest and highest sample in each of many steps."""
    step = max(1, len(wave) // _POINTS)
    begins = np.arange(0, len(wave), step)
    low, high = np.minimum.reduceat(wave, begins), np.maximum.reduceat(wave, begins)
    seconds = (begins + step / 2) / SAMPLE_RATE_HZ
    axes.fill_between(seconds, low, high, color="black", linewidth=0.3)
    axes.set_yticks([])


def draw_spans(
    axes: Any,
    edges_s: NDArray[np.float64],
    is_spoof: NDArray[np.bool_],
    bottom: float,
    height: float,
    alpha: float = 1.0,
) -> None:
    """Draw runs of frames of one class as one box each, in the class's colour.

    Arrays of shape (frames + 1,) and (frames,).
    """
    begins = np.flatnonzero(np.diff(is_spoof, prepend=~is_spoof[:1]))
    ends = np.append(begins[1:], len(is_spoof))
    lengths = edges_s[ends] - edges_s[begins]
    for label, colour in CLASSES.items():
        in_class = is_spoof[begins] == (label == SPOOF)
        boxes = list(zip(edges_s[begins[in_class]], lengths[in_class], strict=True))
        axes.broken_barh(boxes, (bottom, height), color=colour, alpha=alpha, linewidth=0)


def _class_patches() -> list[Patch]:
    return [Patch(color=colour, label=name) for name, colour in CLASSES.items()]
