"""Two systems over trials and seeds: against textbook tests where one of the two does not vary."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from bench.metrics.between import SeededResult, compare_systems
from tests.errors import raises_code

RNG = np.random.default_rng(7)


def steady(values, replicates=50):
    """A system whose trials do not vary."""
    values = np.array(values, float)
    return SeededResult(values, np.repeat(values[:, None], replicates, axis=1))


FIGURES = st.lists(st.floats(0, 50), min_size=2, max_size=6)


@given(FIGURES, FIGURES)
def test_without_trials_it_is_welchs_test(one, other):
    assume(min(np.var(one), np.var(other)) > 1e-6)  # scipy warns of others
    found = compare_systems(steady(one), steady(other))
    known = stats.ttest_ind(one, other, equal_var=False)
    assert found.value == pytest.approx(np.mean(one) - np.mean(other))
    assert found.p_value == pytest.approx(known.pvalue, abs=1e-9)
    low, high = known.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.over_seeds


def test_with_one_seed_it_is_the_paired_bootstrap_of_the_trials():
    shared, own = RNG.normal(size=4000), RNG.normal(size=(2, 4000)) / 10
    one = SeededResult(np.array([5.0]), (5 + shared + own[0])[None])
    other = SeededResult(np.array([4.8]), (4.8 + shared + own[1])[None])
    found = compare_systems(one, other)
    assert found.value == pytest.approx(0.2)
    # What both share cancels: a standard error of sqrt(2) / 10, not of sqrt(2).
    assert found.high - found.low == pytest.approx(2 * 1.96 * np.sqrt(2) / 10, rel=0.05)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(0.2 / (np.sqrt(2) / 10)), abs=0.03)
    assert not found.over_seeds


@given(FIGURES, st.floats(0, 50))
def test_one_seed_is_taken_to_vary_as_the_others_do(several, alone):
    """Student's t of one observation against a sample."""
    assume(np.var(several) > 1e-6)
    found = compare_systems(steady(several), steady([alone]))
    spread = np.std(several, ddof=1) * np.sqrt(1 + 1 / len(several))
    score = abs(np.mean(several) - alone) / spread
    assert found.p_value == pytest.approx(2 * stats.t.sf(score, len(several) - 1), abs=1e-9)
    assert found.over_seeds
    back = compare_systems(steady([alone]), steady(several))
    assert (back.p_value, back.value) == pytest.approx((found.p_value, -found.value))


@given(FIGURES, FIGURES)
def test_turned_round_it_is_the_same_with_the_other_sign(one, other):
    there, back = (
        compare_systems(steady(one), steady(other)),
        compare_systems(steady(other), steady(one)),
    )
    assert there.value == pytest.approx(-back.value)
    assert there.p_value == pytest.approx(back.p_value)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))


def test_equal_systems_are_no_different_and_steady_ones_are_no_miracle():
    assert compare_systems(steady([3.0]), steady([3.0])).p_value == 1
    assert compare_systems(steady([3.0], 99), steady([2.0], 99)).p_value == 2 / 100


def test_two_systems_that_are_alike_are_rarely_told_apart():
    """Seeds and trials vary as much as each other: at most about 5 % of 600 pairs."""
    rng = np.random.default_rng(1)
    wrong = 0
    for _ in range(600):
        trials = rng.normal(size=2)
        system = [
            SeededResult(values, values[:, None] + rng.normal(size=(1, 200)))
            for values in trials[:, None] + rng.normal(size=(2, 3))
        ]
        wrong += compare_systems(system[0], system[1]).p_value <= 0.05
    assert wrong / 600 <= 0.06


def test_undefined_replicates_are_left_out_and_none_is_an_error():
    one, other = steady([3.0], 4), steady([2.0], 4)
    one.replicates[0, :2] = np.nan
    assert compare_systems(one, other).p_value == 2 / 3
    one.replicates[0, 2] = np.nan
    with raises_code("metric.no-interval"):
        compare_systems(one, other)
    with raises_code("metric.trials-differ"):
        compare_systems(steady([1.0], 3), other)
