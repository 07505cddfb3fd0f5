"""The paper beside ours, drawn: points and heat maps hold what they should; the common style."""

from __future__ import annotations

import re
from dataclasses import replace
from unittest.mock import patch

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from bench.cards import table_cards
from bench.reports import plot_style, plots
from bench.reports.document import find_stale_files, write_report
from bench.reports.plots import matrices, points
from bench.specs.table import Column

from .drawing import drawn
from .made import MADE, made, made_matrix


def points_of(report):
    """The figure of a report, and its panels by title."""
    figure = drawn(plots.draw_points, report.title, report.table, report.cells)
    return figure, {axes.get_title(loc="left"): axes for axes in figure.axes}


def where(axes, source):
    """What is drawn of a source, by the label of the row in whose line it stands."""
    names = dict(enumerate(text.get_text() for text in axes.figure.axes[0].get_yticklabels()))
    found = [c for c in axes.collections if c.get_label() == source]
    return {
        names[round(y)]: pytest.approx([x for x, _ in c.get_offsets()])
        for c in found
        for _, y in c.get_offsets()
    }


def test_points_are_the_cells_under_the_papers_labels():
    figure, panels = points_of(made())
    assert list(panels) == ["A EER, lower is better", "B F1, higher is better"]
    eer = panels["A EER, lower is better"]
    assert where(eer, "paper") == {
        "Old, theirs": [9.5],
        "Both, two seeds": [5.0],
        "Half, one of two": [5.0],
        "Single, own seeds": [4.0],
        "Never, not begun": [5.0],
    }
    assert where(eer, "ours") == {"Both, two seeds": [5.0], "Single, own seeds": [4.1]}
    assert where(eer, "ours, seeds missing") == {"Half, one of two": [1.0]}
    assert where(eer, "scored, not trained here") == {"Theirs": [3.58]}
    assert where(eer, "scored, trials missing") == {"Part": [3.58]}
    assert where(eer, "one seed") == {"Both, two seeds": [5.2, 4.8, 5.0]}
    table12 = table_cards.read_table("breathnet/table12")
    assert points.label_row(table12, "S3") == "S3, (3)", (
        "what --rows takes, then what the paper prints"
    )
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "paper",
        "ours",
        "ours, seeds missing",
        "scored, not trained here",
        "scored, trials missing",
        "one seed",
        "95 % interval of one run",
    ]


def test_intervals_are_those_of_the_cells():
    report = made()
    _, panels = points_of(report)
    drawn_spans = sorted(
        tuple(line.get_xdata())
        for line in panels["A EER, lower is better"].lines
        if line.get_label() == "95 % interval of one run"
    )
    spans = sorted((c.ours.low, c.ours.high) for c in report.cells if c.column == 0 and c.ours)
    assert drawn_spans == [pytest.approx(span) for span in spans]


def test_what_a_digest_says_is_hollow():
    _, panels = points_of(MADE["combined"]())
    (gap,) = [axes for title, axes in panels.items() if title == "gap"]
    assert where(gap, "paper (second-hand)") == {"Half": [1.6]}
    (hollow,) = [c for c in gap.collections if c.get_label() == "paper (second-hand)"]
    assert to_rgb(hollow.get_facecolor()[0]) == (1, 1, 1)


def test_a_column_without_any_figure_has_no_panel():
    report = made()
    cells = [replace(c, paper=None, ours=None) if c.column == 0 else c for c in report.cells]
    _, panels = points_of(replace(report, cells=tuple(cells)))
    assert list(panels) == ["B F1, higher is better"]


def column(metric="a.eer", **more):
    return Column.model_validate({"heading": "E", "metric": metric, **more})


def test_an_axis_says_its_unit_and_where_it_begins(subtests):
    units = [
        ("a.eer", "%"),
        ("a.min_dcf", "normalised cost"),
        ("a.min_tdcf", "normalised cost"),
        ("a.cllr", "bits"),
        ("a.f1", "%"),
    ]
    scales = [
        ([0.0, 0.1, 0.15], ""),
        ([1.0, 4.0, 5.0], ""),
        ([4.0, 4.5, 5.0], ", does not begin at 0"),
        ([0.23, 0.23, 0.23], ", does not begin at 0"),
        ([0.0, 0.02, 5.7], ", logarithmic, with a place for 0"),
    ]
    for metric, unit in units:
        for values, said in scales:
            with subtests.test(metric=metric, values=values):
                made_axes = Figure().subplots()
                of = column(metric)
                found = points.choose_axis(of, values)
                points._scale_axis(made_axes, of, found)
                assert made_axes.get_xlabel() == unit + said
                low, high = made_axes.get_xlim()
                assert ("does not begin" in said) == (low > 0)
                assert low <= min(values) <= max(values) <= high


