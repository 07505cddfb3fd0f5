"""Precision, recall and F1 against counts by hand and an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_fscore_support

from bench.metrics.f1 import ARGMAX, decide_bonafide, decision_at
from bench.metrics.ratios import decision_ratios
from tests.errors import raises_code

NAMES = ("precision", "recall", "f1")
frames = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1)


def metrics_of(is_spoof, score, threshold=0.0):
    """Precision, recall and F1 of both classes, by name; an utterance for each frame."""
    labels = np.asarray(is_spoof, dtype=np.bool_)
    return decision_ratios(
        labels, ~decide_bonafide(score, threshold), np.arange(len(labels))
    ).values


@given(frames, st.integers(-4, 4))
def test_metrics_of_both_classes_agree_with_scikit_learn(items, threshold):
    is_spoof, score = map(np.array, zip(*items, strict=True))
    found = metrics_of(is_spoof, score, threshold)
    expected = precision_recall_fscore_support(
        is_spoof, score <= threshold, labels=[False, True], zero_division=np.nan
    )
    for k, ending in enumerate(("", "_spoof")):
        for name, values in zip(NAMES, expected, strict=False):
            assert found[f"{name}{ending}"] == pytest.approx(values[k], nan_ok=True)


@given(frames)
def test_f1_is_symmetric_in_labels_and_decisions(items):
    is_spoof, score = map(np.array, zip(*items, strict=True))
    found = metrics_of(is_spoof, score)
    swapped = metrics_of(score <= 0, np.where(is_spoof, -1.0, 1.0))
    for ending in ("", "_spoof"):
        assert found[f"f1{ending}"] == pytest.approx(swapped[f"f1{ending}"], nan_ok=True)
        other = swapped[f"recall{ending}"]
        assert found[f"precision{ending}"] == pytest.approx(other, nan_ok=True)


def test_refuses_a_score_that_is_not_a_number():
    with raises_code("metric.not-finite"):
        decide_bonafide([0.0, np.nan])


def test_is_zero_where_the_class_is_never_hit():
    assert metrics_of([True, False], [1.0, 1.0])["f1_spoof"] == 0.0


def test_what_is_not_defined_is_no_number():
    found = metrics_of([False, False], [1.0, 1.0])
    assert [found[name] for name in NAMES] == [1.0, 1.0, 1.0]
    assert all(np.isnan(found[f"{name}_spoof"]) for name in NAMES)


def test_a_decision_has_its_rule_in_words():
    assert (ARGMAX.rule, ARGMAX.threshold) == ("argmax", 0.0)
    assert decision_at(-0.25).rule == "score > -0.25"


def test_argmax_is_the_larger_logit():
    logits = np.random.default_rng(0).normal(size=(50, 2))
    is_spoof = np.arange(50) % 3 == 0
    found = metrics_of(is_spoof, logits[:, 0] - logits[:, 1])
    assert found["f1_spoof"] == pytest.approx(f1_score(is_spoof, logits.argmax(axis=1)))


def test_trap_23_the_f1_of_one_class_is_not_that_of_the_other():
    """Where most frames are bona fide, as in PartialSpoof, a system that says so of all but a few
    has a high bona fide F1, the one that SAL and BAM print, whatever it is worth on spoofs."""
    is_spoof = np.arange(1000) % 10 == 0
    score = np.where(np.arange(1000) % 50 == 0, -1.0, 1.0)
    found = metrics_of(is_spoof, score)
    assert found["f1"] == pytest.approx(900 * 2 / (900 + 980))
    assert found["f1_spoof"] == pytest.approx(20 * 2 / (100 + 20))


def test_trap_23_one_system_has_another_f1_on_spliced_utterances_alone():
    """SAL judges LlamaPartialSpoof's crossfaded utterances together with real and full ones: with
    one frame in ten wrong in either class, F1 still follows the share of the classes."""
    spliced, with_real = (np.repeat([False, True], sizes) for sizes in ([40, 60], [440, 60]))
    for is_spoof, expected in ((spliced, 2 * 36 / (40 + 42)), (with_real, 2 * 396 / (440 + 402))):
        wrong = np.arange(len(is_spoof)) % 10 == 0
        found = metrics_of(is_spoof, np.where(is_spoof != wrong, -1.0, 1.0))
        assert found["recall"] == found["recall_spoof"] == 0.9
        assert found["f1"] == pytest.approx(expected)
