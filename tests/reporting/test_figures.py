"""Figures are PNG files that hold what they should, drawn without a display."""

from __future__ import annotations

import io
from dataclasses import replace
from unittest.mock import patch

import matplotlib as mpl
import matplotlib.figure
import numpy as np
import pytest
from matplotlib.image import imread
from scipy.stats import norm

from bench.errors import BenchError
from bench.metrics.det import DetPoints, det_points, eer
from bench.reporting import figures

from .made import MADE, made, made_matrix


def drawn(draw, *arguments):
    """Return the figure that `draw` renders, and its pixels."""
    kept = []
    save = matplotlib.figure.Figure.savefig

    def keep(figure, *a, **k):
        kept.append(figure)
        return save(figure, *a, **k)

    with patch.object(matplotlib.figure.Figure, "savefig", keep):
        content = draw(*arguments)
    pixels = imread(io.BytesIO(content))
    assert len(np.unique(pixels)) > 10
    (figure,) = kept
    return figure


def test_bars_are_the_cells():
    report = made()
    figure = drawn(figures.bars, report.title, report.columns, report.cells)
    panels = figure.axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        "A EER (lower is better)",
        "B F1 (higher is better)",
    ]
    names = [label.get_text() for label in panels[0].get_xticklabels()]
    assert names == ["Old", "Both", "Half", "Single", "Never"]
    heights = {
        label: {
            names[round(bar.get_x() + bar.get_width() / 2)]: bar.get_height()
            for bar in container
            if np.isfinite(bar.get_height())
        }
        for container, label in zip(
            panels[0].containers,
            [text.get_text() for text in panels[0].get_legend().get_texts()],
            strict=True,
        )
    }
    assert heights == {
        "paper": {"Old": 9.5, "Both": 5.0, "Half": 5.0, "Single": 4.0, "Never": 5.0},
        "ours": {"Both": pytest.approx(5.0), "Single": pytest.approx(4.1)},
        "ours, incomplete": {"Half": pytest.approx(1.0)},
    }


def test_a_table_without_any_figure_is_drawn_all_the_same():
    report = made()
    empty = tuple(replace(cell, paper=None, ours=None) for cell in report.cells)
    for panel in drawn(figures.bars, report.title, report.columns, empty).axes:
        assert not panel.containers
        assert panel.get_legend() is None


def test_an_axis_that_is_cut_says_so():
    report = made()
    eer_panel, f1_panel = drawn(figures.bars, report.title, report.columns, report.cells).axes
    assert eer_panel.get_ylim()[0] == 0
    assert eer_panel.get_ylabel() == "%"
    assert f1_panel.get_ylim()[0] > 0
    assert "does not begin at 0" in f1_panel.get_ylabel()


def test_smoke_figures_say_so():
    report = made("smoke")
    figure = drawn(figures.bars, report.title, report.columns, report.cells)
    assert figure.get_suptitle().startswith("SMOKE")


def panels_of(report):
    """Panels by title, each with its numbers, row by row as they are drawn."""
    figure = drawn(figures.heat, report.title, report.columns, report.cells)
    return {
        axes.get_title(loc="left"): [text.get_text() for text in axes.texts] for axes in figure.axes
    }


def test_heat_maps_are_the_cells():
    assert panels_of(MADE["matrix"]) == {
        "Both: paper": ["0.50", "1.50", "3.50", "2.50"],
        "Both: ours, minus the paper": ["+0.25", "+0.00", "-0.50", "-0.25"],
        "Old: paper": ["9.50"],
    }


def test_a_heat_map_is_of_ours_where_the_paper_has_no_figure():
    report = MADE["matrix"]
    alone = [replace(cell, paper=None) for cell in report.cells if cell.row == "Both"]
    halves = [replace(cell, seeds_wanted=2) for cell in alone]
    ours = ["0.75", "1.00", "1.50", "3.00", "2.25"]
    assert panels_of(replace(report, cells=tuple(alone))) == {"Both: ours": ours}
    assert panels_of(replace(report, cells=tuple(halves))) == {"Both: ours, incomplete": ours}


