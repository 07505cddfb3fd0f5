"""Figures of a sweep from its table of trials: history, importances, slice, contour."""

# The stubs of pandas and matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from bench.cards.sweep_cards import text
from bench.metrics.catalogue import is_rate
from bench.reports.grid import smoke_word
from bench.reports.style import LINES, SOURCES, STYLE, Kind, drawn, plain, wrapped
from bench.reports.sweep_best import leaders, numbers
from bench.specs.sweep import Sweep

Draw = Callable[[Kind], bytes]
"""Gives a figure as PNG, SVG or PDF."""

_ACROSS = 3
"""Panels in a line."""
_COLOURS = "viridis"
"""Darker is lower, so better; in grey too, and for colour-blind readers."""


def figures(card: Sweep, trials: pd.DataFrame, importances: Mapping[str, float]) -> dict[str, Draw]:
    """Return the figures that can be drawn, by name: without a finished trial there is none,
    without a second dimension neither importances nor contour.

    `trials` is the study's table (`bench.sweeps.trial_table`), or that as it was kept, all text.
    """
    over = trials.assign(objective=pd.to_numeric(trials["objective"]))
    over = over.assign(trial=pd.to_numeric(over["trial"]))
    over = over[over["state"].isin(["finished", "pruned"]) & over["objective"].notna()]
    finished = over[over["state"] == "finished"]
    if finished.empty:
        return {}
    found = {
        "history": _history(card, over),
        "slice": _slice(card, finished, numbers(leaders(card, trials))),
    }
    if importances:
        found["importances"] = _importances(card, importances)
    if len(card.space) > 1:
        found["contour"] = _contour(card, finished)
    return found


def _history(card: Sweep, over: pd.DataFrame) -> Draw:
    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for state, marker in (("finished", "o"), ("pruned", "x")):
            own = over[over["state"] == state]
            if len(own):
                colour = SOURCES["ours" if state == "finished" else "paper"]
                axes.plot(own["trial"], own["objective"], marker, color=colour, label=state)
        finished = over[over["state"] == "finished"]
        least = np.minimum.accumulate(finished["objective"].to_numpy())
        axes.step(finished["trial"], least, where="post", color="black", label="lowest so far")
        axes.set(xlabel="trial", ylabel=_label(card))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=7, frameon=False)

    return _drawn(card, (5, 3), draw)


def _importances(card: Sweep, importances: Mapping[str, float]) -> Draw:
    names = sorted(importances, key=lambda name: importances[name])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        axes.barh(
            [*map(plain, names)], [importances[name] for name in names], color=SOURCES["ours"]
        )
        axes.set(xlim=(0, 1), xlabel=f"share of the variance of {card.objective}")

    return _drawn(card, (5, 1.2 + 0.3 * len(names)), draw)


def _slice(card: Sweep, finished: pd.DataFrame, top: Sequence[int]) -> Draw:
    names = list(card.space)
    best = finished["trial"].isin(top).to_numpy()
    said = "best" if len(top) == 1 else f"{len(top)} tied on the development set"

    def draw(figure: Figure) -> None:
        for axes, name in zip(_panels(figure, len(names)), names, strict=False):
            places = _scaled(axes, "x", card, name, finished)
            axes.scatter(
                places,
                finished["objective"],
                c=finished["trial"],
                cmap="Blues",
                edgecolors="black",
                linewidths=0.4,
                s=18,
            )
            axes.scatter(
                places[best],
                finished["objective"][best],
                s=70,
                facecolors="none",
                edgecolors=LINES[1],
                linewidths=1.2,
                label=said,
            )
            axes.set(xlabel=plain(name), ylabel=_label(card))
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center")

    return _drawn(card, _size(len(names)), draw)


