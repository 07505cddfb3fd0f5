"""Detection by scores: error trade-off, spread of scores, error rates by attack and codec."""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from bench.metrics.breakdown import POOLED
from bench.metrics.det import DetPoints, det_points, find_closest
from bench.reports.plot_style import CLASSES, SOURCES, escape_mathtext, label_matrix, styled_figure
from bench.units import BONAFIDE, SPOOF

_DET_TICKS = np.array([0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999])


def draw_det(bonafide: ArrayLike, spoof: ArrayLike, title: str = "") -> Figure:
    """Return the detection error trade-off of the scores of each class.

    Miss and false alarm rate on normal deviate axes (Martin et al., Eurospeech 1997), with the
    equal error rate marked. Raise BenchError as `bench.metrics.det.det_points`.
    """
    points = det_points(bonafide, spoof)
    rate = find_closest(points.miss_rate, points.false_alarm_rate).rate
    shown = _thin_points(points)
    name = f"{title} EER {100 * rate:.2f} %".strip()
    with styled_figure(4, 4.2, name) as figure:
        axes = figure.subplots()
        axes.plot(
            _normal_deviate(points.false_alarm_rate[shown]),
            _normal_deviate(points.miss_rate[shown]),
            color=SOURCES["ours"],
        )
        axes.plot(*[_normal_deviate(np.array([rate]))] * 2, "o", color="black", markersize=4)
        axes.set_xlabel("false alarm rate: spoof accepted (%)")
        axes.set_ylabel("miss rate: bona fide rejected (%)")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(_normal_deviate(_DET_TICKS), [f"{100 * tick:g}" for tick in _DET_TICKS])
        limits = _normal_deviate(_DET_TICKS)[[0, -1]]
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.tick_params(axis="x", labelrotation=45)
    return figure


def draw_histogram(
    bonafide: ArrayLike, spoof: ArrayLike, threshold: float, title: str = ""
) -> Figure:
    """Return how the scores of each class are spread, and the threshold of the EER.

    Each class has an area of 1, so that the many spoofs do not hide the few bona fide trials. The
    outermost thousandth of the scores on either side is drawn into the outermost bins.
    """
    scores = {BONAFIDE: np.asarray(bonafide, float), SPOOF: np.asarray(spoof, float)}
    low, high = np.quantile(np.concatenate([*scores.values()]), [0.001, 0.999])
    if high - low < 1e-6 * (1 + abs(low)):  # constant scores
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 61)
    with styled_figure(5, 3, title) as figure:
        axes = figure.subplots()
        for label, values in scores.items():
            density, _ = np.histogram(values.clip(edges[0], edges[-1]), edges, density=True)
            axes.stairs(density, edges, fill=True, alpha=0.6, color=CLASSES[label], label=label)
        axes.axvline(threshold, color="black", linewidth=1, label="EER threshold")
        axes.set(xlabel="score (higher: more bona fide)", ylabel="density")
        axes.legend()
    return figure


def draw_level_bars(rates: Mapping[str, float], counts: Mapping[str, int], title: str) -> Figure:
    """Return a bar for each level of a breakdown, `POOLED` last and in another shade.

    `rates` are EERs, fractions, by level; `counts` say of how many spoof trials.
    """
    names = list(rates)
    with styled_figure(5, 0.9 + 0.2 * len(names), title, grid="x") as figure:
        axes = figure.subplots()
        colours = [SOURCES["paper" if name == POOLED else "ours"] for name in names]
        values = [100 * rates[name] for name in names]
        drawn_bars = axes.barh(range(len(names)), values, color=colours)
        axes.bar_label(drawn_bars, [f"{value:.2f}" for value in values], padding=2, fontsize=7)
        axes.set_yticks(
            range(len(names)), [f"{escape_mathtext(name)} ({counts[name]:,})" for name in names]
        )
        axes.set(xlabel="EER (%); in brackets: spoof trials", ylim=(len(names) - 0.4, -0.6))
        axes.set_xlim(0, max(1.15 * max(values), 0.1))
        axes.grid(visible=False, axis="y")
    return figure


def draw_heat_map(rates: pd.DataFrame, title: str) -> Figure:
    """Return the heat map of a breakdown by two fields: EERs, fractions.

    There is a line for each level of the first field and a column for each level of the second;
    NaN, where a rate is not defined, stays blank. Darker is worse, as the square root of the rate,
    so that small ones differ beside a large one; `POOLED`, the margin, is drawn on the same scale,
    apart from the rest.
    """
    import seaborn as sns  # takes as long as everything else that a plot imports

    down, across = rates.shape
    wide = across > 30  # numbers would not fit
    width = max(1.6 + (0.16 if wide else 0.42) * across, 4.0)
    with styled_figure(width, 1.2 + 0.22 * down, title, grid="none") as figure:
        axes = figure.subplots()
        sns.heatmap(
            100 * rates,
            ax=axes,
            annot=not wide,
            fmt=".2f",
            annot_kws={"fontsize": 6},
            cmap="Blues",
            norm=PowerNorm(0.5, vmin=0, vmax=max(float(np.nanmax(100 * rates.to_numpy())), 0.1)),
            cbar_kws={"label": "EER (%)"},
            xticklabels=True,
            yticklabels=True,
        )
        if POOLED in rates.index:
            axes.axhline(down - 1, color="black", linewidth=1)
        if POOLED in rates.columns:
            axes.axvline(across - 1, color="black", linewidth=1)
        label_matrix(axes, map(str, rates.columns), map(str, rates.index))
        axes.set(
            xlabel=escape_mathtext(str(rates.columns.name or "")),
            ylabel=escape_mathtext(str(rates.index.name or "")),
        )
    return figure


def _normal_deviate(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal deviate of a rate; 0 and 1 are put where the axes do not reach."""
    return ndtri(rate.clip(1e-6, 1 - 1e-6))


def _thin_points(points: DetPoints) -> NDArray[np.int64]:
    """Return the indices of some thousand points, dense everywhere on normal deviate axes."""
    grid = ndtr(np.linspace(-4, 4, 2000))
    last = len(points.threshold) - 1
    rising = np.searchsorted(points.miss_rate, grid)
    falling = last - np.searchsorted(points.false_alarm_rate[::-1], grid)
    return np.unique(np.concatenate([[0, last], rising, falling]).clip(0, last))
