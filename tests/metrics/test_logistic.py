"""The prior-weighted logistic regression against scikit-learn's."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from bench.metrics.cllr import cllr
from bench.metrics.logistic import fit_logistic
from bench.metrics.tally import count_scores
from tests.errors import raises_code


def draw_trials(systems, bonafide=60, spoof=500, seed=0):
    rng = np.random.default_rng(seed)
    is_spoof = np.arange(bonafide + spoof) >= bonafide
    scores = rng.normal(size=(len(is_spoof), systems)) - 1.5 * is_spoof[:, None]
    return scores * 10.0 ** np.arange(systems) + 100, is_spoof


@pytest.mark.parametrize("systems", [1, 3])
@pytest.mark.parametrize("prior", [0.05, 0.5, 0.655])
def test_it_is_the_weighted_regression_of_scikit_learn(systems, prior):
    scores, is_spoof = draw_trials(systems)
    fitted = fit_logistic(scores, is_spoof, prior)
    # Weights of trials whose sum is large, as scikit-learn's tolerance is of the sum.
    weight = np.where(is_spoof, (1 - prior) / is_spoof.sum(), prior / (~is_spoof).sum()) * 1e4
    centre, spread = scores.mean(axis=0), scores.std(axis=0)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000).fit(
        (scores - centre) / spread, ~is_spoof, weight
    )
    weights = reference.coef_[0] / spread
    offset = reference.intercept_[0] - weights @ centre - math.log(prior / (1 - prior))
    assert fitted.weights == pytest.approx(weights, rel=1e-4)
    assert fitted.offset == pytest.approx(offset, rel=1e-4)


def test_no_other_scale_or_offset_has_a_lower_cllr_at_equal_priors():
    scores, is_spoof = draw_trials(1)
    fitted = fit_logistic(scores, is_spoof, 0.5)

    def cost(values):
        return cllr(count_scores(values[~is_spoof], values[is_spoof]))

    ratios = fitted.apply_to(scores)
    least = cost(ratios)
    for scale, offset in ((1.05, 0), (0.95, 0), (1, 0.05), (1, -0.05)):
        assert cost(scale * ratios + offset) > least


def test_scores_of_any_scale_give_the_same_ratios():
    scores, is_spoof = draw_trials(2)
    one = fit_logistic(scores, is_spoof, 0.5).apply_to(scores)
    other = fit_logistic(-1e6 * scores + 1e3, is_spoof, 0.5).apply_to(-1e6 * scores + 1e3)
    assert other == pytest.approx(one, abs=1e-5)


def test_equal_systems_share_their_weight():
    scores, is_spoof = draw_trials(1)
    alone = fit_logistic(scores, is_spoof, 0.5)
    both = fit_logistic(np.column_stack([scores, scores]), is_spoof, 0.5)
    assert both.weights == pytest.approx(np.repeat(alone.weights / 2, 2))


def test_what_has_no_solution_is_refused():
    scores, is_spoof = draw_trials(1)
    with raises_code("fusion.separable"):
        fit_logistic(np.where(is_spoof, 0.0, 1.0)[:, None] + scores / 1e6, is_spoof, 0.5)
    with raises_code("fusion.constant", "system 2"):
        fit_logistic(np.column_stack([scores, np.ones(len(scores))]), is_spoof, 0.5)
    with raises_code("fusion.single-class"):
        fit_logistic(scores, np.zeros(len(scores), bool), 0.5)
    for prior in (0.0, 1.0, math.nan):
        with raises_code("fusion.prior"):
            fit_logistic(scores, is_spoof, prior)
    # Touching classes: the best weights are infinite, too.
    with raises_code("fusion.separable"):
        fit_logistic(np.array([[1.0], [2.0], [0.0], [1.0]]), np.array([0, 0, 1, 1]) > 0, 0.5)
