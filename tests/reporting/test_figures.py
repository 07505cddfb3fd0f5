"""The paper beside ours, drawn: bars and heat maps hold what they should; the common style."""

from __future__ import annotations

from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from bench.reporting import figures, style
from bench.reporting.figures import compared

from .drawing import drawn
from .made import MADE, made, made_matrix


def test_bars_are_the_cells():
    report = made()
    figure = drawn(figures.bars, report.title, report.table.columns, report.cells)
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
    for panel in drawn(figures.bars, report.title, report.table.columns, empty).axes:
        assert not panel.containers
        assert panel.get_legend() is None


def test_an_axis_that_is_cut_says_so():
    report = made()
    eer_panel, f1_panel = drawn(figures.bars, report.title, report.table.columns, report.cells).axes
    assert eer_panel.get_ylim()[0] == 0
    assert eer_panel.get_ylabel() == "%"
    assert f1_panel.get_ylim()[0] > 0
    assert "does not begin at 0" in f1_panel.get_ylabel()


def test_smoke_figures_say_so():
    report = made("smoke")
    figure = drawn(figures.bars, report.title, report.table.columns, report.cells)
    assert figure.get_suptitle().startswith("SMOKE")


def panels_of(report):
    """Panels by title, each with its numbers, row by row as they are drawn."""
    figure = drawn(figures.heat, report.title, report.table.columns, report.cells)
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
    for metric, sign in (("a.eer", 1), ("a.auc", -1)):
        columns = [
            column.model_copy(update={"metric": metric}) for column in made_matrix().table.columns
        ]
        _, differences = compared._scales(columns, made_matrix().cells)
        red, _, blue, _ = mpl.colormaps[differences["cmap"]]((sign + 1) / 2)
        assert red > blue


def lightness(colour):
    """L* of CIELAB (0 to 100), from sRGB (IEC 61966-2-1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    y = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize("colours", [style.SOURCES.values(), style.CLASSES.values(), style.KINDS])
def test_colours_beside_each_other_differ_in_grey(colours):
    # Whoever sees them apart by lightness alone needs no colour.
    ordered = sorted(map(lightness, colours))
    assert np.diff(ordered).min() > 18


def test_both_kinds_are_written_and_come_out_alike(tmp_path):
    report = made()

    def draw(kind):
        return figures.bars(report.title, report.table.columns, report.cells, kind)

    png, svg = style.write(tmp_path / "new", "bars", draw)
    assert (png.name, svg.name) == ("bars.png", "bars.svg")
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()
    again = style.write(tmp_path, "bars", draw)
    assert [path.read_bytes() for path in again] == [png.read_bytes(), svg.read_bytes()]


def test_titles_are_broken_and_never_cut():
    title = "SMOKE: " + "word " * 40 + "of $5$"
    lines = style.wrapped(title, 4).split("\n")
    assert max(map(len, lines)) <= 58
    assert " ".join(lines) == title.replace("$", r"\$")
