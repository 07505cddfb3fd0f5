"""Figures as PNG: the paper's bars or matrix beside ours, a DET curve, scores by class.

Drawn by Agg, never on a display.
"""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from bench.metrics.det import DetPoints, closest, det_points
from bench.reporting.cells import Cell, decimals
from bench.reporting.style import SOURCES, STYLE, drawn, plain, png
from bench.reporting.tables import sides
from bench.specs.table import Column
from bench.units import BONAFIDE, HOP_SAMPLES, SAMPLE_RATE_HZ, SPOOF

_CLASSES = {BONAFIDE: "#2f6db3", SPOOF: "#d97b29"}
_DET_TICKS = np.array([0.001, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999])


def bars(title: str, columns: Sequence[Column], cells: Sequence[Cell]) -> bytes:
    """Return a PNG with one panel a column: each row's figure in the paper and ours, per cent.

    Whiskers are the 95 % intervals. Where all figures lie close together the axis does not begin at
    zero, and says so.
    """
    with mpl.rc_context(STYLE):
        across = min(2, len(columns))
        down = -(-len(columns) // across)
        n_rows = len({cell.row for cell in cells})
        figure = Figure(figsize=(across * (2 + 0.4 * n_rows), 2.6 * down), layout="constrained")
        figure.suptitle(title)
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for panel in panels[len(columns) :]:
            panel.remove()
        for place, column in enumerate(columns):
            own = [cell for cell in cells if cell.column == place]
            _bars(panels[place], column, own)
        return png(figure)


def heat(title: str, columns: Sequence[Column], cells: Sequence[Cell]) -> bytes:
    """Return a PNG with a line for each system: the paper's matrix, and beside it ours minus the
    paper's, or ours where the paper has none.

    The columns' groups stand down the side and their headings across. Of figures, darker is larger,
    on one scale for all matrices; of differences, red is where ours is worse.
    """
    rows = list(dict.fromkeys(cell.row for cell in cells))
    down, across = (len(side) for side in sides(columns))
    figures, differences = _scales(columns, cells)
    with mpl.rc_context({**STYLE, "axes.grid": False}):
        beside = 2 if any(cell.ours for cell in cells) else 1
        size = beside * (1.2 + 0.4 * across), len(rows) * (0.9 + 0.2 * down) + 0.4
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(plain(title))
        panels = figure.subplots(len(rows), beside, squeeze=False)
        for row, (left, *right) in zip(rows, panels, strict=True):
            own = [cell for cell in cells if cell.row == row]
            _heat(left, columns, f"{row}: paper", {c.column: c.paper for c in own}, figures)
            if right:
                _heat_of_ours(right[0], columns, own, figures, differences)
        return png(figure)


def det(bonafide: ArrayLike, spoof: ArrayLike, title: str = "") -> bytes:
    """Return a PNG of the detection error trade-off of the scores of each class.

    Miss and false alarm rate on normal deviate axes (Martin et al., Eurospeech 1997), with the
    equal error rate marked. Raise BenchError as `bench.metrics.det_points`.
    """
    points = det_points(bonafide, spoof)
    rate = closest(points.miss_rate, points.false_alarm_rate).rate
    shown = _thinned(points)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4, 4), layout="constrained")
        axes = figure.subplots()
        axes.plot(
            _deviate(points.false_alarm_rate[shown]),
            _deviate(points.miss_rate[shown]),
            color=SOURCES["ours"],
        )
        axes.plot(*[_deviate(np.array([rate]))] * 2, "o", color="black", markersize=4)
        axes.set_title(plain(f"{title} EER {100 * rate:.2f} %".strip()))
        axes.set_xlabel("false alarm rate: spoof accepted (%)")
        axes.set_ylabel("miss rate: bona fide rejected (%)")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(_deviate(_DET_TICKS), [f"{100 * tick:g}" for tick in _DET_TICKS])
        limits = _deviate(_DET_TICKS)[[0, -1]]
        axes.set(xlim=limits, ylim=limits, aspect="equal")
        axes.tick_params(axis="x", labelrotation=45)
        return png(figure)


