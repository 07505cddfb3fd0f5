"""Plots of a sweep from its table of trials: history, importances, slice, contour."""

# The stubs of pandas and matplotlib leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from numpy.typing import NDArray

from bench.cards.sweep_cards import value_text
from bench.metrics.catalogue import is_rate
from bench.reports.plot_style import LINES, SOURCES, add_panels, escape_mathtext, styled_figure
from bench.reports.sweep_best import find_leaders, list_trial_numbers
from bench.smoke import smoke_prefix
from bench.specs.sweep import Sweep

Draw = Callable[[], Figure]
"""Draws a figure when it is called."""

_ACROSS = 3
"""Panels in a line."""
_DOTS: Any = {"edgecolors": "black", "linewidths": 0.4, "s": 18}
_COLOURS = "viridis"
"""Darker is lower, so better; in grey too, and for colour-blind readers."""


def plan_sweep_plots(
    card: Sweep, trials: pd.DataFrame, importances: Mapping[str, float]
) -> dict[str, Draw]:
    """Return the plots that can be drawn, by name.

    Without a finished trial there is none, without a second dimension neither importances nor
    contour. `trials` is the study's table (`bench.sweeps.trial_table`), or that as it was read, all
    text.
    """
    over = trials.assign(objective=pd.to_numeric(trials["objective"]))
    over = over.assign(trial=pd.to_numeric(over["trial"]))
    over = over[over["state"].isin(["finished", "pruned"]) & over["objective"].notna()]
    finished = over[over["state"] == "finished"]
    if finished.empty:
        return {}
    plots = {
        "history": _plan_history(card, over),
        "slice": _plan_slice(card, finished, list_trial_numbers(find_leaders(card, trials))),
    }
    if importances:
        plots["importances"] = _plan_importances(card, importances)
    if len(card.space) > 1:
        plots["contour"] = _plan_contour(card, finished)
    return plots


def _plan_history(card: Sweep, over: pd.DataFrame) -> Draw:
    def draw_history(figure: Figure) -> None:
        axes = figure.subplots()
        for state, marker in (("finished", "o"), ("pruned", "x")):
            part = over[over["state"] == state]
            if len(part):
                colour = SOURCES["ours" if state == "finished" else "paper"]
                axes.plot(part["trial"], part["objective"], marker, color=colour, label=state)
        finished = over[over["state"] == "finished"]
        least = np.minimum.accumulate(finished["objective"].to_numpy())
        axes.step(finished["trial"], least, where="post", color="black", label="lowest so far")
        axes.set(xlabel="trial", ylabel=_label_objective(card))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(fontsize=7, frameon=False)

    return _plan_figure(card, (5, 3), draw_history)


def _plan_importances(card: Sweep, importances: Mapping[str, float]) -> Draw:
    names = sorted(importances, key=lambda name: importances[name])

    def draw_importances(figure: Figure) -> None:
        axes = figure.subplots()
        shares = [importances[name] for name in names]
        axes.barh([*map(escape_mathtext, names)], shares, color=SOURCES["ours"])
        axes.set(xlim=(0, 1), xlabel=f"share of the variance of {card.objective}")

    return _plan_figure(card, (5, 1.2 + 0.3 * len(names)), draw_importances)


def _plan_slice(card: Sweep, finished: pd.DataFrame, top: Sequence[int]) -> Draw:
    names = list(card.space)
    best = finished["trial"].isin(top).to_numpy()
    label = "best" if len(top) == 1 else f"{len(top)} tied on the development set"

    def draw_slice(figure: Figure) -> None:
        panels = add_panels(figure, len(names), min(len(names), _ACROSS))
        for axes, name in zip(panels, names, strict=True):
            places = _scale_axis(axes, "x", card, name, finished)
            axes.scatter(places, finished["objective"], c=finished["trial"], cmap="Blues", **_DOTS)
            axes.scatter(
                places[best],
                finished["objective"][best],
                s=70,
                facecolors="none",
                edgecolors=LINES[1],
                linewidths=1.2,
                label=label,
            )
            axes.set(xlabel=escape_mathtext(name), ylabel=_label_objective(card))
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center")

    return _plan_figure(card, _measure_panels(len(names)), draw_slice)


