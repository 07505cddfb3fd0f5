"""Each formula that is called the EER against the library it comes from."""

from __future__ import annotations

from fractions import Fraction
from itertools import chain, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from scipy.spatial import ConvexHull
from sklearn.metrics import roc_curve

from bench.metrics.eer_variants import FORMULAS, compute_variants, order_range
from bench.metrics.tally import ScoreCounts, count_scores
from tests.errors import raises_code

from .plain_detection import aasist, few_values, one_by_one


def roc(bonafide, spoof):
    truth = np.repeat([1, 0], [len(bonafide), len(spoof)])
    return roc_curve(truth, np.concatenate([bonafide, spoof]))[:2]


def sklearn_fpr(bonafide, spoof):
    fpr, tpr = roc(bonafide, spoof)
    return fpr[np.nanargmin(np.abs(1 - tpr - fpr))]


def interpolated(bonafide, spoof):
    curve = interp1d(*roc(bonafide, spoof))
    return brentq(lambda x: 1 - x - curve(x), 0, 1)


def sorted_fpr(bonafide, spoof):
    trials = sorted([(-s, 0) for s in bonafide] + [(-s, 1) for s in spoof])
    hits, alarms, points = 0, 0, []
    for _, is_spoof in trials:
        hits, alarms = hits + (not is_spoof), alarms + is_spoof
        points.append((1 - hits / len(bonafide), alarms / len(spoof)))
    return min(points, key=lambda point: abs(point[0] - point[1]))[1]


def rocch(bonafide, spoof):
    """Where the hull of the ROC and the corner (1, 0) meets the line of equal rates."""
    points = np.array([*one_by_one(bonafide, spoof), (1.0, 1.0)])
    normal, offset = np.split(ConvexHull(points).equations, [2], axis=1)
    steep = normal.sum(axis=1) < -1e-9  # faces towards (0, 0)
    return np.max(-offset[steep, 0] / normal[steep].sum(axis=1))


def official(bonafide, spoof):
    return sum(min(one_by_one(bonafide, spoof), key=lambda point: abs(point[0] - point[1]))) / 2


def test_agrees_with_the_libraries(subtests):
    for decimals in [0, 1, 9]:
        for sizes in [(20, 60), (50, 500), (2000, 700)]:
            with subtests.test(decimals=decimals, sizes=sizes):
                rng = np.random.default_rng(sum(sizes))
                bonafide = rng.normal(1.5, 1, sizes[0]).round(decimals)
                spoof = rng.normal(0, 1, sizes[1]).round(decimals)
                found = compute_variants(bonafide, spoof)
                assert list(found) == list(FORMULAS)
                for formula in (official, sklearn_fpr, sorted_fpr, interpolated, rocch):
                    expected = formula(bonafide, spoof)
                    assert found[formula.__name__] == pytest.approx(expected, abs=1e-10), (
                        formula.__name__
                    )


@given(few_values, few_values)
def test_agrees_with_scikit_learn_and_scipy_on_any_ties(bonafide, spoof):
    found = compute_variants(bonafide, spoof)
    assert found["sklearn_fpr"] == pytest.approx(sklearn_fpr(bonafide, spoof), abs=1e-12)
    assert found["interpolated"] == pytest.approx(interpolated(bonafide, spoof), abs=1e-9)
    assert found["rocch"] <= found["interpolated"] + 1e-12


def every_order(bonafide, spoof):
    """The rate at each closest point of each order of tied trials, in fractions."""
    groups = [
        {*permutations([0] * bonafide.count(score) + [1] * spoof.count(score))}
        for score in sorted({*bonafide, *spoof})
    ]
    for order in product(*groups):
        missed, accepted = 0, len(spoof)
        points = [(Fraction(0), Fraction(1))]
        for is_spoof in chain(*order):
            missed, accepted = missed + (not is_spoof), accepted - is_spoof
            points.append((Fraction(missed, len(bonafide)), Fraction(accepted, len(spoof))))
        least = min(abs(a - b) for a, b in points)
        yield from ((a + b) / 2 for a, b in points if abs(a - b) == least)


tiny = st.lists(st.integers(0, 2), min_size=1, max_size=4)


@given(tiny, tiny)
def test_no_order_of_ties_is_outside_the_range_and_its_ends_are_reached(bonafide, spoof):
    rates = {float(rate) for rate in every_order(bonafide, spoof)}
    found = order_range(count_scores(bonafide, spoof))
    assert found == pytest.approx((min(rates), max(rates)), abs=1e-12)
    assert (
        found.lowest - 1e-12
        <= compute_variants(bonafide, spoof)["official"]
        <= found.highest + 1e-12
    )


def test_a_codec_with_coarse_scores_spans_a_wide_range():
    """As in ASVspoof 5's C08: by which order, the same scores are good or poor."""
    bonafide = [0.0] * 40 + [1.0] * 60
    spoof = [0.0] * 900 + [1.0] * 100
    found = compute_variants(bonafide, spoof)
    assert (found["lowest_order"], found["highest_order"]) == pytest.approx((0.1, 0.4), abs=1e-2)
    assert found["ours"] == pytest.approx(0.25)
    assert found["official"] == found["highest_order"]


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_orders_of_many_tied_trials_take_no_time(at):
    """A million tied trials: each step of the lattice once, not each order."""
    found = order_range(ScoreCounts(np.array([at]), np.array([1e5]), np.array([9e5])))
    assert found == (0.0, 1.0)


def test_constant_scores():
    assert compute_variants([3.0] * 7, [3.0] * 40) == {
        "ours": 0.5,
        "official": 1.0,
        "sklearn_fpr": 0.0,
        "sorted_fpr": 0.0,
        "interpolated": 0.5,
        "lowest_order": 0.0,
        "highest_order": 1.0,
        "rocch": 0.5,
    }


def test_a_real_system_with_its_scores_and_with_rounded_ones(official):
    table = aasist(official)
    score, is_spoof = table["score"], table["is_spoof"]
    exact = compute_variants(score[~is_spoof], score[is_spoof])
    assert exact["ours"] == exact["official"] == pytest.approx(0.0099092308)
    assert max(exact.values()) < 1.02 * min(exact.values())
    rounded = compute_variants(score[~is_spoof].round(), score[is_spoof].round())
    assert len(np.unique(score.round())) == 25
    # The same file with few values: one system, and half as much again by the formula alone.
    assert rounded["official"] > 1.5 * rounded["sorted_fpr"]
    assert rounded["sorted_fpr"] < rounded["ours"] < rounded["interpolated"] < rounded["official"]


def test_is_not_defined_without_a_class():
    with raises_code("metric.one-class"):
        compute_variants([1.0], [])