def _contour(card: Sweep, finished: pd.DataFrame) -> Draw:
    pairs = list(itertools.combinations(card.space, 2))

    def draw(figure: Figure) -> None:
        for axes, (across, up) in zip(_panels(figure, len(pairs)), pairs, strict=False):
            x = _scaled(axes, "x", card, across, finished)
            y = _scaled(axes, "y", card, up, finished)
            level = finished["objective"].to_numpy()
            numeric = all(_numbers(card, name) is not None for name in (across, up))
            if numeric and _spread(_even(axes, "x", x), _even(axes, "y", y)) and np.ptp(level) > 0:
                axes.tricontourf(x, y, level, levels=12, cmap=_COLOURS, alpha=0.7)
            dots = axes.scatter(
                x, y, c=level, cmap=_COLOURS, edgecolors="black", linewidths=0.4, s=18
            )
            axes.set(xlabel=plain(across), ylabel=plain(up))
            figure.colorbar(dots, ax=axes, label=_label(card))

    return _drawn(card, _size(len(pairs)), draw)


def _even(axes: Any, side: str, places: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = axes.get_xscale() if side == "x" else axes.get_yscale()
    return np.log(places) if scale == "log" else places


def _spread(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Return whether the points span a plane: of those on a line nothing can be contoured."""
    points = np.unique(np.column_stack([x, y]), axis=0)
    if len(points) < 4:
        return False
    scaled = (points - points.mean(axis=0)) / np.maximum(np.ptp(points, axis=0), 1e-12)
    return bool(np.linalg.matrix_rank(scaled, tol=1e-3) == 2)


def _scaled(
    axes: Any, side: Literal["x", "y"], card: Sweep, name: str, finished: pd.DataFrame
) -> NDArray[np.float64]:
    """Return where the trials are along a dimension, and scale the axis for all of it."""
    axis, texts, of = getattr(axes, f"{side}axis"), finished[name].astype(str), card.space[name]
    edges = _numbers(card, name)
    if edges is None:
        words = [text(value) for value in of.edges()]
        axis.set_ticks(range(len(words)), [_short(word) for word in words])
        axes.set(**{f"{side}lim": (-0.5, len(words) - 0.5)})
        return np.array([words.index(word) for word in texts], float)
    low, high = min(edges), max(edges)
    if getattr(of, "log", False):
        margin = (high / low) ** 0.05
        axes.set(**{f"{side}scale": "log", f"{side}lim": (low / margin, high * margin)})
        if high / low >= 10:  # else no power of ten may be among the ticks
            axis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.05 * (high - low)
        axes.set(**{f"{side}lim": (low - margin, high + margin)})
    return np.array(texts, float)


def _short(word: str) -> str:
    """Return a table of settings as a tick has it: `csm`, and below it `rounds = 3`."""
    bare = re.sub(r'^\{ (kind = )?|"| \}$', "", word)
    return plain(bare.replace(", ", "\n"))


def _numbers(card: Sweep, name: str) -> Sequence[float] | None:
    """Return the ends or values of a dimension of numbers; None where it has others."""
    edges = card.space[name].edges()
    plain = all(isinstance(v, int | float) and not isinstance(v, bool) for v in edges)
    return edges if plain else None


def _label(card: Sweep) -> str:
    return f"{card.objective} (%)" if is_rate(card.objective) else card.objective


def _size(panels: int) -> tuple[float, float]:
    return 2.8 * min(panels, _ACROSS) + 0.4, 2.5 * -(-panels // _ACROSS) + 0.3


def _panels(figure: Figure, n: int) -> Any:
    across = min(n, _ACROSS)
    found = figure.subplots(-(-n // across), across, squeeze=False).ravel()
    for axes in found[n:]:
        axes.remove()
    return found[:n]


def _drawn(card: Sweep, size: tuple[float, float], draw: Callable[[Figure], None]) -> Draw:
    def made(kind: Kind) -> bytes:
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=size, layout="constrained")
            figure.suptitle(wrapped(smoke_word(card.form) + card.title, size[0]))
            draw(figure)
            return drawn(figure, kind)

    return made
