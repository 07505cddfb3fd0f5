"""Metrics of speaker verification under spoofing against every threshold tried, by hand, limits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.data.asv import read_asv_scores
from bench.metrics.det import eer_by_class
from bench.metrics.items import count_items
from bench.metrics.measure import SasvMetric
from bench.metrics.measured import measure_items
from bench.metrics.plans import Resampling, make_factors
from bench.metrics.registry import select_metrics
from bench.metrics.sasv import ADcfCosts, SasvTrials, make_adcf, weigh_adcf
from bench.metrics.teer import tandem_eer
from tests.errors import raises_code

scores = st.lists(st.integers(-4, 4), min_size=1, max_size=8)
costs = st.builds(
    ADcfCosts,
    st.floats(0.01, 0.4),
    st.floats(0.01, 0.4),
    *[st.floats(0.1, 30)] * 3,
)


def trials_of(target, nontarget, spoof, **others):
    classes = (target, nontarget, spoof)
    kind = np.repeat([0, 1, 2], [len(each) for each in classes])
    return SasvTrials(kind, np.concatenate(classes).astype(float), **others)


def value_of(name, trials, asked=None):
    metric, asked = select_metrics(SasvMetric)[name], asked or ADcfCosts()
    return metric.make_measure(asked)(count_items(metric.make_items(trials, asked)))


def plain_adcf(target, nontarget, spoof, asked):
    """Every threshold tried, every trial counted."""
    prior = 1 - asked.nontarget_prior - asked.spoof_prior
    weights = (
        asked.miss * prior,
        asked.false_alarm * asked.nontarget_prior,
        asked.spoof_false_alarm * asked.spoof_prior,
    )
    everything = [*target, *nontarget, *spoof]
    found = []
    for at in [min(everything) - 1, *everything]:
        rates = (
            sum(s <= at for s in target) / len(target),
            sum(s > at for s in nontarget) / len(nontarget),
            sum(s > at for s in spoof) / len(spoof),
        )
        found.append(sum(w * rate for w, rate in zip(weights, rates, strict=True)))
    return min(found) / min(weights[0], weights[1] + weights[2])


@given(scores, scores, scores, costs)
def test_adcf_is_the_least_cost_of_all_thresholds(target, nontarget, spoof, asked):
    trials = trials_of(target, nontarget, spoof)
    assert value_of("a_dcf", trials, asked) == pytest.approx(
        plain_adcf(target, nontarget, spoof, asked)
    )


@given(scores, scores, scores)
def test_eers_are_those_of_their_kinds_of_trials(target, nontarget, spoof):
    trials = trials_of(target, nontarget, spoof)
    assert value_of("sv_eer", trials) == eer_by_class(target, nontarget).eer
    assert value_of("spf_eer", trials) == eer_by_class(target, spoof).eer
    assert value_of("sasv_eer", trials) == eer_by_class(target, [*nontarget, *spoof]).eer


def test_adcf_by_hand():
    """Costs 0.9 of misses, 0.5 of nontargets and 1 of spoofs, over 0.9."""
    trials = trials_of([3, 2, 1, 4], [0, 2.5], [1.5, -1])
    # at 1: half of either accepted; at 2.5: two misses; at 1.5: one miss and half the nontargets
    by_hand = min(0.25 + 0.5, 0.9 * 0.5, 0.9 * 0.25 + 0.25) / 0.9
    assert value_of("a_dcf", trials) == pytest.approx(by_hand)
    assert value_of("a_dcf", trials_of([1.0], [2.0], [3.0])) == 1.0
    assert value_of("a_dcf", trials_of([2.0], [1.0], [0.0])) == 0.0


@pytest.mark.parametrize(
    "asked",
    [ADcfCosts(0.6, 0.4), ADcfCosts(0.0), ADcfCosts(miss=-1.0), ADcfCosts(miss=np.nan)],
)
def test_costs_that_are_none_are_refused(asked):
    with raises_code("metric.costs"):
        make_adcf(asked)


def test_a_kind_or_a_score_that_is_missing_is_named():
    with raises_code("metric.one-class"):
        weigh_adcf(trials_of([1], [0], []), ADcfCosts())
    without = SasvTrials(np.array([0, 1, 2]), None)
    for name in select_metrics(SasvMetric):
        with raises_code("metric.score-missing"):
            value_of(name, without)
    with raises_code("metric.score-missing"):
        tandem_eer(without)


def plain_teer(kind, asv, cm):
    """Every pair of thresholds tried; scores without ties."""
    best, result = np.inf, None
    bonafide, spoof = cm[kind < 2], cm[kind == 2]
    cm_at = [np.min(cm) - 1, *np.sort(cm)]
    for at in [np.min(asv) - 1, *np.sort(asv)]:
        miss = np.mean(asv[kind == 0] <= at)
        accepted, spoofed = (np.mean(asv[kind == k] > at) for k in (1, 2))
        if miss >= accepted:
            continue
        rows = []
        for other in cm_at:
            cm_miss, cm_accepted = np.mean(bonafide <= other), np.mean(spoof > other)
            gap = abs(cm_miss + (1 - cm_miss) * miss - (1 - cm_miss) * accepted)
            rows.append((round(gap, 12), len(rows), cm_miss, cm_accepted))
        _, _, cm_miss, cm_accepted = min(rows)
        if spoofed == 0:
            continue
        unlike = round(abs(accepted / spoofed - cm_accepted / (1 - cm_miss)), 12)
        if unlike < best:
            best, result = unlike, spoofed * cm_accepted
    return result


def drawn(seed, n, apart=2.0):
    rng = np.random.default_rng(seed)
    kind = np.concatenate([[0, 1, 2], rng.integers(0, 3, n)])
    asv = rng.normal(size=len(kind)) + apart * (kind == 0) + apart / 2 * (kind == 2)
    return kind, asv, rng.normal(size=len(kind)) + apart * (kind < 2)


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(0, 25), st.sampled_from([0.0, 1.0, 3.0]))
def test_teer_is_that_of_all_pairs_of_thresholds(seed, n, apart):
    kind, asv, cm = drawn(seed, n, apart)
    found = tandem_eer(SasvTrials(kind, None, asv, cm))
    assert found == pytest.approx(plain_teer(kind, asv, cm), abs=1e-12)


def test_teer_of_independent_normal_scores_is_where_all_three_rates_meet():
    """Both parts separate their classes by 2 standard deviations, spoofs pass as targets do: the
    tandem misses, accepts nontargets and accepts spoofs equally often at one pair of thresholds."""
    from scipy.optimize import fsolve
    from scipy.stats import norm

    rng = np.random.default_rng(0)
    kind = np.repeat([0, 1, 2], 40_000)
    asv = rng.normal(size=len(kind)) + 2.0 * (kind != 1)
    cm = rng.normal(size=len(kind)) + 2.0 * (kind < 2)

    def surplus(at):
        asv_at, cm_at = at
        passes = norm.sf(cm_at, 2.0)
        miss = 1 - passes * norm.sf(asv_at, 2.0)
        return [
            miss - passes * norm.sf(asv_at),
            miss - norm.sf(cm_at) * norm.sf(asv_at, 2.0),
        ]

    asv_at, cm_at = fsolve(surplus, [1.0, 1.0])
    expected = norm.sf(cm_at) * norm.sf(asv_at, 2.0)
    found = tandem_eer(SasvTrials(kind, None, asv, cm))
    assert found == pytest.approx(expected, abs=0.005)


@settings(max_examples=20)
@given(st.integers(0, 10**6), st.randoms())
def test_neither_order_nor_scale_of_scores_matters(seed, random):
    kind, asv, cm = drawn(seed, 20)
    order = np.array(random.sample(range(len(kind)), len(kind)))
    found = tandem_eer(SasvTrials(kind, None, asv, cm))
    assert tandem_eer(SasvTrials(kind[order], None, asv[order], 3 * cm[order] + 1)) == found
    for name in select_metrics(SasvMetric):
        whole = value_of(name, SasvTrials(kind, asv))
        assert value_of(name, SasvTrials(kind[order], 2 * asv[order])) == pytest.approx(whole)


def test_intervals_cover_the_value_and_resample_speakers_and_attacks():
    kind, asv, _ = drawn(1, 400)
    speaker = np.array([f"s{i % 12}" for i in range(len(kind))], dtype=object)
    attack = np.where(kind == 2, np.array([f"A{i % 5}" for i in range(len(kind))]), "")
    factors = make_factors(np.arange(len(kind)), speaker, attack.astype(object))
    trials = SasvTrials(kind, asv)
    for name, metric in select_metrics(SasvMetric).items():
        items = metric.make_items(trials, ADcfCosts())
        measures = {name: metric.make_measure(ADcfCosts())}
        result = measure_items(items, measures, Resampling(factors, "auto", 100, 0))[name]
        assert result.low < result.value < result.high, name
        assert result.plan == ("speaker+attack" if name == "spf_eer" else "speaker")
        if name == "a_dcf":
            assert result.missed + result.accepted > 0


def test_the_organisers_verification_of_2019_la_has_its_published_eer(shared):
    """Its EER on the evaluation set is 2.458 %, and no countermeasure stops its spoofs."""
    path = shared / "protocols/asvspoof2019_la/asv_scores"
    scores = read_asv_scores(path / "ASVspoof2019.LA.asv.eval.gi.trl.scores.txt")
    trials = trials_of(scores.target, scores.nontarget, scores.spoof)
    assert 100 * value_of("sv_eer", trials) == pytest.approx(2.458, abs=0.02)
    assert value_of("spf_eer", trials) > 0.2
    assert value_of("sv_eer", trials) < value_of("sasv_eer", trials) < value_of("spf_eer", trials)
