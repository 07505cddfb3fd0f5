"""Replicates of the EER and of least costs by the short way: exact given weights, and of the right
distribution where it draws its own."""

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
from bench.metrics.measure import CostLine, Least
from bench.metrics.plans import plan_by_utterance
from bench.metrics.resampling_groups import group_items
from bench.metrics.sorted_items import by_score
from tests.metrics.plain_bootstrap import made, plain_cost, plain_eer

MEASURES = [
    equal_error_rate,
    least_dcf,
    Least(least_dcf.compute, line=CostLine(0.2, 0.3, 0.8)),
]
LINES = [measure.line for measure in MEASURES if isinstance(measure, Least)]


def plain_values(score, bonafide, spoof):
    """The EER and the least costs of weighted items."""
    costs = [plain_cost(score, bonafide, spoof, *line) for line in LINES if line]
    return [plain_eer(score, bonafide, spoof), *costs]


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
    values, repeated = [], set()
    for measure in MEASURES:
        cells = IndependentCells(items, measure)
        batches = [cells.draw_batch(0, number) for number in range(replicates // BATCH)]
        values.append(np.concatenate([drawn for drawn, _ in batches]))
        repeated.add(sum(int(again.sum()) for _, again in batches))
    (again,) = repeated
    return np.stack(values), again


@pytest.mark.parametrize("score", [[0, 1, 2, 3, 4], [0, 1, 1, 2, 2], [0, 0, 0, 0, 0]])
def test_independent_trials_have_the_distribution_of_all_draws(score):
    """Against every one of the 5^5 possible draws, those without both classes aside."""
    score, spoof = np.array(score, dtype=float), np.array([1.0, 0, 1, 1, 0])
    draws = [np.array(draw) for draw in product(range(5), repeat=5)]
    whole = [draw for draw in draws if 0 < spoof[draw].sum() < 5]
    known = np.round([plain_values(score[at], 1 - spoof[at], spoof[at]) for at in whole], 9).T
    found, again = draw_values(independent(score, spoof), 48 * BATCH)
    n = found.shape[1]
    for values, expected in zip(np.round(found, 9), known, strict=True):
        rates, chances = np.unique(expected, return_counts=True)
        assert {*values} <= {*rates}
        counts = [np.sum(values == rate) for rate in rates]
        if len(rates) > 1:
            assert chisquare(counts, n * chances / len(whole)).pvalue > 0.001
    assert again / (again + n) == pytest.approx(1 - len(whole) / 5**5, abs=0.02)


@pytest.mark.parametrize("distinct", [None, 8])
def test_independent_trials_have_the_distribution_of_drawn_trials(distinct):
    """More trials, so that the crossing cell is one of many."""
    rng = np.random.default_rng(1)
    spoof = np.repeat([0.0, 1.0], [60, 140])
    score = rng.normal(size=200) - 2 * spoof
    if distinct:
        score = np.round(score * distinct / 8)
    found, _ = draw_values(independent(score, spoof), 60 * BATCH)
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
    for values, expected in zip(found, [rates, *costs], strict=True):
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
