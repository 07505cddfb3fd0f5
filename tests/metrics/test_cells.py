"""Replicates by the short ways: exact given weights, and of the right distribution where they have
draws of their own."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, ks_2samp

from bench.metrics.cells import BATCH, IndependentCells, ResampledCells, are_independent
from bench.metrics.dcf import least_dcf
from bench.metrics.det import equal_error_rate
from bench.metrics.drawn_trials import DrawnTrials
from bench.metrics.measure import CostLine, Least, ScoreMetric
from bench.metrics.plans import plan_by_utterance
from bench.metrics.registry import select_metrics
from bench.metrics.resampling_groups import group_items
from bench.metrics.sorted_items import by_score
from bench.metrics.tally import count_scores
from tests.metrics.plain_bootstrap import made, plain_cost, plain_eer

METRICS = select_metrics(ScoreMetric)
MEASURES = [
    equal_error_rate,
    least_dcf,
    Least(least_dcf.compute, line=CostLine(0.2, 0.3, 0.8)),
]
SUMMED = [METRICS[name].measure for name in ("auc", "min_cllr", "cllr", "act_dcf")]
LINES = [measure.line for measure in MEASURES if isinstance(measure, Least)]


def plain_values(score, bonafide, spoof):
    """The EER and the least costs of weighted items."""
    costs = [plain_cost(score, bonafide, spoof, *line) for line in LINES if line]
    return [plain_eer(score, bonafide, spoof), *costs]


def all_values(score, spoof):
    """Those of trials, and the measures that need every trial, by their definitions."""
    counts = count_scores(score[spoof == 0], score[spoof > 0])
    return [*plain_values(score, 1 - spoof, spoof), *(measure(counts) for measure in SUMMED)]


@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([None, 3, 8]),
    st.booleans(),
    st.integers(2, 40),
    st.sampled_from([2, 5]),
)
def test_values_under_given_weights_are_those_of_repeated_items(
    seed, distinct, samples, n_units, longest
):
    score, bonafide, spoof, unit = made(seed, n_units, distinct, longest, samples)
    weights = np.random.default_rng(seed).integers(0, 4, (3, n_units)).astype(float)
    weights[:, unit[bonafide.argmax()]] += 1
    weights[:, unit[spoof.argmax()]] += 1
    items = by_score(score, bonafide, spoof, unit)
    found = ResampledCells(items, MEASURES, n_units).compute_values(weights)
    expected = [plain_values(score, bonafide * row[unit], spoof * row[unit]) for row in weights]
    assert pytest.approx(np.array(expected), abs=1e-12) == found.T


def independent(score, spoof):
    spoof = np.asarray(spoof, dtype=float)
    return by_score(np.asarray(score, dtype=float), 1 - spoof, spoof, np.arange(len(spoof)))


def draw_values(items, replicates):
    """Every measure of independent draws, and how many draws were repeated of each."""
    values, repeated = [], []
    for measure in MEASURES:
        cells = IndependentCells(items, measure)
        batches = [cells.draw_batch(0, number) for number in range(replicates // BATCH)]
        values.append(np.concatenate([drawn for drawn, _ in batches]))
        repeated.append(sum(int(again.sum()) for _, again in batches))
    return np.stack(values), repeated


def draw_summed(items, replicates):
    """The same of the measures that need every trial, which share their draws."""
    trials = DrawnTrials(items, dict(enumerate(SUMMED)))
    drawn = [trials.draw_values(0, number) for number in range(replicates)]
    return np.transpose([each.values for each in drawn]), sum(each.redrawn for each in drawn)


@pytest.mark.parametrize("score", [[0, 1, 2, 3, 4], [0, 1, 1, 2, 2], [0, 0, 0, 0, 0]])
def test_independent_trials_have_the_distribution_of_all_draws(score):
    """Against every one of the 5^5 possible draws, those without both classes aside."""
    score, spoof = np.array(score, dtype=float), np.array([1.0, 0, 1, 1, 0])
    draws = np.sort([*product(range(5), repeat=5)], axis=1)
    whole = draws[(spoof[draws].sum(axis=1) % 5) > 0]
    alike, code = np.unique(whole, axis=0, return_inverse=True)
    known = np.round([all_values(score[at], spoof[at]) for at in alike], 9)[code.ravel()].T
    items = independent(score, spoof)
    found, repeated = draw_values(items, 48 * BATCH)
    summed, again = draw_summed(items, 12 * BATCH)
    for values, expected in zip([*found, *summed], known, strict=True):
        n, values = len(values), np.round(values, 9)
        rates, chances = np.unique(expected, return_counts=True)
        assert {*values} <= {*rates}
        counts = [np.sum(values == rate) for rate in rates]
        if len(rates) > 1:
            assert chisquare(counts, n * chances / len(whole)).pvalue > 0.001
    for often, n in [*((times, found.shape[1]) for times in repeated), (again, summed.shape[1])]:
        assert often / (often + n) == pytest.approx(1 - len(whole) / 5**5, abs=0.02)


@pytest.mark.parametrize("distinct", [None, 8])
def test_independent_trials_have_the_distribution_of_drawn_trials(distinct):
    """More trials, so that those that are looked at are few of many."""
    rng = np.random.default_rng(1)
    spoof = np.repeat([0.0, 1.0], [60, 140])
    score = rng.normal(size=200) - 2 * spoof
    if distinct:
        score = np.round(score * distinct / 8)
    items = independent(score, spoof)
    found = [*draw_values(items, 60 * BATCH)[0], *draw_summed(items, 600)[0]]
    drawn = rng.multinomial(200, np.full(200, 1 / 200), size=4000)
    _, level = np.unique(score, return_inverse=True)
    at_level = np.eye(level.max() + 1)[level]
    miss, rejected = (
        np.pad((drawn * of) @ at_level, [(0, 0), (1, 0)]).cumsum(axis=1) / (drawn @ of)[:, None]
        for of in (1 - spoof, spoof)
    )
    closest = np.abs(miss + rejected - 1).argmin(axis=1)[:, None]
    rates = np.take_along_axis(miss + 1 - rejected, closest, 1)[:, 0] / 2
    costs = [(a + b * miss + c * (1 - rejected)).min(axis=1) for a, b, c in filter(None, LINES)]
    at = [np.repeat(np.arange(200), row) for row in drawn[:600]]
    counts = [count_scores(score[i[spoof[i] == 0]], score[i[spoof[i] > 0]]) for i in at]
    summed = [[measure(each) for each in counts] for measure in SUMMED]
    for values, expected in zip(found, [rates, *costs, *summed], strict=True):
        assert ks_2samp(values, expected).pvalue > 0.001


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