def test_small_figures_and_0_can_be_told_apart_beside_large_ones():
    values = [0.0, 0.02, 0.3, 14.4]
    of = column()
    axes = Figure().subplots()
    points._scale_axis(axes, of, points.choose_axis(of, values))
    places = axes.transAxes.inverted().transform(
        axes.transData.transform([(value, 0) for value in values])
    )[:, 0]
    assert np.diff(places).min() > 0.08
    assert places[0] > 0.02
    ticks = [tick for tick in axes.get_xticks() if tick >= 0]
    assert ticks == pytest.approx([0, 0.1, 1, 10])


def test_smoke_figures_say_so():
    figure, _ = points_of(made("smoke"))
    assert figure.get_suptitle().startswith("SMOKE")


def test_no_figure_is_written_where_nothing_was_run(tmp_path):
    report = made()
    none = tuple(replace(cell, ours=None) for cell in report.cells)
    never = replace(report, cells=none, pictures={})
    assert report.has_figure
    assert not never.has_figure
    write_report(never, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".png", ".svg", ".pdf")]
    assert find_stale_files(never, tmp_path) == []
    write_report(report, tmp_path)
    drawn_files = [tmp_path / f"{report.stem}.{kind}" for kind in ("png", "svg", "pdf")]
    assert set(drawn_files) <= {*tmp_path.iterdir()}
    for path in drawn_files:
        content = path.read_bytes()
        path.unlink()
        assert find_stale_files(report, tmp_path) == [path]
        path.write_bytes(content)


def panels_of(report):
    """Panels by title, each with its numbers, row by row as they are drawn."""
    figure = drawn(plots.draw_matrices, report.title, report.table, report.cells)
    return {
        axes.get_title(loc="left"): [text.get_text() for text in axes.texts] for axes in figure.axes
    }


def test_heat_maps_are_the_cells():
    assert panels_of(MADE["matrix"]()) == {
        "Both: paper (%)": ["0.50", "1.50", "3.50", "2.50"],
        "Both: ours, minus the paper (%)": ["+0.25", "+0.00", "-0.50", "-0.25"],
        "Old: paper (%)": ["9.50ᵈ"],
    }


def test_a_heat_map_is_of_ours_where_the_paper_has_no_figure():
    report = MADE["matrix"]()
    alone = [replace(cell, paper=None) for cell in report.cells if cell.row == "Both"]
    halves = [replace(cell, seeds_wanted=2) for cell in alone]
    ours = ["0.75", "1.00", "1.50", "3.00", "2.25"]
    assert panels_of(replace(report, cells=tuple(alone))) == {"Both: ours (%)": ours}
    assert panels_of(replace(report, cells=tuple(halves))) == {
        "Both: ours, seeds missing (%)": ours
    }


def test_a_heat_map_of_nothing_is_a_picture_all_the_same():
    report = MADE["matrix"]()
    empty = [replace(cell, paper=None, ours=None) for cell in report.cells]
    assert panels_of(replace(report, cells=tuple(empty))) == {}


def test_red_is_worse_either_way():
    for metric, sign in (("a.eer", 1), ("a.auc", -1)):
        columns = [
            column.model_copy(update={"metric": metric}) for column in made_matrix().table.columns
        ]
        _, differences = matrices._choose_scales(columns, made_matrix().cells)
        red, _, blue, _ = mpl.colormaps[differences["cmap"]]((sign + 1) / 2)
        assert red > blue


def lightness(colour):
    """L* of CIELAB (0 to 100), from sRGB (IEC 61966-2-1)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    y = float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
    return 116 * np.cbrt(y) - 16 if y > 0.008856 else 903.3 * y


@pytest.mark.parametrize(
    "colours", [plot_style.SOURCES.values(), plot_style.CLASSES.values(), plot_style.KINDS]
)
def test_colours_beside_each_other_differ_in_grey(colours):
    # Whoever sees them apart by lightness alone needs no colour.
    ordered = sorted(map(lightness, colours))
    assert np.diff(ordered).min() > 18


@pytest.mark.rows
@pytest.mark.every_kind
def test_every_kind_is_written_undated_and_laid_out_once(tmp_path):
    report = made()

    def draw():
        return plots.draw_points(report.title, report.table, report.cells)

    with patch.object(ConstrainedLayoutEngine, "execute", autospec=True) as laid_out:
        png, svg, pdf = plot_style.write_figure(tmp_path / "new", "points", draw())
    assert laid_out.call_count == 1
    assert [path.name for path in (png, svg, pdf)] == ["points.png", "points.svg", "points.pdf"]
    assert png.read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in svg.read_bytes()
    assert pdf.read_bytes().startswith(b"%PDF")
    again = plot_style.write_figure(tmp_path / "again", "points", draw())
    assert [path.read_bytes() for path in plot_style.write_figure(tmp_path, "points", draw())] == [
        path.read_bytes() for path in again
    ]
    for path in (png, svg, pdf):
        assert not re.search(rb"CreationDate|dc:date", path.read_bytes())


def test_titles_are_broken_and_never_cut():
    title = "SMOKE: " + "word " * 40 + "of $5$"
    lines = plot_style.wrap_title(title, 4).split("\n")
    assert max(map(len, lines)) <= 58
    assert " ".join(lines) == title.replace("$", r"\$")
