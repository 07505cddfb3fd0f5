"""Figures of detection by scores hold what they should."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from bench.errors import BenchError
from bench.metrics.breakdown import POOLED
from bench.metrics.det import det_points, eer_by_class
from bench.reports import plots
from bench.reports.plots import detection

from .drawing import drawn, whole_title


def made_scores():
    rng = np.random.default_rng(0)
    is_spoof = np.arange(4000) % 2 == 0
    score = rng.normal(size=4000) - 2 * is_spoof
    return score[~is_spoof], score[is_spoof]


def test_det_curve_goes_through_the_equal_error_rate():
    bonafide, spoof = made_scores()
    figure = drawn(detection.draw_det, bonafide, spoof, "S5")
    curve, mark = figure.axes[0].lines
    rate = eer_by_class(bonafide, spoof).eer
    assert mark.get_xdata()[0] == mark.get_ydata()[0] == pytest.approx(norm.ppf(rate))
    assert whole_title(figure) == f"S5 EER {100 * rate:.2f} %"
    on_curve = np.interp(norm.ppf(rate), curve.get_xdata()[::-1], curve.get_ydata()[::-1])
    assert on_curve == pytest.approx(norm.ppf(rate), abs=0.02)
    # Two normal classes of one variance make a straight line of slope -1.
    inner = np.abs(curve.get_xdata() + 1) < 1.2
    slope = np.polyfit(curve.get_xdata()[inner], curve.get_ydata()[inner], 1)[0]
    assert slope == pytest.approx(-1, abs=0.1)


def test_thinning_keeps_the_shape():
    rng = np.random.default_rng(1)
    bonafide, spoof = rng.normal(2, 1, 100_000), rng.normal(0, 1, 100_000)
    points = det_points(bonafide, spoof)
    # 0 and 1 are put where the axes do not reach.
    all_x, all_y = (
        norm.ppf(rate.clip(1e-6, 1 - 1e-6)) for rate in (points.false_alarm_rate, points.miss_rate)
    )
    curve = drawn(detection.draw_det, bonafide, spoof).axes[0].lines[0]
    x, y = curve.get_xdata(), curve.get_ydata()
    assert len(x) < 5000
    for thin, whole in ((x, all_x), (y, all_y)):
        np.testing.assert_array_equal(thin[[0, -1]], whole[[0, -1]])
    inner = (np.abs(all_x) < 3) & (np.abs(all_y) < 3)
    assert np.abs(np.interp(all_x, x[::-1], y[::-1]) - all_y)[inner].max() < 0.02


def test_one_class_has_no_det_curve():
    with pytest.raises(BenchError, match="no spoof trial"):
        detection.draw_det([1.0, 2.0], [])


def test_histogram_shows_both_classes_with_equal_areas():
    bonafide, spoof = made_scores()
    outlier = np.append(spoof, -1e9)
    figure = drawn(plots.draw_histogram, bonafide, outlier, -1.0, "S5")
    (axes,) = figure.axes
    drawn_classes = {patch.get_label(): patch.get_data() for patch in axes.patches}
    assert set(drawn_classes) == {"bonafide", "spoof"}
    for density, edges, _ in drawn_classes.values():
        assert (density * np.diff(edges)).sum() == pytest.approx(1)
    assert axes.lines[0].get_xdata()[0] == -1.0
    low, high = axes.get_xlim()
    assert low > -20, "one score far off must not squeeze all others into a bin"
    assert high < 20


def test_constant_scores_have_a_histogram():
    drawn(plots.draw_histogram, [1.0, 1.0], [1.0], 1.0)


def test_levels_are_bars_with_the_pooled_one_last():
    rates = {"A07": 0.02, "A08": 0.1, POOLED: 0.05}
    counts = {"A07": 1000, "A08": 2, POOLED: 1002}
    figure = drawn(plots.draw_level_bars, rates, counts, "S0 on X: EER by attack")
    (axes,) = figure.axes
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([2, 10, 5])
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert named == ["A07 (1,000)", "A08 (2)", "Pooled (1,002)"]
    low, high = axes.get_ylim()
    assert low > high, "the first level is on top"
    assert axes.patches[2].get_facecolor() != axes.patches[0].get_facecolor()


def test_small_rates_fill_the_axis():
    figure = drawn(plots.draw_level_bars, {"A07": 0.0004, "A08": 0.002}, {"A07": 9, "A08": 9}, "S0")
    low, high = figure.axes[0].get_xlim()
    assert (low, high) == (0, pytest.approx(0.23))


def test_small_rates_differ_beside_a_large_one():
    table = pd.DataFrame([[0.0002, 0.002, 0.1]], index=["A07"], columns=["a", "b", "c"])
    axes, _ = drawn(plots.draw_heat_map, table, "S0").axes
    assert [text.get_text() for text in axes.texts] == ["0.02", "0.20", "10.00"]
    shades = axes.collections[0].get_facecolors()[:, 0]
    assert (-np.diff(shades) > 0.05).all()


def test_crossed_cells_are_rates_in_per_cent():
    table = pd.DataFrame(
        [[0.1, np.nan], [0.2, 0.3]],
        index=pd.Index(["A07", POOLED], name="attack"),
        columns=pd.Index(["alaw", POOLED], name="codec"),
    )
    axes, scale = drawn(plots.draw_heat_map, table, "S0 on X: EER by attack and codec").axes
    assert [text.get_text() for text in axes.texts] == ["10.00", "20.00", "30.00"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("codec", "attack")
    assert [label.get_text() for label in axes.get_xticklabels()] == ["alaw", POOLED]
    assert scale.get_ylabel() == "EER (%)"
