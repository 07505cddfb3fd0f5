"""Where few errors tell two systems apart: counts, signs, clusters, seeds, and honest p-values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, norm

from bench.metrics.auc import auc
from bench.metrics.between import SeededResult, compare_systems
from bench.metrics.cllr import cllr
from bench.metrics.det import equal_error_rate
from bench.metrics.exact import BoundedItems
from bench.metrics.items import Items
from bench.metrics.measure import Ordered
from bench.metrics.mistakes import (
    Mistakes,
    compare_mistakes,
    find_mistakes,
    join_mistakes,
    ratio_mistakes,
    sign_test,
)
from bench.metrics.paired import compare_items, compare_ratios
from bench.metrics.plans import make_plan, plan_by_utterance
from bench.metrics.ratios import decision_ratios

EER = {"eer": equal_error_rate}


def separate(n=(400, 300), missed=0, accepted=0):
    """Trials of which so many of each class, the last ones, are on the wrong side."""
    spoof = np.repeat([0.0, 1.0], n)
    score = np.where(spoof > 0, -1.0, 1.0) + np.linspace(0, 0.1, len(spoof))
    score[n[0] - missed : n[0]] -= 2
    score[len(spoof) - accepted :] += 2
    return Items(score, 1 - spoof, spoof, np.arange(len(spoof)))


def wrong(*units, of=2, levels=None):
    at = np.array(units, dtype=np.int64)
    return Mistakes(at, np.ones((of, len(at))), np.array([at if levels is None else levels]), 0, 1)


def test_signs_are_the_binomial_test(subtests):
    for n in [1, 5, 9, 12, 20]:
        with subtests.test(n=n):
            for lost in range(n // 2 + 1):
                more = np.repeat([1.0, -1.0], [n - lost, lost])
                assert sign_test(more) == pytest.approx(binomtest(lost, n).pvalue, abs=0.02)


def test_no_error_against_none_and_against_one():
    """A bootstrap says that both are certain: intervals of no width, a p-value of 2 / 1001."""
    nothing = compare_items(separate(), separate(), EER, None, 99)["eer"]
    assert (nothing.value, nothing.p_value, nothing.few) == (0, 1, True)
    assert nothing.low < -0.005 < 0.005 < nothing.high
    one = compare_items(separate(missed=1, accepted=1), separate(), EER, None, 99)["eer"]
    assert one.value > 0
    assert one.few
    assert one.p_value == 1
    assert one.low < 0 < one.high
    six = compare_items(separate(missed=6, accepted=6), separate(), EER, None, 99)["eer"]
    assert not six.few
    assert six.p_value == pytest.approx(2 / 64)
    many = compare_items(separate(missed=40, accepted=30), separate(), EER, None, 99)["eer"]
    assert many.p_value < 1e-4
    assert many.low > 0


def test_errors_that_both_have_narrow_a_difference_but_never_to_nothing():
    """A hundred errors of each class, all shared: four more of one alone were never seen."""
    items = separate((4000, 4000), missed=100, accepted=100)
    found = compare_items(items, items, EER, None, 99)["eer"]
    assert found.p_value == 1
    assert not found.few
    assert 2 / 4000 < found.high < 6 / 4000
    assert found.low == pytest.approx(-found.high, rel=0.3)
    other = separate((4000, 4000), missed=100, accepted=100)
    other.score[:] = other.score[np.r_[100:4000, :100, 4000:8000]]
    apart_by = compare_items(items, other, EER, None, 99)["eer"]
    assert apart_by.high - apart_by.low > 3 * (found.high - found.low)


def test_one_hard_spoof_is_no_hundred_errors():
    """With few spoofs, a threshold that lets none pass costs many bona fide trials."""
    one, other = separate((4000, 20)), separate((4000, 20))
    other.score[-1] = 1.02
    found = compare_items(other, one, EER, None, 99)["eer"]
    assert found.value > 0.02
    assert found.few
    assert found.p_value == 1


def test_errors_of_one_speaker_are_one():
    apart_by = [compare_mistakes([wrong(*range(12))], [wrong()])]
    apart_by.append(compare_mistakes([wrong(*range(12), levels=[0] * 12)], [wrong()]))
    apart_by.append(compare_mistakes([wrong(*range(12), levels=np.arange(12) // 3)], [wrong()]))
    assert [of.p_value for of in apart_by] == [2 / 2**12, 1, 2 / 2**4]
    assert [of.nothing for of in apart_by] == [False, False, False]  # twelve errors are not few
    few = compare_mistakes([wrong(*range(8), levels=[0] * 8)], [wrong()])
    assert few.nothing


def test_speakers_and_attacks_each_stand_or_fall_together():
    speaker, attack = np.arange(8) % 8, np.array([-1, -1, -1, -1, 0, 0, 0, 0])
    drawn = make_plan("speaker+attack", np.arange(8), speaker, attack)
    bits = np.repeat([1.0, 0.0], 4)
    items = Items(np.array([0.0, 0, 1, 1, 2, 2, 0, 0]), bits, 1 - bits, np.arange(8))
    found = find_mistakes(BoundedItems(items), equal_error_rate, drawn)
    spoofs = found.counts[1] > 0
    assert len(set(found.levels[0])) == len(found.unit)
    assert len(set(found.levels[1][spoofs])) == 1
    assert len(set(found.levels[1][~spoofs])) == (~spoofs).sum()


def test_an_utterances_errors_are_the_mean_of_seeds():
    two = compare_mistakes([wrong(1, 2), wrong(2, 3)], [wrong(2)])
    assert two.p_value == 0.5  # 1 and 3, half an error each
    assert compare_mistakes([wrong(1), wrong(2)], [wrong(1), wrong(2)]).p_value == 1


def test_figures_that_no_errors_carry_are_resampled_only():
    items, other = separate(missed=2, accepted=2), separate()
    assert find_mistakes(BoundedItems(items), cllr, plan_by_utterance(items.unit)) is None
    assert find_mistakes(
        BoundedItems(items), Ordered(auc), plan_by_utterance(items.unit)
    ).counts.sum() in (4, 5)
    assert not compare_items(items, other, {"cllr": cllr}, None, 99)["cllr"].few
    assert compare_items(items, other, {"auc": Ordered(auc)}, None, 99)["auc"].few


def test_frames_decided_by_a_threshold():
    rng = np.random.default_rng(0)
    truth, unit = rng.random(2000) < 0.4, np.repeat(np.arange(200), 10)
    one, other = truth.copy(), truth.copy()
    one[5] = ~one[5]
    ratios = [decision_ratios(truth, decided, unit) for decided in (one, other)]
    assert ratio_mistakes(ratios[0], plan_by_utterance(unit))["f1"].counts.sum() == 1
    found = compare_ratios(*ratios, None, 99)["f1"]
    assert found.few
    assert found.low < 0 < found.high
    assert found.p_value == 1


def test_a_mean_of_sets_rests_on_the_utterances_of_all():
    parts = [wrong(0, 1)._replace(low=0.0, high=2.0), wrong(1)._replace(low=1.0, high=1.0)]
    mean = join_mistakes("mean", [1.0, 1.0], parts)
    assert mean.unit.tolist() == [0, 2, 3]
    assert mean.counts.sum() == 6
    assert (mean.low, mean.high) == (0.5, 1.5)
    gap = join_mistakes("difference", [1.0, 3.0], [parts[0], parts[1]._replace(low=3.0, high=3.0)])
    assert gap.counts[0].tolist() == [-1, -1, 1]


def test_seeds_and_errors_both_have_to_speak():
    """Seeds that agree do not make five errors a fact."""
    rates = np.array([0.01, 0.01, 0.01])
    draws = np.random.default_rng(0).normal(0, 1e-4, (3, 99))
    one = SeededResult(rates, rates[:, None] + draws, (wrong(*range(5)),) * 3)
    other = SeededResult(0 * rates, 0 * draws, (wrong(),) * 3)
    found = compare_systems(one, other)
    assert found.over_seeds
    assert found.few
    assert found.p_value == 2 / 2**5
    assert compare_systems(one._replace(mistakes=()), other).p_value < 0.001


def systems(rng, n, rates):
    spoof = np.repeat([0.0, 1.0], n)
    hard = rng.normal(size=len(spoof))
    scores = ((hard + rng.normal(size=len(spoof))) / 2**0.5 for _ in rates)
    return [
        Items(score + 2 * norm.ppf(rate) * spoof, 1 - spoof, spoof, np.arange(len(spoof)))
        for score, rate in zip(scores, rates, strict=True)
    ]


@pytest.mark.parametrize("rate", [pytest.param(0.002, marks=pytest.mark.slow), 0.01])
def test_alike_systems_are_told_apart_in_at_most_5_of_100(rate):
    """300 bona fide and 200 spoofs: half an error, and three, of each class."""
    rng = np.random.default_rng(3)
    p_values = [
        compare_items(*systems(rng, (300, 200), (rate, rate)), EER, None, 50, seed)["eer"].p_value
        for seed in range(150)
    ]
    assert np.mean(np.array(p_values) <= 0.05) <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize("n", [(7355, 4914), (7355, 1465), (7355, 60)])
@pytest.mark.parametrize("rate", [0.0001, 0.0004, 0.002, 0.01])
def test_at_real_sizes_alike_systems_are_rarely_told_apart(n, rate):
    rng = np.random.default_rng(4)
    p_values = [
        compare_items(*systems(rng, n, (rate, rate)), EER, None, 100, seed)["eer"].p_value
        for seed in range(200)
    ]
    share = np.mean(np.array(p_values) <= 0.05)
    print(f"{n}, EER {rate:.2%}: told apart {share:.1%}")
    assert share <= 0.08  # 5 % and two standard errors of 200 pairs
