"""The cost of log-likelihood ratios, and pool adjacent violators, against plain references."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from bench.metrics.cllr import cllr, min_cllr
from bench.metrics.pav import pool_violators
from bench.metrics.tally import ScoreCounts, count_scores
from tests.errors import raises_code

from .plain_detection import few_values, reweighed

scores = st.lists(st.floats(-30, 30), min_size=1, max_size=20)
weights = st.lists(st.integers(0, 4), min_size=2, max_size=30)


def plain_cllr(bonafide, spoof):
    missed = sum(math.log2(1 + math.exp(-s)) for s in bonafide) / len(bonafide)
    accepted = sum(math.log2(1 + math.exp(s)) for s in spoof) / len(spoof)
    return (missed + accepted) / 2


def plain_pools(bonafide, spoof):
    """Merge the first two neighbours whose shares do not rise, until none is left."""
    found = [(Fraction(b), Fraction(s)) for b, s in zip(bonafide, spoof, strict=True) if b or s]
    while True:
        shares = [b / (b + s) for b, s in found]
        falls = [i for i in range(len(found) - 1) if shares[i] >= shares[i + 1]]
        if not falls:
            return found
        i = falls[0]
        found[i : i + 2] = [(found[i][0] + found[i + 1][0], found[i][1] + found[i + 1][1])]


@given(scores, scores)
def test_is_the_mean_cost_of_each_class(bonafide, spoof):
    expected = plain_cllr(bonafide, spoof)
    assert cllr(count_scores(bonafide, spoof)) == pytest.approx(expected, rel=1e-12)


def test_closed_forms():
    assert cllr(count_scores([0.0, 0.0], [0.0])) == 1.0
    # Two trials to one for each class: ln 2 and -ln 2 are the right ratios.
    right = count_scores([math.log(2)] * 2 + [-math.log(2)], [-math.log(2)] * 2 + [math.log(2)])
    entropy = (2 * math.log2(3 / 2) + math.log2(3)) / 3
    assert cllr(right) == pytest.approx(entropy)
    assert min_cllr(right) == pytest.approx(entropy)


def test_does_not_overflow():
    assert cllr(count_scores([1e5], [-1e5])) == 0.0
    assert cllr(count_scores([-1e5], [1e5])) == pytest.approx(1e5 / math.log(2))
    assert cllr(count_scores([np.finfo(float).max / 4], [-1.0])) < 1
    assert cllr(count_scores([800.0], [-800.0])) == 0.0


@given(few_values, few_values)
def test_mirrored_classes_cost_the_same(bonafide, spoof):
    counts, mirrored = (
        count_scores(bonafide, spoof),
        count_scores([-s for s in spoof], [-s for s in bonafide]),
    )
    assert cllr(mirrored) == pytest.approx(cllr(counts))
    assert min_cllr(mirrored) == pytest.approx(min_cllr(counts), abs=1e-12)


@given(few_values, few_values, st.integers(1, 5), st.integers(1, 7))
def test_only_the_weights_within_a_class_matter(bonafide, spoof, times, factor):
    counts = count_scores(bonafide, spoof)
    more = reweighed(counts, times, factor)
    assert cllr(more) == pytest.approx(cllr(counts))
    assert min_cllr(more) == pytest.approx(min_cllr(counts), abs=1e-12)


@given(weights, st.data())
def test_pools_are_those_of_merging_neighbours_one_at_a_time(bonafide, data):
    k = len(bonafide)
    spoof = data.draw(st.lists(st.integers(0, 4), min_size=k, max_size=k))
    assume(any(bonafide) and any(spoof))
    found = pool_violators(
        ScoreCounts(np.arange(float(k)), np.array(bonafide, float), np.array(spoof, float))
    )
    assert list(zip(*(of.tolist() for of in found), strict=True)) == plain_pools(bonafide, spoof)


def test_minimum_is_reached_by_scikit_learns_isotonic_regression(subtests):
    for shift in [-1.0, 0.0, 1.0, 3.0]:
        for decimals in [0, 1, 9]:
            with subtests.test(shift=shift, decimals=decimals):
                rng = np.random.default_rng(1)
                bonafide = rng.normal(shift, 1, 300).round(decimals)
                spoof = rng.normal(0, 1, 900).round(decimals)
                truth = np.repeat([1.0, 0.0], [300, 900])
                posterior = IsotonicRegression().fit_transform(
                    np.concatenate([bonafide, spoof]), truth
                )
                prior = 300 / 1200
                with np.errstate(divide="ignore"):
                    llr = np.log(posterior / (1 - posterior)) - np.log(prior / (1 - prior))
                expected = np.mean(np.logaddexp(0, -llr[:300])) + np.mean(
                    np.logaddexp(0, llr[300:])
                )
                expected /= 2 * math.log(2)
                assert min_cllr(count_scores(bonafide, spoof)) == pytest.approx(expected, abs=1e-12)


@given(few_values, few_values)
def test_minimum_is_the_least_that_an_increasing_map_reaches(bonafide, spoof):
    counts = count_scores(bonafide, spoof)
    least = min_cllr(counts)
    assert 0 <= least <= 1 + 1e-12
    for slope, shift in ((1, 0), (0.3, -1), (4, 2), (0, 0)):
        llr = slope * counts.score + shift
        assert least <= cllr(counts._replace(score=llr)) + 1e-12
    mapped = count_scores(np.exp(np.array(bonafide) / 2), np.exp(np.array(spoof) / 2))
    assert min_cllr(mapped) == least


def test_long_runs_of_violations_do_not_take_quadratic_time():
    k = 200_000
    share = np.append(np.linspace(0.1, 0.9, k - 1), 0.0)
    spoof = np.append(1 - share[:-1], 1e6)  # one score that pools with all, one after the other
    found = pool_violators(ScoreCounts(np.arange(float(k)), share, spoof))
    assert len(found.spoof) < k
    assert found.spoof.sum() == pytest.approx(spoof.sum())
    assert (np.diff(found.bonafide / (found.bonafide + found.spoof)) > 0).all()


@pytest.mark.parametrize("figure", [cllr, min_cllr])
def test_is_not_defined_without_a_class(figure):
    with raises_code("metric.one-class"):
        figure(reweighed(count_scores([1.0], [0.0]), 1, 0))
