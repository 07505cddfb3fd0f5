"""Detection cost functions of ASVspoof 5: at the best threshold, and at the Bayes threshold."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.measure import CostLine, CostMetric, Decided, Least, ScoreMetric
from bench.metrics.tally import Floats, ScoreCounts, accumulate_errors, next_below, sum_classes

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class DcfCosts(NamedTuple):
    """Prior and costs; the defaults are those of ASVspoof 5, track 1."""

    spoof_prior: float = 0.05
    miss: float = 1.0
    """Cost of rejecting a bona fide trial."""
    false_alarm: float = 10.0
    """Cost of accepting a spoof trial."""


class Cost(NamedTuple):
    """The cost of decisions at a threshold."""

    cost: float
    threshold: float
    """Bona fide is accepted where `score > threshold`."""


def minimum_dcf(counts: ScoreCounts, costs: DcfCosts | None = None) -> Cost:
    """Return the minimum normalised detection cost, from 0 to 1.

    It is the minimum over thresholds of Cmiss (1 - p) Pmiss + Cfa p Pfa, where p is the prior of a
    spoof, divided by what rejecting or accepting everything costs, whichever is less. Source:
    ASVspoof 5's evaluation plan and package (`compute_mindcf`); that it steps through ties one
    trial at a time never lowers the minimum, so the values are the same. A BenchError is raised
    for a class without any weight, and for costs that are not positive or a prior outside 0 to 1.

    >>> from bench.metrics.tally import count_scores
    >>> minimum_dcf(count_scores([1.0, 2.0, 3.0, 4.0], [0.0, 0.5])).cost
    0.0
    >>> minimum_dcf(count_scores([1.0, 2.0, 3.0, 4.0], [0.0, 1.5])).cost
    0.475
    """
    miss, false_alarm = _weigh_costs(costs or DcfCosts())
    least = min_cost(counts, miss, false_alarm)
    return least._replace(cost=least.cost / min(miss, false_alarm))


def actual_dcf(counts: ScoreCounts, costs: DcfCosts | None = None) -> Cost:
    """Return the actual normalised detection cost of natural log-likelihood ratios.

    It is the cost of `min_dcf` at the Bayes threshold -ln(Cmiss (1 - p) / (Cfa p)), which is
    -0.6419 for ASVspoof 5. A trial is accepted where `score >= threshold`; the threshold of the
    result is the next number below. A cost above 1 is worse than no system.
    Source: ASVspoof 5's evaluation package (`compute_actDCF`). Errors as for `min_dcf`.

    >>> from bench.metrics.tally import count_scores
    >>> actual_dcf(count_scores([-0.7, -0.6], [-0.7, -0.8])).cost
    0.95
    """
    costs = costs or DcfCosts()
    miss, false_alarm = _weigh_costs(costs)
    at = bayes_threshold(costs)
    below = int(np.searchsorted(counts.score, at))
    cost = _cost_at(counts, below, miss, false_alarm) / min(miss, false_alarm)
    return Cost(cost, next_below(at))


def _normalised_line(costs: DcfCosts) -> CostLine:
    """Return the normalised cost at a threshold by its error rates."""
    miss, false_alarm = _weigh_costs(costs)
    norm = min(miss, false_alarm)
    return CostLine(0.0, miss / norm, false_alarm / norm)


def make_least(costs: DcfCosts) -> Least:
    """Return the minimum cost under `costs` as a measure that resampling has a short way for."""
    return Least(lambda counts: minimum_dcf(counts, costs), line=_normalised_line(costs))


def make_decided(costs: DcfCosts) -> Decided:
    """Return the actual cost under `costs` as a measure that resampling has a short way for."""
    _, miss, false_alarm = _normalised_line(costs)
    threshold = bayes_threshold(costs)

    def list_terms(score: Floats) -> tuple[Floats, Floats]:
        """Return what a bona fide and a spoof trial of each score cost at the Bayes threshold."""
        accepted = (score >= threshold).astype(np.float64)
        return miss * (1 - accepted), false_alarm * accepted

    return Decided(lambda counts: actual_dcf(counts, costs), terms=list_terms)


def bayes_threshold(costs: DcfCosts | None = None) -> float:
    """Return the natural log-likelihood ratio from which on accepting costs less than rejecting.

    >>> round(bayes_threshold(), 4)
    -0.6419
    """
    miss, false_alarm = _weigh_costs(costs or DcfCosts())
    return -math.log(miss / false_alarm)


def min_cost(counts: ScoreCounts, miss: float, false_alarm: float) -> Cost:
    """Return the minimum over all thresholds of `miss` · Pmiss + `false_alarm` · Pfa.

    It is not normalised. Rejecting nothing is one of the thresholds. A BenchError is raised for a
    class without any weight.

    >>> from bench.metrics.tally import count_scores
    >>> min_cost(count_scores([2.0, 3.0], [1.0, 2.0]), 1.0, 1.0)
    Cost(cost=0.5, threshold=1.0)
    """
    missed, rejected = accumulate_errors(counts)
    # What rejecting costs; in place, as a bootstrap asks a thousand times.
    missed *= miss / missed[-1]
    rejected *= false_alarm / rejected[-1]
    missed -= rejected
    at = int(missed.argmin())
    if missed[at] >= 0:
        return Cost(false_alarm, next_below(counts.score[0]))
    return Cost(_cost_at(counts, at + 1, miss, false_alarm), float(counts.score[at]))


def _cost_at(counts: ScoreCounts, below: int, miss: float, false_alarm: float) -> float:
    """Return what rejecting the `below` lowest scores and accepting the others costs."""
    n_bonafide, n_spoof = sum_classes(counts)
    miss_rate = counts.bonafide[:below].sum() / n_bonafide
    return float(miss * miss_rate + false_alarm * counts.spoof[below:].sum() / n_spoof)


def _weigh_costs(costs: DcfCosts) -> tuple[float, float]:
    if not 0 < costs.spoof_prior < 1 or not costs.miss > 0 or not costs.false_alarm > 0:
        raise BenchError(
            "metric.costs",
            f"no costs of detection: {costs}; the prior is between 0 and 1, costs > 0",
        )
    return costs.miss * (1 - costs.spoof_prior), costs.false_alarm * costs.spoof_prior


least_dcf = make_least(DcfCosts())
decided_dcf = make_decided(DcfCosts())
"""The measures with the costs of ASVspoof 5, which resampling has short ways for."""

METRICS = (
    ScoreMetric(
        name="min_dcf",
        label="minDCF",
        unit="cost",
        better="lower",
        definition="least cost at P(spoof) 0.05, miss 1, false alarm 10, normalised",
        source="ASVspoof 5's evaluation plan and package (`compute_mindcf`)",
        needs="costs",
        trials=("utterances",),
        official="dcf",
        broken_down=True,
        order=20,
        measure=least_dcf,
    ),
    ScoreMetric(
        name="act_dcf",
        label="actDCF",
        unit="cost",
        better="lower",
        definition="the same at the Bayes threshold of log-likelihood ratios",
        source="ASVspoof 5's evaluation package (`compute_actDCF`)",
        needs="costs",
        trials=("utterances",),
        official="dcf",
        order=21,
        measure=decided_dcf,
    ),
    CostMetric(
        name="min_dcf_custom",
        label="minDCF, custom costs",
        definition="least cost at the priors and costs of --costs, normalised",
        source="the form of ASVspoof 5's evaluation plan and package (`compute_mindcf`)",
        order=22,
        make_measure=make_least,
    ),
    CostMetric(
        name="act_dcf_custom",
        label="actDCF, custom costs",
        definition="the same at the Bayes threshold of log-likelihood ratios",
        source="the form of ASVspoof 5's evaluation package (`compute_actDCF`)",
        order=23,
        make_measure=make_decided,
    ),
)