def _plan_contour(card: Sweep, finished: pd.DataFrame) -> Draw:
    pairs = list(itertools.combinations(card.space, 2))

    def draw_contour(figure: Figure) -> None:
        panels = add_panels(figure, len(pairs), min(len(pairs), _ACROSS))
        for axes, (across, up) in zip(panels, pairs, strict=True):
            x = _scale_axis(axes, "x", card, across, finished)
            y = _scale_axis(axes, "y", card, up, finished)
            level = finished["objective"].to_numpy()
            numeric = all(_read_numbers(card, name) is not None for name in (across, up))
            if (
                numeric
                and _spans_plane(_even_out(axes, "x", x), _even_out(axes, "y", y))
                and np.ptp(level) > 0
            ):
                axes.tricontourf(x, y, level, levels=12, cmap=_COLOURS, alpha=0.7)
            dots = axes.scatter(x, y, c=level, cmap=_COLOURS, **_DOTS)
            axes.set(xlabel=escape_mathtext(across), ylabel=escape_mathtext(up))
            figure.colorbar(dots, ax=axes, label=_label_objective(card))

    return _plan_figure(card, _measure_panels(len(pairs)), draw_contour)


def _even_out(axes: Any, side: str, places: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = axes.get_xscale() if side == "x" else axes.get_yscale()
    return np.log(places) if scale == "log" else places


def _spans_plane(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Return whether the points span a plane: of those on a line nothing can be contoured."""
    points = np.unique(np.column_stack([x, y]), axis=0)
    if len(points) < 4:
        return False
    scaled = (points - points.mean(axis=0)) / np.maximum(np.ptp(points, axis=0), 1e-12)
    return bool(np.linalg.matrix_rank(scaled, tol=1e-3) == 2)


def _scale_axis(
    axes: Any, side: Literal["x", "y"], card: Sweep, name: str, finished: pd.DataFrame
) -> NDArray[np.float64]:
    """Return where the trials are along a dimension, and scale the axis for all of it."""
    axis, texts, space = getattr(axes, f"{side}axis"), finished[name].astype(str), card.space[name]
    edges = _read_numbers(card, name)
    if edges is None:
        words = [value_text(value) for value in space.edge_values()]
        axis.set_ticks(range(len(words)), [_shorten_settings(word) for word in words])
        axes.set(**{f"{side}lim": (-0.5, len(words) - 0.5)})
        return np.array([words.index(word) for word in texts], float)
    low, high = min(edges), max(edges)
    if getattr(space, "log", False):
        margin = (high / low) ** 0.05
        axes.set(**{f"{side}scale": "log", f"{side}lim": (low / margin, high * margin)})
        if high / low >= 10:  # else no power of ten may be among the ticks
            axis.set_minor_formatter(NullFormatter())
    else:
        margin = 0.05 * (high - low)
        axes.set(**{f"{side}lim": (low - margin, high + margin)})
    return np.array(texts, float)


def _shorten_settings(word: str) -> str:
    """Return a table of settings as a tick has it: `csm`, and below it `rounds = 3`."""
    bare = re.sub(r'^\{ (kind = )?|"| \}$', "", word)
    return escape_mathtext(bare.replace(", ", "\n"))


def _read_numbers(card: Sweep, name: str) -> Sequence[float] | None:
    """Return the ends or values of a dimension of numbers; None where it has others."""
    edges = card.space[name].edge_values()
    plain = all(isinstance(v, int | float) and not isinstance(v, bool) for v in edges)
    return edges if plain else None


def _label_objective(card: Sweep) -> str:
    return f"{card.objective} (%)" if is_rate(card.objective) else card.objective


def _measure_panels(panels: int) -> tuple[float, float]:
    return 2.8 * min(panels, _ACROSS) + 0.4, 2.5 * -(-panels // _ACROSS) + 0.3


def _plan_figure(card: Sweep, size: tuple[float, float], draw: Callable[[Figure], None]) -> Draw:
    def draw_styled() -> Figure:
        with styled_figure(*size, smoke_prefix(card.form) + card.title) as figure:
            draw(figure)
        return figure

    return draw_styled