def histogram(bonafide: ArrayLike, spoof: ArrayLike, threshold: float, title: str = "") -> bytes:
    """Return a PNG of how the scores of each class are spread, and the threshold of the EER.

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
            axes.stairs(density, edges, fill=True, alpha=0.5, color=_CLASSES[label], label=label)
        axes.axvline(threshold, color="black", linewidth=1, label="EER threshold")
        axes.set_title(plain(title))
        axes.set(xlabel="score (higher: more bona fide)", ylabel="density")
        axes.legend(fontsize=7, frameon=False)
        return png(figure)


def activation(
    wave: NDArray[np.float32],
    activation: NDArray[np.float64],
    classes: Sequence[str],
    title: str = "",
    kind: Literal["png", "svg"] = "png",
) -> bytes:
    """Return TCA's Figure 2: the waveform, each 20 ms coloured by its strongest class.

    `wave` is of shape (samples,), `activation` (frames, classes). The colour's strength is how far
    the class stands out from the next, against the frame where one does most.
    """
    seconds = np.arange(len(wave)) / SAMPLE_RATE_HZ
    order = np.sort(activation, axis=1)
    lead = order[:, -1] - order[:, -2]
    strength = lead / max(float(lead.max()), 1e-12)
    strongest = activation.argmax(axis=1)
    colours = [_CLASSES[BONAFIDE], _CLASSES[SPOOF], "#7a4fa3"]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 2.2), layout="constrained")
        axes = figure.subplots()
        axes.grid(visible=False)
        for place, (name, colour) in enumerate(zip(classes, colours, strict=False)):
            for frame in np.flatnonzero(strongest == place):
                begins = frame * HOP_SAMPLES / SAMPLE_RATE_HZ
                ends = begins + HOP_SAMPLES / SAMPLE_RATE_HZ
                alpha = 0.1 + 0.7 * float(strength[frame])
                axes.axvspan(begins, ends, color=colour, alpha=alpha, linewidth=0)
            axes.fill_between([], [], color=colour, alpha=0.8, label=name)
        axes.plot(seconds, wave, color="black", linewidth=0.4)
        axes.set(xlim=(0, seconds[-1]), xlabel="seconds", yticks=[])
        axes.set_title(plain(title))
        axes.legend(fontsize=7, frameon=True, loc="upper right", ncols=len(classes))
        return drawn(figure, kind)


def _bars(axes: Any, column: Column, cells: Sequence[Cell]) -> None:
    rows = list(dict.fromkeys(cell.row for cell in cells))
    records = [(cell.row, "paper", cell.paper) for cell in cells if cell.paper is not None]
    records += [
        (cell.row, "ours" if cell.complete else "ours, incomplete", cell.ours.mean)
        for cell in cells
        if cell.ours
    ]
    data = pd.DataFrame(records, columns=pd.Index(["row", "source", "value"]))
    sources = [source for source in SOURCES if source in set(data["source"])]
    sns.barplot(
        data=data,
        x="row",
        y="value",
        hue="source",
        order=rows,
        hue_order=sources,
        palette={source: SOURCES[source] for source in sources},
        errorbar=None,
        ax=axes,
    )
    for source, container in zip(sources, axes.containers, strict=True):
        if source != "paper":
            _whiskers(axes, container, rows, cells)
    cut = _cut_axis(axes, data["value"].to_numpy())
    heading = f"{column.group} {column.heading} ({column.better} is better)".strip()
    axes.set_title(heading, loc="left")
    axes.set(xlabel="", ylabel=f"%{cut}")
    axes.tick_params(axis="x", labelrotation=45)
    # Beside the heading, above the axes: within them it would hide bars.
    place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "borderaxespad": 0.2}
    if sources:
        axes.legend(title=None, fontsize=7, ncols=3, frameon=False, **place)


def _scales(
    columns: Sequence[Column], cells: Sequence[Cell]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the colours of figures, and of differences."""
    ours = [cell.ours.mean for cell in cells if cell.ours]
    values = [cell.paper for cell in cells if cell.paper is not None] + ours
    differences = [abs(cell.difference) for cell in cells if cell.difference is not None]
    farthest = max([*differences, 0.1])  # a hair's breadth is no deep red
    red_is_worse = "RdBu_r" if columns[0].better == "lower" else "RdBu"
    return (
        {"cmap": "Blues", "vmin": min(values, default=0.0), "vmax": max(values, default=1.0)},
        {"cmap": red_is_worse, "vmin": -farthest, "vmax": farthest},
    )


def _heat_of_ours(
    axes: Any,
    columns: Sequence[Column],
    cells: Sequence[Cell],
    figures: Mapping[str, Any],
    differences: Mapping[str, Any],
) -> None:
    ours = "ours" if all(cell.complete for cell in cells if cell.ours) else "ours, incomplete"
    title = f"{cells[0].row}: {ours}"
    if any(cell.difference is not None for cell in cells):
        away = {cell.column: cell.difference for cell in cells}
        _heat(axes, columns, f"{title}, minus the paper", away, differences, "+")
    else:
        means = {cell.column: cell.ours and cell.ours.mean for cell in cells}
        _heat(axes, columns, title, means, figures)


def _heat(
    axes: Any,
    columns: Sequence[Column],
    title: str,
    values: Mapping[int, float | None],
    colours: Mapping[str, Any],
    sign: Literal["", "+"] = "",
) -> None:
    """Draw the matrix of the values by column; leave the panel out where there are none."""
    if all(value is None for value in values.values()):
        axes.remove()
        return
    down, across = sides(columns)
    matrix = pd.DataFrame(index=pd.Index(down), columns=pd.Index(across), dtype=float)
    for place, value in values.items():
        if value is not None:
            shown = round(value, decimals(columns[place])) + 0.0  # no "-0.00"
            matrix.loc[columns[place].group, columns[place].heading] = shown
    sns.heatmap(
        matrix,
        ax=axes,
        annot=True,
        fmt=f"{sign}.{decimals(columns[0])}f",
        annot_kws={"fontsize": 6},
        cbar=False,
        xticklabels=True,
        yticklabels=True,
        **colours,
    )
    axes.set_title(plain(title), loc="left")
    axes.tick_params(length=0)
    axes.set_xticks(axes.get_xticks(), across, rotation=45, ha="right", rotation_mode="anchor")
    axes.tick_params(axis="y", labelrotation=0)


def _whiskers(axes: Any, drawn: Any, rows: list[str], cells: Sequence[Cell]) -> None:
    ours = {cell.row: cell.ours for cell in cells if cell.ours}
    for bar in drawn:
        centre = bar.get_x() + bar.get_width() / 2
        found = ours.get(rows[round(centre)])
        if found is not None and np.isfinite(bar.get_height()):
            axes.plot([centre, centre], [found.low, found.high], color="black", linewidth=1)


def _cut_axis(axes: Any, values: NDArray[np.float64]) -> str:
    """Cut the axis where bars from zero would look alike; return what its label must add."""
    if not len(values) or values.min() < 0.9 * values.max():
        return ""
    margin = max(values.max() - values.min(), 0.5)
    axes.set_ylim(max(0.0, values.min() - margin), values.max() + margin / 2)
    return " (axis does not begin at 0)"


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
