"""Spans to frames."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from slow_labels import any_spoof_frames, floored_frames

from bench.data.frame_labels import spoof_frames
from bench.data.subset import Span
from bench.metrics.grid import Rule
from tests.errors import raises_code

RESOLUTIONS = ("0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64")


@st.composite
def labelled(draw: st.DrawFn) -> tuple[list[Span], str]:
    """Spans whose stamps are decimals of 2 to 4 places, as HAD and LlamaPartialSpoof print them."""
    step = Fraction(1, 10 ** draw(st.integers(2, 4)))
    cuts = sorted(draw(st.sets(st.integers(1, 200), min_size=1, max_size=6)))
    labels = draw(st.lists(st.sampled_from(["bonafide", "spoof"]), min_size=6, max_size=6))
    scale = draw(st.integers(1, 3))
    stamps = [float(scale * cut * step) for cut in [0, *cuts]]
    spans = [
        Span(start_s, end_s, label)
        for (start_s, end_s), label in zip(pairwise(stamps), labels, strict=False)
    ]
    return spans, str(stamps[-1])


@given(labelled(), st.sampled_from(RESOLUTIONS))
def test_any_spoof_marks_the_frames_that_hold_a_spoof_sample(
    utterance: tuple[list[Span], str], resolution: str
) -> None:
    spans, duration = utterance
    ours = spoof_frames(spans, float(duration), float(resolution), "any-spoof")
    n_samples, frame = round(float(duration) * 16_000), round(float(resolution) * 16_000)
    assert ours.dtype == np.bool_
    assert ours.tolist() == any_spoof_frames(spans, n_samples, frame)


@given(labelled(), st.sampled_from(RESOLUTIONS))
def test_floor_is_exact_on_printed_decimals(
    utterance: tuple[list[Span], str], resolution: str
) -> None:
    spans, duration = utterance
    ours = spoof_frames(spans, float(duration), float(resolution), "floor")
    assert ours.tolist() == floored_frames(spans, duration, resolution)


def test_floor_repairs_the_float_fault_of_the_released_code() -> None:
    spans = [Span(0.0, 0.58, "bonafide"), Span(0.58, 1.16, "spoof")]
    assert int(0.58 / 0.02) == 28
    assert np.flatnonzero(spoof_frames(spans, 1.16, 0.02, "floor")).tolist() == list(range(29, 58))


def test_every_boundary_on_the_grid_stays_on_it() -> None:
    for frame in range(1, 1500):
        at_s = round(frame * 0.02, 2)
        spans = [Span(0.0, at_s, "bonafide"), Span(at_s, 30.0, "spoof")]
        for rule in ("any-spoof", "floor"):
            spoof = spoof_frames(spans, 30.0, 0.02, rule)
            assert len(spoof) == 1500
            assert int(np.argmax(spoof)) == frame


def test_floor_moves_spans_left_and_loses_short_ones() -> None:
    spans = [Span(0.0, 0.17, "bonafide"), Span(0.17, 0.31, "spoof"), Span(0.31, 0.5, "bonafide")]
    assert spoof_frames(spans, 0.5, 0.16, "floor").tolist() == [False, False, False]
    assert spoof_frames(spans, 0.5, 0.16, "any-spoof").tolist() == [False, True, False, False]
    assert len(spoof_frames([Span(0.0, 0.1, "spoof")], 0.1, 0.16, "floor")) == 0


B, S = "bonafide", "spoof"


def test_spans_that_do_not_cover_the_utterance_are_refused(subtests: pytest.Subtests) -> None:
    cases = [
        ([], "labels.invalid-span", "no spans"),
        ([Span(0.0, 0.5, B), Span(0.45, 1.0, S)], "labels.gap", "0.0500 s before the end"),
        ([Span(0.0, 0.5, B), Span(0.6, 1.0, S)], "labels.gap", "0.1000 s after the end"),
        ([Span(0.2, 1.0, B)], "labels.gap", "0.2000 s after"),
        ([Span(-0.2, 1.0, B)], "labels.gap", "0.2000 s before"),
        (
            [Span(0.0, 0.5, B), Span(0.5, 0.3, S), Span(0.3, 1.0, B)],
            "labels.invalid-span",
            "span 2 of 3",
        ),
        ([Span(0.0, 1.2, S)], "labels.gap", "0.2000 s after the end of the utterance"),
        ([Span(0.0, 0.8, S)], "labels.gap", "0.2000 s before the end of the utterance"),
        ([Span(0.0, 1.0, "spoofed")], "labels.unknown-class", "did you mean 'spoof'"),
        ([Span(0.0, math.nan, S)], "labels.invalid-span", "finite"),
        ([Span(0.0, math.inf, S)], "labels.invalid-span", "finite"),
    ]
    for spans, code, part in cases:
        with subtests.test(spans=spans):
            rules: tuple[Rule, ...] = ("any-spoof", "floor")
            for rule in rules:
                with raises_code(code, part):
                    spoof_frames(spans, 1.0, 0.02, rule)


def test_a_duration_must_be_that_of_an_utterance(subtests: pytest.Subtests) -> None:
    for duration_s in [0.0, -1.0, math.nan, math.inf]:
        with subtests.test(duration_s=duration_s), raises_code("labels.no-duration"):
            spoof_frames([Span(0.0, 1.0, S)], duration_s, 0.02, "any-spoof")


def test_a_step_of_rounding_is_tolerated_and_leaves_no_hole() -> None:
    spans = [Span(0.0, 0.49, S), Span(0.5, 1.0, S)]
    assert spoof_frames(spans, 1.0099, 0.01, "any-spoof").all()
    assert spoof_frames(spans, 0.9901, 0.01, "any-spoof").all()
    overlap = [Span(0.0, 0.51, S), Span(0.5, 1.0, B)]
    assert np.count_nonzero(spoof_frames(overlap, 1.0, 0.01, "any-spoof")) == 50


def test_a_span_without_samples_marks_nothing() -> None:
    spans = [Span(0.0, 0.0, S), Span(0.0, 0.505, B), Span(0.505, 0.505, S), Span(0.505, 1.0, B)]
    assert not spoof_frames(spans, 1.0, 0.02, "any-spoof").any()


def test_words_of_a_real_alignment(shared: Path) -> None:
    """Every other word of a real, word-aligned recording taken for spoof."""
    place = shared / "speech/pairs/nii_wave-replacement/json/11463_11657_000002.json"
    words = [word for part in json.loads(place.read_text())["segments"] for word in part["words"]]
    stamps = sorted({0.0, *(word[end] for word in words for end in ("start", "end"))})
    spans = [Span(a, b, S if i % 2 else B) for i, (a, b) in enumerate(pairwise(stamps))]
    n_samples = round(stamps[-1] * 16_000)
    assert len(spans) > 40
    for resolution in RESOLUTIONS:
        frame = round(float(resolution) * 16_000)
        ours = spoof_frames(spans, stamps[-1], float(resolution), "any-spoof")
        assert ours.tolist() == any_spoof_frames(spans, n_samples, frame)
        floored = spoof_frames(spans, stamps[-1], float(resolution), "floor")
        assert floored.tolist() == floored_frames(spans, str(stamps[-1]), resolution)
