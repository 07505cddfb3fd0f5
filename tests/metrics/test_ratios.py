"""Figures at a fixed threshold: values against the figures themselves, intervals against resampling
written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import precision_recall_fscore_support

from bench.metrics.exact import binomial_bounds
from bench.metrics.f1 import decide_bonafide
from bench.metrics.plans import make_plan, plan_by_utterance
from bench.metrics.ratios import (
    Ratios,
    decision_ratios,
    group_ratios,
    ratio_intervals,
    replicate_ratios,
)
from bench.metrics.resampling_groups import group_items
from tests.errors import raises_code
from tests.metrics.plain_bootstrap import made, percentiles, plain_draw, plain_replicates


def decided(seed, n_units=25):
    score, _, spoof, unit = made(seed, n_units)
    return spoof > 0, ~decide_bonafide(score), unit, score


@given(st.integers(0, 2**32 - 1))
def test_values_are_those_of_the_frames(seed):
    is_spoof, decided_spoof, unit, _ = decided(seed)
    expected = precision_recall_fscore_support(
        is_spoof, decided_spoof, labels=[False, True], zero_division=np.nan
    )
    found = decision_ratios(is_spoof, decided_spoof, unit).values
    for k, ending in enumerate(("", "_spoof")):
        for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
            assert found[f"{name}{ending}"] == pytest.approx(values[k], nan_ok=True)


def percentile_bounds(ratios, by=None, replicates=1000, seed=0):
    """The percentile intervals alone: what `ratio_intervals` widens where errors are few."""
    met = group_items(by or plan_by_utterance(ratios.unit), [ratios.unit])
    values = replicate_ratios([ratios], met, replicates, seed)[0]
    return dict(zip(ratios.names, map(percentiles, values.T), strict=True))


def test_f1_intervals_are_those_of_written_out_replicates():
    is_spoof, decided_spoof, unit, score = decided(2)
    found = percentile_bounds(decision_ratios(is_spoof, decided_spoof, unit), None, 60, 5)
    for name in ("f1", "f1_spoof"):

        def figure(scores, _, spoof, of=name):
            labels, frame = spoof > 0, np.arange(len(spoof))
            return decision_ratios(labels, ~decide_bonafide(scores), frame).values[of]

        values = plain_replicates(score, 1.0 - is_spoof, 1.0 * is_spoof, unit, 60, 5, figure)
        assert found[name] == pytest.approx(percentiles(values), abs=1e-12)


def test_error_rates_by_group_are_resampled_by_utterance_or_speaker():
    is_spoof, decided_spoof, unit, _ = decided(3)
    wrong = is_spoof != decided_spoof
    ratios = group_ratios(["bonafide", "spoof"], 1 * is_spoof, wrong, unit)
    assert ratios.values["spoof"] == wrong[is_spoof].mean()
    speaker = np.arange(25) // 5
    for by, level in ((None, unit), (make_plan("speaker", range(25), speaker), speaker[unit])):
        found = percentile_bounds(ratios, by, 40, 1)
        values = []
        for number in range(40):
            drawn = plain_draw(np.random.default_rng([1, number]), sorted({*level}))
            items = np.concatenate([np.flatnonzero(level == name) for name in drawn])
            values.append(wrong[items][is_spoof[items]].mean())
        assert found["spoof"] == pytest.approx(percentiles(values), abs=1e-12)


def test_draws_without_the_figure_are_left_out_and_counted():
    ratios = Ratios(("rate",), np.arange(2), np.array([[1.0], [0]]), np.array([[2.0], [0]]))
    found = ratio_intervals(ratios, None, 400)["rate"]
    assert (found.low, found.high) == (binomial_bounds(0.5, 1).low, binomial_bounds(0.5, 1).high)
    assert 70 < found.redrawn < 130
    nothing = ratios._replace(whole=ratios.part * 0)
    assert np.isnan(nothing.values["rate"])
    with raises_code("metric.no-interval"):
        ratio_intervals(nothing)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 4), st.integers(0, 4))
def test_few_wrong_decisions_leave_as_much_open_as_exact_bounds_do(n, missed, accepted):
    """No error at all is the case that resampling takes for certain."""
    n += 10
    is_spoof = np.repeat([False, True], n)
    wrong = np.zeros(2 * n, dtype=bool)
    wrong[:missed] = wrong[n : n + accepted] = True
    ratios = decision_ratios(is_spoof, is_spoof ^ wrong, np.arange(2 * n))
    for name, found in ratio_intervals(ratios, None, 20).items():
        assert found.few
        assert found[3:7] == (missed, accepted, n, n)
        assert found.low <= ratios.values[name] <= found.high
        assert found.low < 1
        errors = missed if name == "recall" else accepted
        if name in ("recall", "recall_spoof"):
            exact = stats.binomtest(n - errors, n).proportion_ci(method="exact")
            assert found.low <= exact.low + 1e-9
            assert found.high >= exact.high - 1e-9


def test_many_wrong_decisions_leave_the_percentiles():
    rng = np.random.default_rng(0)
    is_spoof = np.repeat([False, True], 500)
    ratios = decision_ratios(is_spoof, is_spoof ^ (rng.random(1000) < 0.1), np.arange(1000))
    expected = percentile_bounds(ratios, None, 100, 2)
    for name, found in ratio_intervals(ratios, None, 100, 2).items():
        assert not found.few
        assert found[:2] == pytest.approx(expected[name], abs=1e-12)
    assert ratio_intervals(ratios) == ratio_intervals(ratios, None, 1000, 0)


def test_errors_within_one_utterance_are_few_however_many_frames_they_are():
    unit = np.repeat(np.arange(100), 50)
    wrong = (unit == 3).astype(bool)
    found = ratio_intervals(group_ratios(["all"], 0 * unit, wrong, unit), None, 50)["all"]
    assert found.few
    exact = stats.binomtest(1, 100).proportion_ci(method="exact")
    assert found.low <= exact.low
    assert found.high == pytest.approx(exact.high, rel=1e-6)
    scattered = np.arange(5000) % 50 == 3
    assert not ratio_intervals(group_ratios(["all"], 0 * unit, scattered, unit))["all"].few
