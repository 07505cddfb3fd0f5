"""Each formula that is called the EER against the library it comes from."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from scipy.interpolate import interp1d
from scipy.optimize import brentq
from scipy.spatial import ConvexHull
from sklearn.metrics import roc_curve

from bench.errors import BenchError
from bench.metrics.eer_variants import FORMULAS, variants

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


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("sizes", [(20, 60), (50, 500), (2000, 700)])
def test_agrees_with_the_libraries(decimals, sizes):
    rng = np.random.default_rng(sum(sizes))
    bonafide = rng.normal(1.5, 1, sizes[0]).round(decimals)
    spoof = rng.normal(0, 1, sizes[1]).round(decimals)
    found = variants(bonafide, spoof)
    assert list(found) == list(FORMULAS)
    for formula in (official, sklearn_fpr, sorted_fpr, interpolated, rocch):
        expected = formula(bonafide, spoof)
        assert found[formula.__name__] == pytest.approx(expected, abs=1e-10), formula.__name__


@given(few_values, few_values)
def test_agrees_with_scikit_learn_and_scipy_on_any_ties(bonafide, spoof):
    found = variants(bonafide, spoof)
    assert found["sklearn_fpr"] == pytest.approx(sklearn_fpr(bonafide, spoof), abs=1e-12)
    assert found["interpolated"] == pytest.approx(interpolated(bonafide, spoof), abs=1e-9)
    assert found["rocch"] <= found["interpolated"] + 1e-12


def test_constant_scores():
    assert variants([3.0] * 7, [3.0] * 40) == {
        "ours": 0.5,
        "official": 1.0,
        "sklearn_fpr": 0.0,
        "sorted_fpr": 0.0,
        "interpolated": 0.5,
        "rocch": 0.5,
    }


def test_a_real_system_with_its_scores_and_with_rounded_ones(shared):
    table = aasist(shared)
    score, is_spoof = table["score"], table["is_spoof"]
    exact = variants(score[~is_spoof], score[is_spoof])
    assert exact["ours"] == exact["official"] == pytest.approx(0.0099092308)
    assert max(exact.values()) < 1.02 * min(exact.values())
    rounded = variants(score[~is_spoof].round(), score[is_spoof].round())
    assert len(np.unique(score.round())) == 25
    # The same file with few values: one system, and half as much again by the formula alone.
    assert rounded["official"] > 1.5 * rounded["sorted_fpr"]
    assert rounded["sorted_fpr"] < rounded["ours"] < rounded["interpolated"] < rounded["official"]


def test_is_not_defined_without_a_class():
    with pytest.raises(BenchError, match="no spoof trial"):
        variants([1.0], [])
