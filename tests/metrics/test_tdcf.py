"""The t-DCF against the evaluation plans' equations step by step, official digits, and its
invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.tally import count_scores
from bench.metrics.tdcf import (
    AsvErrors,
    Coefficients,
    TdcfCosts,
    asv_errors,
    coefficients_2019,
    coefficients_2021,
    minimum_tdcf,
)
from tests.errors import raises_code

from .plain_detection import aasist, few_values, one_by_one, rates, reweighed

fraction = st.floats(0, 1)
errors = st.builds(AsvErrors, fraction, fraction, st.floats(0.01, 1), fraction, fraction)
coefficients = st.builds(
    Coefficients, st.floats(0, 0.3), st.floats(0.01, 0.95), st.floats(0.01, 0.5)
)


def plain_2019(points, asv):
    """Evaluation plan of 2019: each term as it stands there."""
    p_target, p_nontarget, p_spoof = 0.9405, 0.0095, 0.05
    spoof_miss = 1 - asv.spoof_false_alarm
    c1 = p_target * (1 - 1 * asv.miss) - p_nontarget * 10 * asv.false_alarm
    c2 = 10 * p_spoof * (1 - spoof_miss)
    return min((c1 * m + c2 * f) / min(c1, c2) for m, f in points)


def plain_2021(points, asv):
    """Evaluation plan of 2021: the tandem system's three kinds of error."""
    p_target, p_nontarget, p_spoof = 0.9405, 0.0095, 0.05
    asv_cost = p_target * 1 * asv.miss + p_nontarget * 10 * asv.false_alarm
    tandem = [
        asv_cost  # what passes the detector: all that the ASV system does wrong ...
        + (p_target * 1 - asv_cost) * m  # ... and bona fide trials that do not pass it
        + p_spoof * 10 * f * asv.spoof_false_alarm
        for m, f in points
    ]
    reject_all = p_target * 1
    accept_all = asv_cost + p_spoof * 10 * asv.spoof_false_alarm
    return min(tandem) / min(reject_all, accept_all)


@pytest.mark.rows
@given(few_values, few_values, errors)
def test_both_forms_are_those_of_the_evaluation_plans(bonafide, spoof, asv):
    counts = count_scores(bonafide, spoof)
    legacy, revised = coefficients_2019(asv), coefficients_2021(asv)
    assume(revised.c1 > 0.01)
    for points in (rates(bonafide, spoof), one_by_one(bonafide, spoof)):
        assert minimum_tdcf(counts, legacy).cost == pytest.approx(plain_2019(points, asv), abs=1e-9)
        assert minimum_tdcf(counts, revised).cost == pytest.approx(
            plain_2021(points, asv), abs=1e-9
        )


@given(few_values, few_values, coefficients)
def test_the_threshold_reaches_the_cost(bonafide, spoof, c):
    cost, threshold = minimum_tdcf(count_scores(bonafide, spoof), c)
    missed = np.mean(np.array(bonafide) <= threshold)
    accepted = np.mean(np.array(spoof) > threshold)
    reached = (c.c0 + c.c1 * missed + c.c2 * accepted) / (c.c0 + min(c.c1, c.c2))
    assert cost == pytest.approx(reached, abs=1e-12)
    assert c.c0 / (c.c0 + min(c.c1, c.c2)) - 1e-12 <= cost <= 1 + 1e-12


@given(few_values, few_values, coefficients, st.integers(1, 5), st.floats(0.1, 7))
def test_invariants(bonafide, spoof, c, times, factor):
    counts = count_scores(bonafide, spoof)
    cost = minimum_tdcf(counts, c).cost
    mapped = count_scores(np.exp(np.array(bonafide) / 2), np.exp(np.array(spoof) / 2))
    assert minimum_tdcf(mapped, c).cost == cost
    mirrored = count_scores([-s for s in spoof], [-s for s in bonafide])
    swapped = Coefficients(c.c0, c.c2, c.c1)
    assert minimum_tdcf(mirrored, swapped).cost == pytest.approx(cost, abs=1e-12)
    assert minimum_tdcf(reweighed(counts, times, factor), c).cost == pytest.approx(cost, abs=1e-12)


def test_asv_errors_are_those_at_the_trial_where_its_rates_are_closest():
    # Rates are closest (both 1/4) at 1.0, and the target with that score is accepted all the same.
    found = asv_errors([1.0, 2.0, 3.0, 4.0], [0.0, 0.5, 1.5, -1.0], [1.0, 0.9, 1.1, 7.0])
    assert (found.threshold, found.eer) == (1.0, 0.25)
    assert (found.miss, found.false_alarm, found.spoof_false_alarm) == (0.0, 0.25, 0.75)


def test_costs_are_arguments():
    asv = AsvErrors(0.1, 0.2, 0.5, 0.1, 0.0)
    found = coefficients_2021(asv, TdcfCosts(0.5, 0.3, 0.2, 2.0, 3.0, 4.0))
    assert found == pytest.approx((0.5 * 2 * 0.1 + 0.3 * 3 * 0.2, 1 - 0.28, 0.2 * 4 * 0.5))


def test_refuses_coefficients_of_which_no_cost_can_be_made(subtests):
    cases = [
        (0.0, -0.1, 0.4),
        (0.0, 0.9, -0.1),
        (-0.1, 0.9, 0.4),
        (0.0, 0.9, 0.0),
        (float("nan"), 0.9, 0.4),
        (0.0, float("inf"), 0.4),
    ]
    for number, wrong in enumerate(cases):
        with subtests.test(number=number), raises_code("metric.tdcf-undefined"):
            minimum_tdcf(count_scores([1.0], [0.0]), Coefficients(*wrong))


def test_refuses_an_asv_system_that_costs_more_than_it_can_save():
    worse_than_none = asv_errors(np.arange(1000), [5000.0, 6000.0], [1.0])
    with pytest.raises(BenchError, match=r"C1 = -0\.094"):
        minimum_tdcf(count_scores([1.0], [0.0]), coefficients_2019(worse_than_none))


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (([], [1.0], [1.0]), "no ASV target trial"),
        (([1.0], [1.0, np.nan], [1.0]), "ASV nontarget score 1 is nan"),
        (([1.0], [1.0], []), "no ASV spoof trial"),
    ],
)
def test_refuses_what_has_no_errors(kinds, message):
    with pytest.raises(BenchError, match=message):
        asv_errors(*kinds)


@pytest.mark.rows
def test_aasist_l_on_asvspoof_2019_la_as_the_organisers_compute_it(official):
    # Read here by other means than bench.data.asv, which is above this package.
    path = official / "asvspoof2019_la/asv_scores"
    path /= "ASVspoof2019.LA.asv.eval.gi.trl.scores.txt"
    rows = [line.split() for line in path.read_text().splitlines()]
    asv = asv_errors(
        *([float(s) for _, k, s in rows if k == kind] for kind in ("target", "nontarget", "spoof"))
    )
    assert 100 * asv.eer == pytest.approx(2.458, abs=5e-4)
    table = aasist(official)
    counts = count_scores(table["score"][~table["is_spoof"]], table["score"][table["is_spoof"]])
    assert round(minimum_tdcf(counts, coefficients_2019(asv)).cost, 9) == 0.030805977
    assert round(minimum_tdcf(counts, coefficients_2021(asv)).cost, 4) == 0.0916
