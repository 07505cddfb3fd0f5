"""Weighted logistic regression that makes log-likelihood ratios of scores, one or several."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.tally import Bools, Floats

_STEPS = 30
"""Newton steps. A regression that has a solution needs about ten; without one, each step is as
large as the last, until numbers are too small to tell."""
_PRECISE = 1e-8
"""Length of the last step, as a part of the solution's."""
_SMALLEST = 2.0**-30
"""Part of a step below which none helps."""


class LinearMap(NamedTuple):
    """A log-likelihood ratio as a linear map of scores: `weights` · scores + `offset`."""

    weights: Floats
    offset: float

    def apply_to(self, scores: NDArray[np.float64]) -> Floats:
        """Return the log-likelihood ratio of each line of `scores`, "trials systems"."""
        return scores @ self.weights + self.offset


def fit_logistic(scores: NDArray[np.float64], is_spoof: Bools, prior: float) -> LinearMap:
    """Return the linear map of `scores`, "trials systems", to natural log-likelihood ratios.

    It minimises P · mean over bona fide of ln(1 + e^-(s + logit P)) + (1 - P) · mean over spoof of
    ln(1 + e^(s + logit P)), where s is the log-likelihood ratio and P the `prior` of bona fide: the
    classes count by the prior, and not by how many trials they have. There is no regularisation.
    Source: Brümmer and de Villiers, The BOSARIS Toolkit (2013), as "prior-weighted logistic
    regression"; solved here by Newton's method.

    BenchError where a class has no trial, a system gives every trial the same score, the prior is
    not between 0 and 1, or a weighting of the scores tells all trials apart: then there is no
    solution, as ever larger weights fit better.

    >>> scores, is_spoof = np.array([[1.0], [3.0], [0.0], [2.0]]), np.array([0, 0, 1, 1]) > 0
    >>> fitted = fit_logistic(scores, is_spoof, 0.5)
    >>> round(float(fitted.weights[0]), 3), round(fitted.offset, 3)
    (0.908, -1.362)
    """
    if not 0 < prior < 1:
        raise BenchError("fusion.prior", f"prior {prior:g}: should be between 0 and 1, as 0.5")
    if is_spoof.all() or not is_spoof.any():
        raise BenchError("fusion.single-class", "there are trials of one class only")
    centre, spread = scores.mean(axis=0), scores.std(axis=0)
    if (constant := np.flatnonzero(spread == 0)).size:
        raise BenchError(
            "fusion.constant", f"system {constant[0] + 1} gives every trial the same score"
        )
    signs = np.where(is_spoof, -1.0, 1.0)
    spoof = int(is_spoof.sum())
    shares = np.where(is_spoof, (1 - prior) / spoof, prior / (len(is_spoof) - spoof))
    inputs = np.column_stack([(scores - centre) / spread, np.ones(len(scores))])
    solution = _minimise_loss(inputs, signs, shares)
    weights = solution[:-1] / spread
    offset = float(solution[-1] - weights @ centre) - math.log(prior / (1 - prior))
    return LinearMap(weights, offset)


def _minimise_loss(inputs: NDArray[np.float64], signs: Floats, shares: Floats) -> Floats:
    """Return the coefficients of least loss, by Newton steps that are halved until one helps."""
    solution = np.zeros(inputs.shape[1])
    for _ in range(_STEPS):
        margins = signs * (inputs @ solution)
        if (margins > 0).all():
            break
        wrong = _logistic(-margins)
        gradient = -(shares * signs * wrong) @ inputs
        curvature = (inputs * (shares * wrong * (1 - wrong))[:, None]).T @ inputs
        step = np.linalg.lstsq(curvature, gradient, rcond=None)[0]
        if np.abs(step).max() <= _PRECISE * (1 + np.abs(solution).max()):
            return solution - step
        loss, size = _sum_loss(margins, shares), 1.0
        while size > _SMALLEST:
            if _sum_loss(signs * (inputs @ (solution - size * step)), shares) < loss:
                break
            size /= 2
        else:
            return solution  # as exact as the numbers are
        solution = solution - size * step
    raise BenchError(
        "fusion.separable",
        "the scores tell all trials of both classes apart, so that no weight is the best: each "
        "larger one fits better",
    )


def _logistic(values: Floats) -> Floats:
    """Return 1 / (1 + e^-value), without overflow."""
    return np.exp(-np.logaddexp(0, -values))


def _sum_loss(margins: Floats, shares: Floats) -> float:
    return float(shares @ np.logaddexp(0, -margins))
