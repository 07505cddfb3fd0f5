"""Every point and both ends of every whisker lie inside the axes, whatever the results are."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import seaborn as sns
from hypothesis import given
from hypothesis import strategies as st

from bench.reports import plots
from bench.reports.plot_style import STYLE
from bench.reports.plots import points
from bench.reports.plots.curves import rate_axis
from bench.specs.table import Column

from .drawing import drawn
from .made import made

NAN = math.nan
METRICS = ("a.eer", "a.f1", "a.auc", "a.min_dcf", "a.cllr")
VALUES = st.one_of(
    st.floats(0, 100),
    st.floats(0, 1e-3),
    st.sampled_from([0.0, 100.0, 0.02, 24.18, 23.12, 17.2, 30.8, NAN]),
)
INTERVALS = st.tuples(VALUES, VALUES, VALUES).map(sorted)


@given(st.sampled_from(METRICS), st.lists(INTERVALS, min_size=1, max_size=8))
def test_whiskers_end_inside_the_axis(metric, rows):
    column = Column.model_validate({"heading": "E", "metric": metric})
    values = [value for row in rows for value in row]
    axis = points.choose_axis(column, values)
    assert axis.low < axis.high
    for value in values:
        assert math.isnan(value) or axis.low <= value < axis.high


@given(st.lists(VALUES, min_size=1, max_size=8))
def test_points_of_curves_lie_inside_the_axis(values):
    scale, (low, high) = rate_axis(values)
    assert low < high
    assert scale == "linear" or low > 0
    for value in values:
        assert math.isnan(value) or low <= value < high


def test_a_drawn_whisker_is_inside_its_panel(subtests):
    cases = [
        [(24.18, 17.2, 30.8), (23.12, 17.4, 29.9)],
        [(24.18, 17.2, 30.8)],
        [(24.18, NAN, NAN), (23.12, 17.4, 29.9)],
        [(0.0, 0.0, 0.0), (0.0, 0.0, 0.3)],
        [(100.0, 96.0, 100.0), (99.9, 95.0, 100.0)],
    ]
    for intervals in cases:
        with subtests.test(intervals=intervals):
            report = made()
            ours = next(cell.ours for cell in report.cells if cell.ours)
            rows = [cell for cell in report.cells if cell.column == 0 and not cell.scored]
            cells = [
                replace(
                    cell,
                    paper=None,
                    ours=replace(ours, mean=mean, low=low, high=high, values=(mean,)),
                )
                for cell, (mean, low, high) in zip(rows, intervals, strict=False)
            ]
            (axes,) = drawn(plots.draw_points, report.title, report.table, cells).axes
            whiskers = [
                line for line in axes.lines if line.get_label() == "95 % interval of one run"
            ]
            low, high = axes.get_xlim()
            ends = [end for line in whiskers for end in line.get_xdata()]
            assert all(low <= end <= high for end in ends)
            assert [end for of in intervals for end in of[1:] if end == end] == pytest.approx(ends)


def test_the_style_is_seaborns_but_for_the_colours_of_edges_and_heat_maps():
    """It is written out, as importing seaborn takes as long as all else that a plot imports."""
    theirs = sns.axes_style("whitegrid")
    differing = {name for name, value in theirs.items() if STYLE.get(name) != value}
    assert differing == {"axes.edgecolor", "image.cmap"}
