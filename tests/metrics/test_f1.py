"""F1 against counts by hand and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from bench.errors import BenchError
from bench.metrics import f1, frame_f1
from bench.units import CLASSES

pairs = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1)


@given(pairs, st.sampled_from(CLASSES))
def test_agrees_with_scikit_learn(items, positive):
    labels, decisions = zip(*items, strict=True)
    assume(positive in labels or positive in decisions)
    expected = f1_score(labels, decisions, labels=list(CLASSES), average=None, zero_division=0)
    assert f1(labels, decisions, positive) == pytest.approx(expected[CLASSES.index(positive)])


@given(pairs, st.sampled_from(CLASSES))
def test_is_symmetric_in_labels_and_decisions(items, positive):
    labels, decisions = zip(*items, strict=True)
    assume(positive in labels or positive in decisions)
    assert f1(labels, decisions, positive) == f1(decisions, labels, positive)


def test_is_not_defined_without_the_class():
    with pytest.raises(BenchError, match="spoof is neither a label nor a decision"):
        f1(["bonafide"], ["bonafide"], "spoof")


def test_is_zero_where_the_class_is_never_hit():
    assert f1(["spoof", "bonafide"], ["bonafide", "bonafide"], "spoof") == 0.0


def test_refuses_lists_of_different_lengths():
    with pytest.raises(BenchError, match="2 labels and 1 decisions"):
        f1(["spoof", "spoof"], ["spoof"], "spoof")


@given(st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1), st.integers(-2, 2))
def test_frames_are_bona_fide_above_the_threshold(items, threshold):
    is_spoof, score = map(np.array, zip(*items, strict=True))
    labels = np.where(is_spoof, "spoof", "bonafide")
    decisions = np.where(score > threshold, "bonafide", "spoof")
    assume(all(name in {*labels, *decisions} for name in CLASSES))
    pair = frame_f1(is_spoof, score, threshold)
    assert pair.bonafide == f1(labels, decisions, "bonafide")
    assert pair.spoof == f1(labels, decisions, "spoof")


def test_frames_refuse_a_score_that_is_not_a_number():
    with pytest.raises(BenchError, match="score 1 is not a number"):
        frame_f1([True, False], [0.0, np.nan])
