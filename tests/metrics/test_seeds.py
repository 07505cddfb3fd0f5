"""Figures over seeds, against scipy."""

from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.metrics.seeds import summarise_seeds
from tests.errors import raises_code

VALUES = st.lists(st.floats(0, 1), min_size=2, max_size=12)


@given(VALUES)
def test_all_is_as_elsewhere(values):
    found = summarise_seeds(values)
    assert found.mean == pytest.approx(statistics.mean(values))
    assert found.spread == pytest.approx(statistics.stdev(values), abs=1e-12)
    assert (found.lowest, found.highest) == (min(values), max(values))
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    expected = found.mean - half, found.mean + half
    assert found.interval[:2] == pytest.approx(expected, abs=1e-9)


@given(VALUES)
def test_one_more_seed_is_predicted_from_three_on(values):
    found = summarise_seeds(values)
    if len(values) < 3:
        assert found.prediction is None
        assert found.predicts_published(found.mean) is None
        return
    scale = statistics.stdev(values) * (1 + 1 / len(values)) ** 0.5
    expected = (
        stats.t.interval(0.95, len(values) - 1, found.mean, scale)
        if scale
        else (
            found.mean,
            found.mean,
        )
    )
    assert found.prediction[:2] == pytest.approx(expected, abs=1e-9)
    assert found.prediction.low <= found.interval.low <= found.interval.high
    assert found.predicts_published(found.prediction.high + 0.01, rounding=0.0101)
    assert not found.predicts_published(found.prediction.high + 0.01, rounding=0.0099)
    assert not found.predicts_published(found.prediction.low - 0.01, rounding=0.0099)


@given(VALUES, st.floats(0, 1))
def test_mirrored_values_are_judged_alike(values, published):
    found, mirrored = summarise_seeds(values), summarise_seeds([-value for value in values])
    assert mirrored.predicts_published(-published, 1e-9) or not found.predicts_published(published)


def test_one_seed_tells_no_spread():
    found = summarise_seeds([0.03])
    assert (found.seeds, found.mean, found.lowest, found.highest) == (1, 0.03, 0.03, 0.03)
    assert found.spread is None
    assert found.interval is None
    assert found.predicts_published(0.03) is None


def test_seeds_that_agree_have_no_spread_and_hold_their_figure_alone():
    found = summarise_seeds([0.25, 0.25, 0.25])
    assert found.spread == 0
    assert found.interval[:2] == (0.25, 0.25)
    assert found.predicts_published(0.25)
    assert not found.predicts_published(0.26)


def test_a_printed_value_may_be_any_that_prints_so():
    found = summarise_seeds([0.0331, 0.0331, 0.0331])
    assert not found.predicts_published(0.033)
    assert found.predicts_published(0.033, rounding=0.0005)


def covers(values, true_mean):
    """Whether the interval of the mean holds it."""
    interval = summarise_seeds(values.tolist()).interval
    return interval.low <= true_mean <= interval.high


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = np.mean([covers(rng.normal(size=3), 0.0) for _ in range(400)])
    assert 0.92 < covered < 0.98


@pytest.mark.parametrize("n", [3, 5])
def test_one_more_seed_lies_in_the_prediction_as_often_as_it_says(n):
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(1000, n + 1))
    hit = np.mean(
        [summarise_seeds(values[:n].tolist()).predicts_published(values[n]) for values in drawn]
    )
    assert 0.93 < hit < 0.97
    within = np.mean([covers(values[:n], values[n]) for values in drawn])
    assert within < 0.87  # the interval of the mean is not that of one more


def test_refuses_what_is_no_figure():
    with raises_code("metric.no-value"):
        summarise_seeds([])
    with raises_code("metric.not-finite"):
        summarise_seeds([0.1, float("nan")])
