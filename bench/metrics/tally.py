"""Trials counted at their distinct scores: what every detection figure is computed from.

A figure that is a function of a tally is tie-safe (trials with one score stand or fall together, as
no threshold can part them), does not depend on the order of trials, and can be resampled: a
bootstrap replicate is the same scores with other counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from bench.units import BONAFIDE, SPOOF

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Integers = NDArray[np.int64]


class Tally(NamedTuple):
    """How many trials of each class have which score; three arrays of shape (k,)."""

    score: Floats
    """The distinct scores, ascending; higher means more bona fide."""
    bonafide: Floats
    """Bona fide trials with that score (or their weight); may be zero."""
    spoof: Floats
    """Spoof trials with that score (or their weight); may be zero."""


def tally(bonafide: ArrayLike, spoof: ArrayLike) -> Tally:
    """Return the tally of the scores of bona fide and of spoof trials, each in any order.

    A BenchError is raised for an empty class or a score that is not finite.

    >>> tally([2.0, 3.0], [1.0, 2.0]).bonafide.tolist()
    [0.0, 1.0, 1.0]
    """
    accepted, rejected = _trials(bonafide, BONAFIDE), _trials(spoof, SPOOF)
    score, at = np.unique(np.concatenate([accepted, rejected]), return_inverse=True)
    k = len(score)
    return Tally(
        score,
        np.bincount(at[: len(accepted)], minlength=k).astype(np.float64),
        np.bincount(at[len(accepted) :], minlength=k).astype(np.float64),
    )


def _trials(scores: ArrayLike, label: str) -> Floats:
    trials = np.asarray(scores, dtype=np.float64).ravel()
    if not len(trials):
        raise BenchError(f"the figure is not defined: there is no {label} trial")
    wrong = np.flatnonzero(~np.isfinite(trials))
    if len(wrong):
        raise BenchError(
            f"{label} score {wrong[0]} is {trials[wrong[0]]} ({len(wrong)} of {len(trials)} are "
            "not finite numbers): the system diverged or its score file is damaged"
        )
    return trials
