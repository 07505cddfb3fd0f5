"""Replicates of the EER by the short way: exact given weights, and of the right distribution where
it draws its own."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, ks_2samp

from bench.metrics.crossing import CrossingCurve, are_independent, by_score, independent_rates
from bench.metrics.plans import group_items, plan_by_utterance
from tests.metrics.plain_bootstrap import made, plain_eer, plain_replicates


@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 3, 8]), st.booleans(), st.integers(2, 40))
def test_rates_under_given_weights_are_those_of_repeated_items(seed, distinct, samples, n_units):
    score, bonafide, spoof, unit = made(seed, n_units, distinct, 5, samples)
    weights = np.random.default_rng(seed).integers(0, 4, (3, n_units)).astype(float)
    weights[:, unit[bonafide.argmax()]] += 1
    weights[:, unit[spoof.argmax()]] += 1
    found = CrossingCurve(by_score(score, bonafide, spoof, unit), n_units).compute_rates(weights)
    expected = [plain_eer(score, bonafide * row[unit], spoof * row[unit]) for row in weights]
    assert found == pytest.approx(expected, abs=1e-12)


def independent(score, spoof):
    spoof = np.asarray(spoof, dtype=float)
    return by_score(np.asarray(score, dtype=float), 1 - spoof, spoof, np.arange(len(spoof)))


@pytest.mark.parametrize("score", [[0, 1, 2, 3, 4], [0, 1, 1, 2, 2], [0, 0, 0, 0, 0]])
def test_independent_trials_have_the_distribution_of_all_draws(score):
    """Against every one of the 5^5 possible draws, those without both classes aside."""
    score, spoof = np.array(score, dtype=float), np.array([1.0, 0, 1, 1, 0])
    chances = {}
    for draw in product(range(5), repeat=5):
        items = np.array(draw)
        if 0 < spoof[items].sum() < 5:
            rate = round(plain_eer(score[items], 1 - spoof[items], spoof[items]), 9)
            chances[rate] = chances.get(rate, 0) + 1
    found, again = independent_rates(independent(score, spoof), 3000, 0)
    assert {*np.round(found, 9)} <= {*chances}
    counts = [np.sum(np.round(found, 9) == rate) for rate in chances]
    total = sum(chances.values())
    if len(chances) > 1:
        assert (
            chisquare(counts, [3000 * chance / total for chance in chances.values()]).pvalue > 0.01
        )
    assert again / (again + 3000) == pytest.approx(1 - total / 5**5, abs=0.02)


@pytest.mark.parametrize("distinct", [None, 8])
def test_independent_trials_have_the_distribution_of_written_out_draws(distinct):
    """More trials, so that the crossing cell is one of many."""
    rng = np.random.default_rng(1)
    spoof = np.repeat([0.0, 1.0], [60, 140])
    score = rng.normal(size=200) - 2 * spoof
    if distinct:
        score = np.round(score * distinct / 8)
    found, _ = independent_rates(independent(score, spoof), 1000, 0)
    expected = plain_replicates(score, 1 - spoof, spoof, np.arange(200), 250, 1)
    assert ks_2samp(found, expected).pvalue > 0.05


def test_only_whole_single_trials_are_independent():
    score, bonafide, spoof, unit = made(0, 20, longest=2)
    met = group_items(plan_by_utterance(unit), [unit])
    assert are_independent(by_score(score, bonafide, spoof, met.codes[0]), met)
    assert not are_independent(by_score(score, bonafide * 2, spoof, met.codes[0]), met)
    both = np.ones(len(unit))
    assert not are_independent(by_score(score, both, both, met.codes[0]), met)
    two = np.repeat(unit, 2)
    met = group_items(plan_by_utterance(two), [two])
    frames = by_score(*(np.repeat(of, 2) for of in (score, bonafide, spoof)), met.codes[0])
    assert not are_independent(frames, met)
