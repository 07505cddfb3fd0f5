"""The reference stretches of a corpus's utterances against its frame labels."""

from __future__ import annotations

from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.frame_labels import spoof_frames
from bench.data.subset import FrameVectors, Span, Spans, Subset
from bench.errors import BenchError
from bench.evaluation.reference import build_reference
from bench.metrics.grid import align_points
from bench.metrics.timeline import frames_on_grid
from bench.units import frames_covering, to_samples


def subset(timing, durations_s, names=None):
    names = names or [f"u{i}" for i in range(len(durations_s))]
    table = pd.DataFrame({"utterance": names, "duration_s": durations_s})
    return Subset("made", "eval", Path(), table, timing)


def spans_of(edges_s, first_is_spoof):
    labels = ("spoof", "bonafide") if first_is_spoof else ("bonafide", "spoof")
    return tuple(
        Span(start, end, labels[i % 2]) for i, (start, end) in enumerate(pairwise(edges_s))
    )


@st.composite
def spans(draw):
    """Spans whose edges are stamps of two to four decimals, with small gaps and overlaps."""
    unit = draw(st.sampled_from([0.01, 0.001, 0.0001]))
    steps = draw(st.lists(st.integers(1, 60), min_size=1, max_size=5))
    edges_s = [round(float(n) * 100 * unit, 4) for n in np.cumsum([0, *steps])]
    whole = spans_of(edges_s, draw(st.booleans()))
    shifts = [draw(st.sampled_from([-0.005, 0.0, 0.005])) for _ in whole]
    shifted = [
        span._replace(start_s=max(span.start_s + shift, 0.0))
        if i and span.start_s + shift < span.end_s
        else span
        for i, (span, shift) in enumerate(zip(whole, shifts, strict=True))
    ]
    return tuple(shifted), edges_s[-1]


@pytest.mark.rows
@given(st.lists(spans(), min_size=1, max_size=3), st.sampled_from([0.01, 0.02, 0.16]))
def test_spans_give_the_labels_that_systems_learn(made, resolution_s):
    durations_s = [duration_s for _, duration_s in made]
    named = {f"u{i}": spans for i, (spans, _) in enumerate(made)}
    truth = build_reference(subset(Spans(named), durations_s))
    frame = to_samples(resolution_s)
    counts = np.array([frames_covering(to_samples(d), frame) for d in durations_s])
    scored = frames_on_grid(counts, frame, np.zeros(counts.sum()))
    for rule in ("any-spoof", "floor"):
        found = align_points(scored, truth, resolution_s, rule)
        for i, (spans, duration_s) in enumerate(made):
            np.testing.assert_array_equal(
                found.is_spoof[found.utterance == i],
                spoof_frames(spans, duration_s, resolution_s, rule),
            )


@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=20), min_size=1, max_size=4), st.data()
)
def test_frame_vectors_give_their_labels_back(vectors, data):
    short = [data.draw(st.sampled_from([None, 0, 1, 319])) for _ in vectors]
    durations_s = [
        np.nan if less is None else (len(vector) * 320 - less) / 16_000
        for less, vector in zip(short, vectors, strict=True)
    ]
    named = {f"u{i}": np.array(vector) for i, vector in enumerate(vectors)}
    truth = build_reference(subset(FrameVectors(0.02, named), durations_s))
    scored = frames_on_grid([len(v) for v in vectors], 320, np.zeros(sum(map(len, vectors))))
    assert align_points(scored, truth, 0.02).is_spoof.tolist() == list(chain(*vectors))
    ends = np.append(np.flatnonzero(np.diff(truth.utterance)), len(truth.end) - 1)
    assert truth.end[ends].tolist() == [
        len(vector) * 320 - (less or 0) for less, vector in zip(short, vectors, strict=True)
    ]
    assert truth.step == 320


def test_a_vector_that_is_floored_ends_its_utterance():
    truth = build_reference(subset(FrameVectors(0.02, {"u0": np.array([False, True])}), [0.055]))
    assert truth.end.tolist() == [320, 640]


def test_spans_are_taken_to_the_sample():
    spans = (Span(0.0, 0.5801, "bonafide"), Span(0.5801, 1.0, "spoof"))
    truth = build_reference(subset(Spans({"u0": spans}), [1.0]))
    assert truth.end.tolist() == [9282, 16_000]
    assert truth.step == 1


def test_subsets_that_are_refused(subtests):
    cases = [
        (None, [1.0], "made eval: has labels of whole utterances only"),
        (Spans({}), [1.0], "1 utterances have no labels, e.g. 'u0'"),
        (Spans({}), [], "there is no utterance"),
        (Spans({"u0": (Span(0.0, 0.5, "spoof"),)}), [1.0], "made eval: u0: the last of 1 spans"),
        (FrameVectors(0.02, {"u0": np.zeros(2, bool)}), [0.06], "u0: 2 frames of 0.02 s .* 0.06 s"),
        (FrameVectors(0.02, {"u0": np.zeros(2, bool)}), [0.02], "u0: 2 frames of 0.02 s .* 0.02 s"),
        (FrameVectors(0.02, {"u0": np.zeros(0, bool)}), [np.nan], "u0: 0 frames"),
        (FrameVectors(0.02, {"u0": np.zeros(2, bool)}), [np.inf], "u0: 2 frames"),
    ]
    for timing, durations_s, message in cases:
        with subtests.test(message=message), pytest.raises(BenchError, match=message):
            build_reference(subset(timing, durations_s))
