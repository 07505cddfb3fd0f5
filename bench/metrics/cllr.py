"""The cost of log-likelihood ratios, as they are and after the best monotone calibration."""

from __future__ import annotations

import math

import numpy as np

from bench.metrics.measure import Averaged, Ordered, ScoreMetric
from bench.metrics.pav import pool_violators
from bench.metrics.tally import Floats, ScoreCounts, sum_classes

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def cllr(counts: ScoreCounts) -> float:
    """Return the cost of log-likelihood ratios, in bits.

    It is half the mean of log2(1 + e^-s) over bona fide trials plus half the mean of log2(1 + e^s)
    over spoof trials. Scores have to be natural log-likelihood ratios of bona fide against spoof.
    0 is perfect, 1 is what scores of 0 cost, and there is no upper bound: scores that are no
    log-likelihood ratios (raw logits, probabilities) can cost anything. The difference to
    `min_cllr` is the cost of calibration.

    Definition of Brümmer and du Preez (Computer Speech & Language 20, 2006) and of ASVspoof 5's
    evaluation package (`calculate_CLLR`), whose e^s overflows for large scores where this does not.
    A BenchError is raised for a class without any weight.

    >>> from bench.metrics.tally import count_scores
    >>> cllr(count_scores([0.0], [0.0, 0.0]))
    1.0
    >>> cllr(count_scores([-2000.0], [-1.0, 0.0])) > 1000
    True
    """
    n_bonafide, n_spoof = sum_classes(counts)
    of_bonafide, of_spoof = _cllr_terms(counts.score)
    missed, accepted = counts.bonafide @ of_bonafide, counts.spoof @ of_spoof
    return float(missed / n_bonafide + accepted / n_spoof)


def _cllr_terms(score: Floats) -> tuple[Floats, Floats]:
    """Return what a bona fide and a spoof trial of each score cost."""
    # ln(1 + e^s) without e^s, which overflows.
    beyond = np.log1p(np.exp(-np.abs(score)))
    in_bits = 1 / (2 * math.log(2))
    return (
        (beyond + np.maximum(-score, 0)) * in_bits,
        (beyond + np.maximum(score, 0)) * in_bits,
    )


def min_cllr(counts: ScoreCounts) -> float:
    """Return the least `cllr` that any monotone map of the scores reaches, in bits, from 0 to 1.

    The map is found by pool adjacent violators on these trials, so that with few trials the value
    is optimistic; no dummy trials are added. The difference to `cllr` is the cost of calibration.
    Source: Brümmer and du Preez (Computer Speech & Language 20, 2006). A BenchError is
    raised for a class without any weight.

    >>> from bench.metrics.tally import count_scores
    >>> min_cllr(count_scores([3.0, 4.0], [1.0, 2.0]))
    0.0
    >>> min_cllr(count_scores([1.0, 2.0], [3.0, 4.0]))
    1.0
    """
    bonafide, spoof = (weights / weights.sum() for weights in pool_violators(counts))
    return (_pooled_cost(bonafide, spoof) + _pooled_cost(spoof, bonafide)) / 2


def _pooled_cost(share: Floats, other_share: Floats) -> float:
    """Return the mean cost of one class, given its share and the other's in each pool.

    A pool's log-likelihood ratio is that of both shares. A pool without trials of the class costs
    nothing.
    """
    there = share > 0
    return float(share[there] @ np.log2(1 + other_share[there] / share[there]))


METRICS = (
    ScoreMetric(
        name="cllr",
        label="Cllr",
        unit="bits",
        better="lower",
        definition="cost of the scores as log-likelihood ratios; 0 best, 1 no use",
        source="Brümmer and du Preez, Computer Speech & Language 20, 2006; ASVspoof 5's evaluation "
        "package (`calculate_CLLR`)",
        needs="scores",
        trials=("utterances",),
        official="dcf",
        order=22,
        measure=Averaged(cllr, _cllr_terms),
    ),
    ScoreMetric(
        name="min_cllr",
        label="min Cllr",
        unit="bits",
        better="lower",
        definition="Cllr after the best monotone recalibration (PAV)",
        source="Brümmer and du Preez, Computer Speech & Language 20, 2006",
        needs="scores",
        trials=("utterances",),
        official="dcf",
        order=23,
        measure=Ordered(min_cllr, least=True),
    ),
)
