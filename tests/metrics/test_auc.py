"""The area under the ROC against pairs counted one by one, scikit-learn, and its invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from bench.metrics.auc import auc
from bench.metrics.tally import count_scores
from tests.errors import raises_code

from .plain_detection import few_values, reweighed


@given(few_values, few_values)
def test_is_the_share_of_pairs_in_order(bonafide, spoof):
    points = [(b > s) + (b == s) / 2 for b in bonafide for s in spoof]
    assert auc(count_scores(bonafide, spoof)) == pytest.approx(sum(points) / len(points), abs=1e-12)


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    bonafide, spoof = rng.normal(1, 1, 500).round(1), rng.normal(0, 1, 3000).round(1)
    truth = np.repeat([1, 0], [500, 3000])
    expected = roc_auc_score(truth, np.concatenate([bonafide, spoof]))
    assert auc(count_scores(bonafide, spoof)) == pytest.approx(expected, abs=1e-12)


@given(few_values, few_values)
def test_only_the_order_of_scores_matters(bonafide, spoof):
    mapped = auc(count_scores(np.exp(np.array(bonafide) / 2), np.exp(np.array(spoof) / 2)))
    assert mapped == auc(count_scores(bonafide, spoof))


@given(few_values, few_values)
def test_turning_scores_or_classes_round_turns_it_round(bonafide, spoof):
    area = auc(count_scores(bonafide, spoof))
    negated = [-s for s in bonafide], [-s for s in spoof]
    assert auc(count_scores(*negated)) == pytest.approx(1 - area, abs=1e-12)
    assert auc(count_scores(spoof, bonafide)) == pytest.approx(1 - area, abs=1e-12)
    assert auc(count_scores(*reversed(negated))) == pytest.approx(area, abs=1e-12)


@given(few_values, few_values, st.integers(1, 5), st.floats(0.1, 7))
def test_only_the_weights_within_a_class_matter(bonafide, spoof, times, factor):
    counts = count_scores(bonafide, spoof)
    assert auc(reweighed(counts, times, factor)) == pytest.approx(auc(counts), abs=1e-12)


def test_classes_apart_and_constant_scores():
    assert auc(count_scores([2.0, 3.0], [0.0, 1.0])) == 1.0
    assert auc(count_scores([0.0, 1.0], [2.0, 3.0])) == 0.0
    assert auc(count_scores([7.0] * 5, [7.0] * 3)) == 0.5


def test_is_not_defined_without_a_class():
    with raises_code("metric.one-class"):
        auc(reweighed(count_scores([1.0], [0.0]), 1, 0))
