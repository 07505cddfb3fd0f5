"""Detection costs against every threshold tried, closed forms, and their invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.dcf import DcfCosts, actual_dcf, bayes_threshold, min_cost, minimum_dcf
from bench.metrics.tally import count_scores
from tests.errors import raises_code

from .plain_detection import few_values, one_by_one, positive, rates, reweighed

costs = st.builds(DcfCosts, st.floats(0.01, 0.99), positive, positive)


def normalised(points, c):
    """The least cost of some (miss, false alarm) rates, as the evaluation plan has it."""
    miss, false_alarm = c.miss * (1 - c.spoof_prior), c.false_alarm * c.spoof_prior
    return min(miss * m + false_alarm * f for m, f in points) / min(miss, false_alarm)


@given(few_values, few_values, costs)
def test_minimum_is_the_least_over_all_thresholds(bonafide, spoof, c):
    found = minimum_dcf(count_scores(bonafide, spoof), c)
    assert found.cost == pytest.approx(normalised(rates(bonafide, spoof), c), abs=1e-12)
    missed = np.mean(np.array(bonafide) <= found.threshold)
    accepted = np.mean(np.array(spoof) > found.threshold)
    assert found.cost == pytest.approx(normalised([(missed, accepted)], c), abs=1e-12)


@given(few_values, few_values, costs)
def test_stepping_through_ties_as_the_organisers_do_gives_the_same(bonafide, spoof, c):
    expected = normalised(one_by_one(bonafide, spoof), c)
    assert minimum_dcf(count_scores(bonafide, spoof), c).cost == pytest.approx(expected, abs=1e-12)


@given(few_values, few_values, costs)
def test_actual_cost_counts_errors_at_the_bayes_threshold(bonafide, spoof, c):
    miss, false_alarm = c.miss * (1 - c.spoof_prior), c.false_alarm * c.spoof_prior
    at = -math.log(miss / false_alarm)
    missed = sum(s < at for s in bonafide) / len(bonafide)
    accepted = sum(s >= at for s in spoof) / len(spoof)
    expected = (miss * missed + false_alarm * accepted) / min(miss, false_alarm)
    counts = count_scores(bonafide, spoof)
    assert actual_dcf(counts, c).cost == pytest.approx(expected, abs=1e-12)
    assert actual_dcf(counts, c).cost >= minimum_dcf(counts, c).cost - 1e-12


def test_asvspoof_5s_threshold_and_what_deciding_nothing_costs():
    assert bayes_threshold() == -math.log(1.9)
    at = bayes_threshold()
    # With these costs accepting all costs 0.5 / 0.5, rejecting all 0.95 / 0.5.
    assert actual_dcf(count_scores([5.0], [5.0])).cost == 1.0
    assert actual_dcf(count_scores([-5.0], [-5.0])).cost == pytest.approx(1.9)
    assert actual_dcf(count_scores([5.0], [-5.0])).cost == 0.0
    assert actual_dcf(count_scores([-5.0], [5.0])).cost == pytest.approx(2.9)
    # A trial right at the threshold is accepted.
    assert actual_dcf(count_scores([at], [-5.0])).cost == 0.0
    assert actual_dcf(count_scores([np.nextafter(at, -9)], [-5.0])).cost == pytest.approx(1.9)
    assert actual_dcf(count_scores([5.0], [at, -5.0])).cost == 0.5
    assert minimum_dcf(count_scores([-5.0], [5.0])).cost == 1.0
    assert minimum_dcf(count_scores([5.0], [-5.0])) == (0.0, -5.0)


@given(few_values, few_values)
def test_only_the_order_of_scores_matters_to_the_minimum(bonafide, spoof):
    mapped = minimum_dcf(count_scores(np.exp(np.array(bonafide) / 2), np.exp(np.array(spoof) / 2)))
    assert mapped.cost == minimum_dcf(count_scores(bonafide, spoof)).cost


@given(few_values, few_values, positive, positive)
def test_mirrored_classes_and_costs_give_the_same_minimum(bonafide, spoof, miss, false_alarm):
    mirrored = count_scores([-s for s in spoof], [-s for s in bonafide])
    expected = min_cost(count_scores(bonafide, spoof), miss, false_alarm).cost
    assert min_cost(mirrored, false_alarm, miss).cost == pytest.approx(expected, abs=1e-12)


@given(few_values, few_values, st.integers(1, 5), st.floats(0.1, 7))
def test_only_the_weights_within_a_class_matter(bonafide, spoof, times, factor):
    counts = count_scores(bonafide, spoof)
    more = reweighed(counts, times, factor)
    assert minimum_dcf(more).cost == pytest.approx(minimum_dcf(counts).cost, abs=1e-12)
    assert actual_dcf(more).cost == pytest.approx(actual_dcf(counts).cost, abs=1e-12)


def test_leaves_the_tally_as_it_was():
    counts = count_scores([1.0, 2.0], [0.0, 1.5])
    before = [column.copy() for column in counts]
    minimum_dcf(counts)
    assert all((a == b).all() for a, b in zip(before, counts, strict=True))


def test_refuses_costs_that_are_none_and_classes_that_are_not_there(subtests):
    wrong_costs = [
        {"spoof_prior": 0.0},
        {"spoof_prior": 1.0},
        {"miss": 0.0},
        {"false_alarm": -1.0},
    ]
    for wrong in wrong_costs:
        for figure in [minimum_dcf, actual_dcf]:
            with subtests.test(wrong=wrong, figure=figure):
                with raises_code("metric.costs"):
                    figure(count_scores([1.0], [0.0]), DcfCosts(**wrong))
                with raises_code("metric.one-class"):
                    figure(reweighed(count_scores([1.0], [0.0]), 0, 1))
