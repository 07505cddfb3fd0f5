"""Decided recordings as CSV, RTTM and TextGrid, and what is decided of them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bench.evaluation.recording_scores import DecidedSpan, RecordingScores
from bench.reports.plot_style import render_figure
from bench.reports.plots import draw_recording
from bench.reports.span_files import DecidedRecording, write_csv, write_rttm, write_textgrid

SCORES = RecordingScores(np.array([0, 0.5, 1.0, 1.5, 1.8]), np.array([2.0, -1.0, -3.0, 1.0]))
SPANS = [
    DecidedSpan(0, 0.5, "bonafide", 2),
    DecidedSpan(0.5, 1.5, "spoof", -3),
    DecidedSpan(1.5, 1.8, "bonafide", 1),
]


def decided(threshold: float | None, duration_s: float = 1.8) -> DecidedRecording:
    spans = [] if threshold is None else SCORES.list_spans(threshold)
    return DecidedRecording("of me/my file.wav", "my file", duration_s, SCORES, spans)


def test_frames_that_are_decided_alike_are_one_span():
    assert SCORES.list_spans(0.0) == SPANS
    assert SCORES.list_spans(2.0) == [DecidedSpan(0, 1.8, "spoof", -3)], "a score at it is spoof"
    assert SCORES.list_spans(-4.0) == [DecidedSpan(0, 1.8, "bonafide", -3)]


def test_csv_has_spans_or_without_a_threshold_frames():
    spans, frames = (write_csv([decided(threshold)]).splitlines() for threshold in (0.0, None))
    assert spans[0] == frames[0] == "file,start_s,end_s,score,decision"
    assert spans[2] == "of me/my file.wav,0.5,1.5,-3,spoof"
    assert (len(spans), len(frames)) == (4, 5)
    assert frames[4] == "of me/my file.wav,1.5,1.8,1,"


def test_rttm_has_ten_fields_a_span():
    lines = write_rttm([decided(0.0)]).splitlines()
    assert lines[1] == "SPEAKER my_file 1 0.500 1.000 <NA> <NA> spoof <NA> <NA>"
    assert [len(line.split()) for line in lines] == [10, 10, 10]


@pytest.mark.parametrize("threshold", [None, 0.0])
def test_textgrid_covers_the_recording_without_gaps(threshold):
    """Praat refuses a tier with a gap, or that ends elsewhere than the grid."""
    text = write_textgrid(decided(threshold, duration_s=3.0))
    tiers = re.split(r"item \[\d+\]:", text)[1:]
    assert re.findall(r'name = "(\w+)"', text) == ["score"] + ["decision"] * (threshold is not None)
    assert f"size = {len(tiers)}" in text
    for tier in tiers:
        begins = [float(value) for value in re.findall(r" xmin = ([\d.]+)", tier)][1:]
        ends = [float(value) for value in re.findall(r" xmax = ([\d.]+)", tier)][1:]
        assert f"intervals: size = {len(ends)}" in tier
        assert (begins[0], ends[-1]) == (0, 3.0)
        assert begins[1:] == ends[:-1]
        assert tier.count("text = ") == len(ends)


@pytest.mark.parametrize("threshold", [None, 0.0])
def test_a_picture_shows_spans_only_if_decided(threshold):
    wave = np.sin(np.arange(28_800) / 50).astype(np.float32)
    figure = draw_recording(wave, SCORES, threshold, "my $file$")
    coloured = [len(axes.patches) for axes in figure.axes]
    assert coloured == ([3, 4] if threshold is not None else [0, 1])
    assert render_figure(figure, "png").startswith(b"\x89PNG")
