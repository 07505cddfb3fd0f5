"""Detection by scores: error trade-off, spread of scores, error rates by attack and codec."""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from bench.metrics.breakdown import POOLED
from bench.metrics.det import DetPoints, closest, det_points
from bench.reports.style import CLASSES, SOURCES, STYLE, Kind, drawn, plain, wrapped
from bench.units import BONAFIDE, SPOOF

_DET_TICKS = np.array([0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999])


def det(bonafide: ArrayLike, spoof: ArrayLike, title: str = "", kind: Kind = "png") -> bytes:
    """Return the detection error trade-off of the scores of each class.

    Miss and false alarm rate on normal deviate axes (Martin et al., Eurospeech 1997), with the
    equal error rate marked. Raise BenchError as `bench.metrics.det_points`.
    """
    points = det_points(bonafide, spoof)
    rate = closest(points.miss_rate, points.false_alarm_rate).rate
    shown = _thinned(points)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4, 4.2), layout="constrained")
        axes = figure.subplots()
        axes.plot(
            _deviate(points.false_alarm_rate[shown]),
            _deviate(points.miss_rate[shown]),
            color=SOURCES["ours"],
        )
        axes.plot(*[_deviate(np.array([rate]))] * 2, "o", color="black", markersize=4)
        figure.suptitle(wrapped(f"{title} EER {100 * rate:.2f} %".strip(), 4))
        axes.set_xlabel("false alarm rate: spoof accepted (%)")
        axes.set_ylabel("miss rate: bona fide rejected (%)")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(_deviate(_DET_TICKS), [f"{100 * tick:g}" for tick in _DET_TICKS])
        limits = _deviate(_DET_TICKS)[[0, -1]]
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.tick_params(axis="x", labelrotation=45)
        return drawn(figure, kind)


def histogram(
    bonafide: ArrayLike, spoof: ArrayLike, threshold: float, title: str = "", kind: Kind = "png"
) -> bytes:
    """Return how the scores of each class are spread, and the threshold of the EER.

    Each class has an area of 1, so that the many spoofs do not hide the few bona fide trials. The
    outermost thousandth of the scores on either side is drawn into the outermost bins.
    """
    scores = {BONAFIDE: np.asarray(bonafide, float), SPOOF: np.asarray(spoof, float)}
    low, high = np.quantile(np.concatenate([*scores.values()]), [0.001, 0.999])
    if high - low < 1e-6 * (1 + abs(low)):  # constant scores
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, 61)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5, 3), layout="constrained")
        axes = figure.subplots()
        for label, values in scores.items():
            density, _ = np.histogram(values.clip(edges[0], edges[-1]), edges, density=True)
            axes.stairs(density, edges, fill=True, alpha=0.6, color=CLASSES[label], label=label)
        axes.axvline(threshold, color="black", linewidth=1, label="EER threshold")
        figure.suptitle(wrapped(title, 5))
        axes.set(xlabel="score (higher: more bona fide)", ylabel="density")
        axes.legend()
        return drawn(figure, kind)


def levels(
    rates: Mapping[str, float], counts: Mapping[str, int], title: str, kind: Kind = "png"
) -> bytes:
    """Return a bar for each level of a breakdown, `POOLED` last and in another shade.

    `rates` are EERs, fractions, by level; `counts` say of how many spoof trials.
    """
    names = list(rates)
    with mpl.rc_context({**STYLE, "axes.grid.axis": "x"}):
        figure = Figure(figsize=(5, 0.9 + 0.2 * len(names)), layout="constrained")
        axes = figure.subplots()
        colours = [SOURCES["paper" if name == POOLED else "ours"] for name in names]
        values = [100 * rates[name] for name in names]
        drawn_bars = axes.barh(range(len(names)), values, color=colours)
        axes.bar_label(drawn_bars, [f"{value:.2f}" for value in values], padding=2, fontsize=7)
        axes.set_yticks(range(len(names)), [f"{plain(name)} ({counts[name]:,})" for name in names])
        axes.set(xlabel="EER (%); in brackets: spoof trials", ylim=(len(names) - 0.4, -0.6))
        axes.set_xlim(0, max(1.15 * max(values), 0.1))
        axes.grid(visible=False, axis="y")
        figure.suptitle(wrapped(title, 5))
        return drawn(figure, kind)


def crossed(rates: pd.DataFrame, title: str, kind: Kind = "png") -> bytes:
    """Return the heat map of a breakdown by two fields: EERs, fractions, one line a level of the
    first and one column a level of the second; NaN, where a figure is not defined, stays blank.

    Darker is worse, as the square root of the rate, so that small ones differ beside a large one;
    `POOLED`, the margin, is drawn on the same scale, apart from the rest.
    """
    down, across = rates.shape
    wide = across > 30  # numbers would not fit
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        size = (1.6 + (0.16 if wide else 0.42) * across, 1.2 + 0.22 * down)
        figure = Figure(figsize=(max(size[0], 4.0), size[1]), layout="constrained")
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
        axes.tick_params(length=0)
        axes.set_xticks(
            axes.get_xticks(),
            [plain(str(name)) for name in rates.columns],
            rotation=45,
            ha="right",
            rotation_mode="anchor",
        )
        axes.set_yticks(axes.get_yticks(), [plain(str(name)) for name in rates.index])
        axes.tick_params(axis="y", labelrotation=0)
        axes.set(
            xlabel=plain(str(rates.columns.name or "")), ylabel=plain(str(rates.index.name or ""))
        )
        figure.suptitle(wrapped(title, max(size[0], 4.0)))
        return drawn(figure, kind)


def _deviate(rate: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the normal deviate of a rate; 0 and 1 are put where the axes do not reach."""
    return norm.ppf(rate.clip(1e-6, 1 - 1e-6))


def _thinned(points: DetPoints) -> NDArray[np.int64]:
    """Return the indices of some thousand points, dense everywhere on normal deviate axes."""
    grid = norm.cdf(np.linspace(-4, 4, 2000))
    last = len(points.threshold) - 1
    rising = np.searchsorted(points.miss_rate, grid)
    falling = last - np.searchsorted(points.false_alarm_rate[::-1], grid)
    return np.unique(np.concatenate([[0, last], rising, falling]).clip(0, last))
