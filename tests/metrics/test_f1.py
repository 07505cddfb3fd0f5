"""Precision, recall and F1 against counts by hand and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support

from bench.errors import BenchError
from bench.metrics import eer, f1, frame_f1
from bench.metrics.f1 import ARGMAX, decision_at, decision_at_eer, frame_figures
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


frames = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1)


@given(frames, st.integers(-4, 4))
def test_figures_of_both_classes_agree_with_scikit_learn(items, threshold):
    is_spoof, score = map(np.array, zip(*items, strict=True))
    found = frame_figures(is_spoof, score, decision_at(threshold))
    expected = precision_recall_fscore_support(
        is_spoof, score <= threshold, labels=[False, True], zero_division=np.nan
    )
    for k, ours in enumerate((found.bonafide, found.spoof)):
        precision, recall, f1_, _ = (of[k] for of in expected)
        assert ours == pytest.approx((precision, recall, f1_), nan_ok=True)


@given(frames, st.integers(-2, 2))
def test_f1_is_one_figure_wherever_it_is_asked_for(items, threshold):
    is_spoof, score = map(np.array, zip(*items, strict=True))
    found = frame_figures(is_spoof, score, decision_at(threshold))
    assume(not np.isnan([found.bonafide.f1, found.spoof.f1]).any())
    assert (found.bonafide.f1, found.spoof.f1) == frame_f1(is_spoof, score, threshold)


def test_what_is_not_defined_is_no_number():
    found = frame_figures([False, False], [1.0, 1.0])
    assert found.bonafide == (1.0, 1.0, 1.0)
    assert np.isnan(found.spoof).all()
    assert found.spoof._fields == ("precision", "recall", "f1")


def test_the_decision_rule_stands_beside_the_figure():
    bonafide, spoof = [3.0, 2.0, 0.5], [1.0, 0.0, -1.0]
    at_dev = decision_at_eer(bonafide, spoof, "dev")
    assert at_dev == ("EER of dev", eer(bonafide, spoof).threshold)
    assert frame_figures([False], [2.0], at_dev).decision.rule == "EER of dev"
    assert frame_figures([False], [2.0]).decision is ARGMAX
    assert (ARGMAX.rule, ARGMAX.threshold) == ("argmax", 0.0)
    assert decision_at(-0.25).rule == "score > -0.25"


def test_argmax_is_the_larger_logit():
    logits = np.random.default_rng(0).normal(size=(50, 2))
    is_spoof = np.arange(50) % 3 == 0
    larger = np.array(CLASSES)[logits.argmax(axis=1)]
    found = frame_figures(is_spoof, logits[:, 0] - logits[:, 1])
    assert found.spoof.f1 == f1(np.where(is_spoof, "spoof", "bonafide"), larger, "spoof")


def test_trap_23_the_f1_of_one_class_is_not_that_of_the_other():
    """Where most frames are bona fide, as in PartialSpoof, a system that says so of all but a few
    has a high bona fide F1, the one that SAL and BAM print, whatever it is worth on spoofs."""
    is_spoof = np.arange(1000) % 10 == 0
    score = np.where(np.arange(1000) % 50 == 0, -1.0, 1.0)
    found = frame_figures(is_spoof, score)
    assert found.bonafide.f1 == pytest.approx(900 * 2 / (900 + 980))
    assert found.spoof.f1 == pytest.approx(20 * 2 / (100 + 20))


def test_trap_23_one_system_has_another_f1_on_spliced_utterances_alone():
    """SAL judges LlamaPartialSpoof's crossfaded utterances together with real and full ones: with
    one frame in ten wrong in either class, F1 still follows the share of the classes."""
    spliced, with_real = (np.repeat([False, True], sizes) for sizes in ([40, 60], [440, 60]))
    for is_spoof, expected in ((spliced, 2 * 36 / (40 + 42)), (with_real, 2 * 396 / (440 + 402))):
        wrong = np.arange(len(is_spoof)) % 10 == 0
        found = frame_figures(is_spoof, np.where(is_spoof != wrong, -1.0, 1.0))
        assert found.bonafide.recall == found.spoof.recall == 0.9
        assert found.bonafide.f1 == pytest.approx(expected)
