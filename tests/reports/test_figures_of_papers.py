"""SAL's Figure 3 and BreathNet's Figures 3 to 6 hold what they should."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.cards import table_cards
from bench.plot_data import EmbeddedFeatures, PositionErrors
from bench.reports import plot_style, plots
from bench.reports.ranking import rank_values
from bench.reports.setting_curves import SettingCurve, read_sweep_curve
from bench.specs.sweep import Sweep

from ..errors import raises_code
from .drawing import drawn, whole_title


def test_positions_are_a_pie_and_bars_with_whiskers():
    error = np.array([0.1, 0.2, 0.3, np.nan])
    systems = [
        PositionErrors("S3", error, error - 0.05, error + 0.05),
        PositionErrors("S7", error / 2, error / 2, error / 2),
    ]
    shares = np.array([0.1, 0.625, 0.1, 0.175])
    paper = {"middle": 62.5}
    figure = drawn(plots.draw_positions, shares, systems, "Errors by position, PS eval", paper)
    pie, rates = figure.axes
    angles = [wedge.theta2 - wedge.theta1 for wedge in pie.patches]
    assert np.abs(angles) == pytest.approx(360 * shares)
    labels = [text.get_text() for text in pie.get_legend().get_texts()]
    assert labels == [
        "start: 10.0 %",
        "middle: 62.5 % (paper 62.5 %)",
        "end: 10.0 %",
        "unit: 17.5 %",
    ]
    alone = drawn(plots.draw_positions, shares, [], "Positions, PS eval", {})
    assert len(alone.axes) == 1, "the pie alone: there is no system"
    assert len(alone.axes[0].patches) == 4
    bars = [container for container in rates.containers if hasattr(container, "patches")]
    heights = [[bar.get_height() for bar in container] for container in bars]
    assert heights[0][:3] == pytest.approx([10, 20, 30])
    assert heights[1][:3] == pytest.approx([5, 10, 15])
    assert [text.get_text() for text in rates.get_legend().get_texts()] == ["S3", "S7"]
    whiskers = rates.containers[0].lines[2][0].get_segments()
    assert [segment[:, 1].tolist() for segment in whiskers[:2]] == [
        pytest.approx([5, 15]),
        pytest.approx([15, 25]),
    ]


def test_the_best_of_five_has_five_points():
    # Table IV's LA column: OCKD, LSR+LSA, XLSR-Mamba, Nes2Net-X, BreathNet.
    la = np.array([[0.90], [1.19], [1.68], [1.88], [1.15]])
    assert rank_values(la).ravel().tolist() == [5, 3, 2, 1, 4]
    assert rank_values(-la, "higher").ravel().tolist() == [5, 3, 2, 1, 4]
    assert rank_values([[1.0], [1.0], [0.5]]).ravel().tolist() == [1.5, 1.5, 3]


def test_radars_are_closed_and_ours_is_drawn_strongest():
    systems = {"OCKD": [1.0, 2.0, 1.0], "BreathNet": [2.0, 1.0, 2.0]}
    figure = drawn(
        plots.draw_ranks, ["ASVspoof 2021 LA", "DF", "Avg."], {"paper": systems}, "Ranks"
    )
    (axes,) = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    assert list(lines["OCKD"].get_ydata()) == [1.0, 2.0, 1.0, 1.0]
    assert lines["BreathNet"].get_linewidth() > lines["OCKD"].get_linewidth()
    assert axes.get_title() == "paper"
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        "ASVspoof 2021\nLA",
        "DF",
        "Avg.",
    ]


@pytest.mark.every_kind
def test_features_are_dots_by_class():
    places = np.arange(20.0).reshape(10, 2)
    is_spoof = np.arange(10) < 7
    panel = EmbeddedFeatures("LA: 10 of 20", places, is_spoof)
    figure = drawn(plots.draw_features, [panel, panel, panel], "SMOKE: t-SNE")
    assert len(figure.axes) == 3
    dots = {of.get_label(): of.get_offsets() for of in figure.axes[0].collections}
    assert dots["spoof"].tolist() == places[:7].tolist()
    assert dots["bonafide"].tolist() == places[7:].tolist()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["bonafide", "spoof"]
    svg = plot_style.render_figure(plots.draw_features([panel], "t"), "svg")
    assert svg.count(b"<image") == 1, "dots are pixels within an SVG"


def made_points(**values):
    records = [
        (value, evaluation, eer)
        for evaluation, line in values.items()
        for value, eer in line.items()
    ]
    return pd.DataFrame(records, columns=["value", "evaluation", "eer"])


def test_curves_have_a_line_for_each_evaluation_and_their_mean():
    points = made_points(la={0.1: 2.0, 0.5: 1.0, 1.0: 3.0}, df={0.1: 4.0, 0.5: 2.0})
    twice = pd.concat([points, made_points(la={0.5: 2.0})])  # two seeds
    panels = [SettingCurve("(a) λ", twice, 0.5), SettingCurve("(b) α", points)]
    figure = drawn(plots.draw_curves, panels, "BreathNet: EER over λ and α")
    first, second = figure.axes
    lines = {line.get_label(): line for line in first.lines}
    assert list(lines) == ["la", "df", "average", "value of the table's row"]
    assert list(lines["la"].get_ydata()) == [2.0, 1.5, 3.0]
    assert list(lines["average"].get_xdata()) == [0.1, 0.5], "only where all have a figure"
    assert list(lines["average"].get_ydata()) == [3.0, 1.75]
    assert (first.get_xlabel(), second.get_xlabel()) == ("(a) λ", "(b) α")
    assert "over λ and α" in whole_title(figure)
    with raises_code("report.nothing-to-draw"):
        plots.draw_curves([SettingCurve("β", points.iloc[:0])], "t")


def a_sweep(**space):
    space = space or {"system.refinement.weight": {"kind": "float", "low": 0.1, "high": 1.0}}
    return Sweep.model_validate(
        {
            "key": "l",
            "form": "smoke",
            "title": "BreathNet, Figure 4a: λ",
            "from": "breathnet/table7:Default",
            "sampler": {"kind": "random"},
            "objective": "dev.eer",
            "trials": 3,
            "space": space,
        }
    )


def test_a_sweeps_trials_are_points():
    base = table_cards.resolve_row(table_cards.read_table("breathnet/table7"), "Default", "smoke")
    trials = pd.DataFrame(
        {
            "state": ["finished", "finished", "failed"],
            "system.refinement.weight": ["0.1", "1.0", "0.5"],
            "asvspoof2019la.eer": ["10.5", "9", ""],
            "inthewild.eer": ["20", "", ""],
            "asvspoof2019la.A07.eer": ["1", "1", "1"],
        }
    )
    curve = read_sweep_curve(a_sweep(), trials, base)
    assert curve.setting == "λ (system.refinement.weight)"
    assert curve.chosen == 0.5
    assert curve.points.to_numpy().tolist() == [
        [0.1, "19LA", 10.5],
        [0.1, "ITW", 20.0],
        [1.0, "19LA", 9.0],
    ]
    with raises_code("report.nothing-to-draw"):
        read_sweep_curve(a_sweep(), trials[trials["state"] == "failed"], base)
    words = {"system.score": {"kind": "categories", "values": ["a", "b"]}}
    with raises_code("report.sweep-dimensions"):
        read_sweep_curve(a_sweep(**words), trials, base)