def test_a_heat_map_of_nothing_is_a_picture_all_the_same():
    report = MADE["matrix"]
    empty = [replace(cell, paper=None, ours=None) for cell in report.cells]
    assert panels_of(replace(report, cells=tuple(empty))) == {}


def test_red_is_worse_either_way():
    for better, sign in (("lower", 1), ("higher", -1)):
        columns = [column.model_copy(update={"better": better}) for column in made_matrix().columns]
        _, differences = figures._scales(columns, made_matrix().cells)
        red, _, blue, _ = mpl.colormaps[differences["cmap"]]((sign + 1) / 2)
        assert red > blue


def made_scores():
    rng = np.random.default_rng(0)
    is_spoof = np.arange(4000) % 2 == 0
    score = rng.normal(size=4000) - 2 * is_spoof
    return score[~is_spoof], score[is_spoof]


def test_det_curve_goes_through_the_equal_error_rate():
    bonafide, spoof = made_scores()
    figure = drawn(figures.det, bonafide, spoof, "S5")
    curve, mark = figure.axes[0].lines
    rate = eer(bonafide, spoof).eer
    assert mark.get_xdata()[0] == mark.get_ydata()[0] == pytest.approx(norm.ppf(rate))
    assert figure.axes[0].get_title() == f"S5 EER {100 * rate:.2f} %"
    on_curve = np.interp(norm.ppf(rate), curve.get_xdata()[::-1], curve.get_ydata()[::-1])
    assert on_curve == pytest.approx(norm.ppf(rate), abs=0.02)
    # Two normal classes of one variance make a straight line of slope -1.
    inner = np.abs(curve.get_xdata() + 1) < 1.2
    slope = np.polyfit(curve.get_xdata()[inner], curve.get_ydata()[inner], 1)[0]
    assert slope == pytest.approx(-1, abs=0.1)


def test_thinning_keeps_the_shape():
    rng = np.random.default_rng(1)
    points = det_points(rng.normal(2, 1, 100_000), rng.normal(0, 1, 100_000))
    shown = figures._thinned(points)
    assert len(shown) < 5000
    assert {0, len(points.threshold) - 1} <= set(shown)
    thin = DetPoints(*(column[shown] for column in points))
    all_x, all_y = figures._deviate(points.false_alarm_rate), figures._deviate(points.miss_rate)
    x, y = figures._deviate(thin.false_alarm_rate), figures._deviate(thin.miss_rate)
    inner = (np.abs(all_x) < 3) & (np.abs(all_y) < 3)
    assert np.abs(np.interp(all_x, x[::-1], y[::-1]) - all_y)[inner].max() < 0.02


def test_one_class_has_no_det_curve():
    with pytest.raises(BenchError, match="no spoof trial"):
        figures.det([1.0, 2.0], [])


def test_histogram_shows_both_classes_with_equal_areas():
    bonafide, spoof = made_scores()
    outlier = np.append(spoof, -1e9)
    figure = drawn(figures.histogram, bonafide, outlier, -1.0, "S5")
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
    drawn(figures.histogram, [1.0, 1.0], [1.0], 1.0)


def test_activation_is_coloured_by_the_strongest_class():
    strength = np.zeros((50, 3))
    strength[:20, 1] = 1.0  # the first 0.4 s
    strength[20:, 2] = 0.5
    wave = np.sin(np.arange(16_000) / 20).astype(np.float32)
    figure = drawn(figures.activation, wave, strength, ["bonafide", "TTS", "VC"], "a $b$ title")
    (axes,) = figure.axes
    spans = {round(patch.get_x(), 2): patch for patch in axes.patches}
    assert len(spans) == 50
    first, last = spans[0.0], spans[0.98]
    assert first.get_facecolor()[:3] != last.get_facecolor()[:3]
    assert first.get_alpha() > last.get_alpha()
    assert spans[0.38].get_facecolor() == first.get_facecolor()
    assert spans[0.4].get_facecolor() == last.get_facecolor()
    assert figures.activation(wave, strength, ["a", "b", "c"], kind="svg").startswith(b"<?xml")
