"""Time lines hold what they should, at the right seconds."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgba

from bench.plot_data import ActivationPanel, FrameDecisions, GradcamPanel
from bench.reports import plot_style, plots
from bench.reports.plot_style import CLASSES, KINDS

from .drawing import drawn, whole_title

WAVE = np.sin(np.arange(16_000) / 20).astype(np.float32)


def boxes(axes):
    """Return (begin, end, bottom, class) of each box of a span, times in hundredths."""
    names = {to_rgba(colour): name for name, colour in CLASSES.items()}
    found = []
    for drawn_boxes in axes.collections:
        colours = drawn_boxes.get_facecolor()
        colour = (*colours[0][:3], 1.0) if len(colours) else None
        if colour not in names:
            continue  # the waveform
        for path in drawn_boxes.get_paths():
            (begin, bottom), (end, _) = path.vertices.min(axis=0), path.vertices.max(axis=0)
            box = round(100 * begin), round(100 * end), round(bottom, 2), names[colour]
            found.append(box)
    return sorted(found)


@pytest.mark.every_kind
def test_activation_is_coloured_by_the_strongest_class():
    strength = np.zeros((50, 3))
    strength[:20, 1] = 1.0  # the first 0.4 s
    strength[20:, 2] = 0.5
    panel = ActivationPanel("", WAVE, strength)
    figure = drawn(plots.draw_activations, [panel], ["bonafide", "TTS", "VC"], "a $b$ title")
    (axes,) = figure.axes
    said = figure.legends[0].get_title().get_text()
    assert "the class of the largest S'" in " ".join(said.split())
    spans = {round(patch.get_x(), 2): patch for patch in axes.patches}
    assert len(spans) == 50
    first, last = spans[0.0], spans[0.98]
    assert first.get_facecolor()[:3] == to_rgba(KINDS[1])[:3]
    assert last.get_facecolor()[:3] == to_rgba(KINDS[2])[:3]
    assert first.get_alpha() > last.get_alpha()
    assert spans[0.38].get_facecolor() == first.get_facecolor()
    assert spans[0.4].get_facecolor() == last.get_facecolor()
    assert axes.get_xlim() == (0, 1)
    again = plots.draw_activations([panel], ["a", "b", "c"])
    assert plot_style.render_figure(again, "svg").startswith(b"<?xml")


def test_a_panel_has_each_utterance_by_its_name():
    panels = [
        ActivationPanel(f"A{n:02}: LA_E_{n}", WAVE[: 16_000 - 320 * n], np.eye(3)[[n % 3] * 40])
        for n in range(5)
    ]
    figure = drawn(plots.draw_activations, panels, ["bonafide", "TTS", "VC"], "five")
    assert [axes.get_title(loc="left") for axes in figure.axes] == [of.title for of in panels]
    for n, axes in enumerate(figure.axes):
        assert axes.get_xlim() == (0, pytest.approx((16_000 - 320 * n) / 16_000))
        assert axes.patches[0].get_facecolor()[:3] == to_rgba(KINDS[n % 3])[:3]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["bonafide", "TTS", "VC"]


def test_a_pulse_stands_in_the_waveform_where_it_is():
    wave = np.zeros(160_000, dtype=np.float32)
    wave[80_000] = 1.0
    panel = ActivationPanel("a pulse", wave, np.ones((500, 2)))
    figure = drawn(plots.draw_activations, [panel], ["bonafide", "spoof"])
    corners = figure.axes[0].collections[0].get_paths()[0].vertices
    assert corners[corners[:, 1].argmax(), 0] == pytest.approx(5.0, abs=0.01)
    assert corners[:, 1].max() == 1.0, "thinning keeps extremes"


def test_strips_are_true_above_predicted():
    edges_s = np.arange(5) * 0.16
    truth, decided = np.array([[0, 1, 1, 0], [0, 0, 1, 0]], dtype=bool)
    strip = FrameDecisions("CON_1", edges_s, truth, decided)
    assert strip.error_share == 0.25
    figure = drawn(plots.draw_strips, {"best": [strip], "worst": [strip]}, "S5 on PS")
    (axes,) = figure.axes
    found = boxes(axes)
    bottoms = sorted({bottom for *_, bottom, _ in found})
    above = [box[:2] + box[3:] for box in found if box[2] == bottoms[0]]
    below = [box[:2] + box[3:] for box in found if box[2] == bottoms[1]]
    assert above == [(0, 16, "bonafide"), (16, 48, "spoof"), (48, 64, "bonafide")]
    assert below == [(0, 32, "bonafide"), (32, 48, "spoof"), (48, 64, "bonafide")]
    assert [text.get_text().strip() for text in axes.texts] == ["best", "worst"]
    assert axes.get_yticklabels()[0].get_text() == "CON_1\n25.0 % wrong"
    low, high = axes.get_ylim()
    assert low > high, "the first of a pair is the upper one"
    assert "above the labels, below the decisions" in whole_title(figure)


def checkpoint(name, cam, frame_s, bonafide, is_spoof):
    edges_s = np.arange(len(bonafide) + 1) * frame_s
    return GradcamPanel(name, np.array(cam), np.array(bonafide), edges_s, np.array(is_spoof, bool))


def test_gradcam_has_hops_of_20_ms_whatever_the_frames_are():
    cam = np.zeros(50)
    cam[30] = 4.0  # 0.60 to 0.62 s
    coarse = checkpoint("S0", cam, 0.25, [0.9, 0.4, 0.6, 0.9], [0, 0, 1, 0])
    nothing = checkpoint("S5", np.zeros(50), 0.25, [0.9, 0.9, 0.1, 0.9], [0, 0, 1, 0])
    figure = drawn(plots.draw_gradcam, WAVE, [coarse, nothing], "SMOKE: Grad-CAM of X")
    wave, curve, both, heat, *_, empty = figure.axes
    (image,) = heat.images
    assert image.get_extent() == [0, 1.0, 0, 1]
    assert image.get_array().argmax() == 30
    assert image.get_array().max() == 1.0
    assert heat.get_yticklabels()[0].get_text() == "Grad-CAM"
    assert empty.get_yticklabels()[0].get_text() == "Grad-CAM: 0"
    assert curve.get_title(loc="left") == "S0"
    assert curve.patches[0].get_data().values.tolist() == [0.9, 0.4, 0.6, 0.9]
    spoof = {(begin, end, bottom) for begin, end, bottom, name in boxes(both) if name == "spoof"}
    assert spoof == {(50, 75, 1.0), (25, 50, 0.0)}
    assert {axes.get_xlim() for axes in figure.axes} == {(0.0, 1.0)}
    assert [name for *_, name in boxes(wave)] == ["bonafide", "spoof", "bonafide"]
    assert empty.get_xlabel() == "time (s)"
    assert whole_title(figure).startswith("SMOKE: ")
