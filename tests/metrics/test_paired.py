"""Differences of two systems on the same resamples, their p-values, and several at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest, t

from bench.errors import BenchError
from bench.metrics.auc import auc
from bench.metrics.det import equal_error_rate
from bench.metrics.items import Items, items_eer
from bench.metrics.paired import compare_items, compare_ratios, correct_holm
from bench.metrics.plans import make_plan
from bench.metrics.ratios import decision_ratios
from tests.errors import raises_code
from tests.metrics.plain_bootstrap import made, plain_eer, plain_replicates

EER = {"eer": equal_error_rate}


def two(seed, n=200, better=0.0, shared=1.0):
    """Two systems on the same trials; half of their noise is shared."""
    rng = np.random.default_rng(seed)
    spoof = (rng.random(n) < 0.5).astype(float)
    hard = shared * rng.normal(size=n)
    scores = [hard + rng.normal(size=n) - (2 + more) * spoof for more in (better, 0)]
    return [Items(score, 1 - spoof, spoof, np.arange(n)) for score in scores]


@pytest.mark.parametrize("n_units", [12, 60])
def test_differences_are_those_of_written_out_replicates(n_units):
    """The second system's frames are half as long, and in another order."""
    coarse = Items(*made(1, n_units))
    rng = np.random.default_rng(0)
    order = rng.permutation(2 * len(coarse.unit))
    fine = Items(*(np.repeat(of, 2)[order] for of in coarse))
    fine = fine._replace(score=fine.score + rng.normal(size=len(order)))
    expected = plain_replicates(*coarse, 40, 3) - plain_replicates(*fine, 40, 3)
    found = compare_items(coarse, fine, EER, None, 40, 3)["eer"]
    error = expected.std(ddof=1)
    assert found.value == pytest.approx(plain_eer(*coarse[:3]) - plain_eer(*fine[:3]), abs=1e-12)
    p_value = 2 * t(39).sf(abs(found.value) / error)
    assert found.p_value >= p_value - 1e-12
    half = t(39).ppf(0.975) * error
    assert found.low <= found.value - half + 1e-12
    assert found.high >= found.value + half - 1e-12
    # A figure that no errors are counted of has no other share.
    plainly = {"rate": lambda counts: equal_error_rate(counts)}
    alone = compare_items(coarse, fine, plainly, None, 40, 3)["rate"]
    assert alone.p_value == pytest.approx(p_value)
    assert (alone.low, alone.high) == pytest.approx((found.value - half, found.value + half))


def test_speakers_are_drawn_for_both():
    a, b = two(4, 120)
    speaker = np.arange(120) % 11
    expected = [plain_replicates(*of[:3], speaker, 50, 2) for of in (a, b)]
    found = compare_items(a, b, EER, make_plan("speaker", a.unit, speaker), 50, 2)["eer"]
    half = t(49).ppf(0.975) * (expected[0] - expected[1]).std(ddof=1)
    assert found.low <= found.value - half + 1e-12 <= found.value + half - 1e-12 <= found.high


@pytest.mark.rows
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_swapping_the_systems_turns_the_sign_and_nothing_else(seed, fixed):
    a, b = two(seed, 30)
    if fixed:
        first, second = (decision_ratios(of.spoof > 0, of.score < -1, of.unit) for of in (a, b))
        there, back = (
            compare_ratios(*pair, None, 30) for pair in ((first, second), (second, first))
        )
    else:
        there, back = (
            compare_items(*pair, {**EER, "auc": auc}, None, 30) for pair in ((a, b), (b, a))
        )
    for name, (value, low, high, p, *_) in there.items():
        assert back[name][:4] == pytest.approx((-value, -high, -low, p), abs=1e-12)


def test_a_system_does_not_differ_from_itself_on_another_scale():
    a, _ = two(1)
    found = compare_items(a, a._replace(score=3 * a.score + 1), EER, None, 99)["eer"]
    assert (found.value, found.p_value) == (0, 1)


@pytest.mark.rows
def test_p_values_are_uniform_where_there_is_no_difference():
    p_values = [
        compare_items(*two(seed, 150), {"auc": lambda counts: auc(counts)}, None, 99)["auc"].p_value
        for seed in range(150)
    ]
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert 0.01 < np.mean(np.array(p_values) <= 0.05) < 0.11


def test_a_real_difference_is_found_and_pairing_is_why():
    a, b = two(5, 600, better=1.2, shared=3.0)
    found = compare_items(a, b, EER, None, 199)["eer"]
    assert found.value == items_eer(a).eer - items_eer(b).eer < 0
    assert found.high < 0
    assert found.p_value < 1e-3
    # The same systems as if on other trials: the scores of each class of one, shuffled.
    rng = np.random.default_rng(0)
    order = np.concatenate([np.flatnonzero(b.spoof == of) for of in (0, 1)])
    place = np.concatenate([rng.permutation(np.flatnonzero(b.spoof == of)) for of in (0, 1)])
    score = b.score.copy()
    score[place] = b.score[order]
    apart = compare_items(a, b._replace(score=score), EER, None, 199)["eer"]
    assert apart.value == found.value
    assert apart.high - apart.low > 1.5 * (found.high - found.low)


@pytest.mark.rows
def test_the_p_value_agrees_with_the_interval():
    for seed in range(40):
        _, low, high, p, *_ = compare_items(*two(seed, 80, better=0.5), EER, None, 399)["eer"]
        if p > 0.05:
            assert low <= 0 <= high


def test_frames_at_a_threshold():
    score, _, spoof, unit = made(7, 60)
    first = decision_ratios(spoof > 0, score < 0, unit)
    worse = decision_ratios(spoof > 0, score < -1.5, unit)
    found = compare_ratios(first, worse, None, 199)
    assert found["recall_spoof"].low > 0
    assert found["recall_spoof"].p_value < 0.05
    assert found["recall"].high < 0
    assert found["f1"].value == pytest.approx(first.values["f1"] - worse.values["f1"])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_is_the_step_down_rule(p_values):
    """A hypothesis falls at a level if it and all smaller ones pass their share of it."""
    corrected = correct_holm(p_values)
    ranked = sorted(p_values)
    for p, found in zip(p_values, corrected, strict=True):
        shares = [(len(ranked) - i) * q for i, q in enumerate(ranked) if q <= p]
        assert found == min(1.0, max(shares))


def test_refuses_what_is_no_pair():
    a, b = two(0, 20)
    with pytest.raises(
        BenchError, match="0 are only in the first, 1 only in the second, such as 7"
    ):
        compare_items(Items(*(of[b.unit != 7] for of in a)), b, EER)
    with pytest.raises(BenchError, match=r"utterance 3 is spoof for one system .* \(1 such\)"):
        compare_items(a, b._replace(spoof=np.where(b.unit == 3, 1 - b.spoof, b.spoof)), EER)
    rates = decision_ratios(a.spoof > 0, a.score < 0, a.unit)
    with raises_code("metric.trials-differ"):
        compare_ratios(rates, rates._replace(names=rates.names[::-1]))
    with raises_code("metric.probability"):
        correct_holm([0.1, 1.5])
