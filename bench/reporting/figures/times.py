"""Time lines of utterances: a waveform coloured by class, true against predicted spans."""

# The stubs of matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray

from bench.reporting.style import CLASSES, KINDS, STYLE, Kind, drawn, plain, wrapped
from bench.units import HOP_SAMPLES, SAMPLE_RATE_HZ, SPOOF

_WIDTH_IN = 7.0
_POINTS = 2000
"""Of a waveform, across the figure: more would not be seen."""


class Strip(NamedTuple):
    """One utterance's frames as they are and as they were decided; arrays of shape (frames,)."""

    name: str
    edges_s: NDArray[np.float64]
    """(frames + 1,): where frames begin, and the last one's end."""
    is_spoof: NDArray[np.bool_]
    decided_spoof: NDArray[np.bool_]

    @property
    def wrong(self) -> float:
        """Share of the frames that were decided wrongly."""
        return float((self.is_spoof != self.decided_spoof).mean())


def activation(
    wave: NDArray[np.float32],
    activation: NDArray[np.float64],
    classes: Sequence[str],
    title: str = "",
    kind: Kind = "png",
) -> bytes:
    """Return TCA's Figure 2: the waveform, each 20 ms coloured by its strongest class.

    `wave` is of shape (samples,), `activation` (frames, classes). The colour's strength is how far
    the class stands out from the next, against the frame where one does most.
    """
    order = np.sort(activation, axis=1)
    lead = order[:, -1] - order[:, -2]
    strength = lead / max(float(lead.max()), 1e-12)
    strongest = activation.argmax(axis=1)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(_WIDTH_IN, 2.4), layout="constrained")
        axes = figure.subplots()
        for frame, place in enumerate(strongest):
            begins = frame * HOP_SAMPLES / SAMPLE_RATE_HZ
            ends = begins + HOP_SAMPLES / SAMPLE_RATE_HZ
            alpha = 0.1 + 0.7 * float(strength[frame])
            axes.axvspan(begins, ends, color=KINDS[place], alpha=alpha, linewidth=0)
        waveform(axes, wave)
        axes.set(xlim=(0, len(wave) / SAMPLE_RATE_HZ), xlabel="seconds")
        figure.suptitle(wrapped(title, _WIDTH_IN))
        keys = [
            Patch(color=colour, alpha=0.8, label=name)
            for name, colour in zip(classes, KINDS, strict=False)
        ]
        figure.legend(handles=keys, loc="outside lower right", ncols=len(classes))
        return drawn(figure, kind)


def strips(groups: Mapping[str, Sequence[Strip]], title: str, kind: Kind = "png") -> bytes:
    """Return two bars for each utterance, true spans above predicted ones, under their groups'
    names (`best`, `median`, `worst`).
    """
    n = sum(len(group) + 0.6 for group in groups.values())
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure = Figure(figsize=(_WIDTH_IN, 1.2 + 0.36 * n), layout="constrained")
        axes = figure.subplots()
        at, ticks, latest = 0.0, dict[float, str](), 0.0
        for heading, group in groups.items():
            axes.text(0, at, f" {plain(heading)}", fontweight="bold", va="center")
            at += 0.7
            for strip in group:
                spans(axes, strip.edges_s, strip.is_spoof, at - 0.36, 0.34)
                spans(axes, strip.edges_s, strip.decided_spoof, at, 0.34)
                name = textwrap.fill(plain(strip.name), 26)
                ticks[at] = f"{name}\n{100 * strip.wrong:.1f} % wrong"
                latest = max(latest, float(strip.edges_s[-1]))
                at += 1
        axes.set_yticks([*ticks], [*ticks.values()], fontsize=6)
        axes.set(ylim=(at - 0.4, -0.5), xlim=(0, latest), xlabel="seconds")
        axes.grid(visible=False, axis="y")
        figure.legend(handles=_keys(), loc="outside lower center", ncols=2)
        figure.suptitle(
            wrapped(f"{title}\nof each pair: above as it is, below as predicted", _WIDTH_IN)
        )
        return drawn(figure, kind)


def waveform(axes: Any, wave: NDArray[np.float32]) -> None:
    """Draw a waveform over seconds, as its lowest and highest sample in each of many steps."""
    step = max(1, len(wave) // _POINTS)
    begins = np.arange(0, len(wave), step)
    low, high = np.minimum.reduceat(wave, begins), np.maximum.reduceat(wave, begins)
    seconds = (begins + step / 2) / SAMPLE_RATE_HZ
    axes.fill_between(seconds, low, high, color="black", linewidth=0.3)
    axes.set_yticks([])


def spans(
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
        own = is_spoof[begins] == (label == SPOOF)
        boxes = list(zip(edges_s[begins[own]], lengths[own], strict=True))
        axes.broken_barh(boxes, (bottom, height), color=colour, alpha=alpha, linewidth=0)


def _keys() -> list[Patch]:
    return [Patch(color=colour, label=name) for name, colour in CLASSES.items()]
