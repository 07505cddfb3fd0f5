"""Precision, recall and F1 against counts by hand and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support

from bench.metrics.det import eer
from bench.metrics.f1 import ARGMAX, decision_at, decision_at_eer, frame_figures
from tests.errors import raises_code

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


@given(frames)
def test_f1_is_symmetric_in_labels_and_decisions(items):
    is_spoof, score = map(np.array, zip(*items, strict=True))
    swapped = frame_figures(score <= 0, np.where(is_spoof, -1.0, 1.0))
    for ours, other in zip(frame_figures(is_spoof, score)[1:], swapped[1:], strict=True):
        assert ours.f1 == pytest.approx(other.f1, nan_ok=True)
        assert ours.precision == pytest.approx(other.recall, nan_ok=True)


def test_refuses_a_score_that_is_not_a_number():
    with raises_code("metric.not-finite"):
        frame_figures([True, False], [0.0, np.nan])


def test_refuses_different_lengths():
    with raises_code("metric.lengths-differ"):
        frame_figures([True, True], [0.0])


def test_is_zero_where_the_class_is_never_hit():
    assert frame_figures([True, False], [1.0, 1.0]).spoof.f1 == 0.0


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
    found = frame_figures(is_spoof, logits[:, 0] - logits[:, 1])
    assert found.spoof.f1 == pytest.approx(f1_score(is_spoof, logits.argmax(axis=1)))


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
