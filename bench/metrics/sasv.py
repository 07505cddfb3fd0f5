"""Spoofing-aware speaker verification (SASV): equal error rates and a-DCF of its trials.

A trial is a claimed speaker and an utterance. It is of the speaker (target), of another one
(nontarget), or a spoof. The system gives one score; a higher one means target. Its equal error
rates are those of the SASV Challenge 2022, between targets and nontargets (SV-EER), targets and
spoofs (SPF-EER), and targets and both (SASV-EER; its value hangs on how many there are of either).

The challenge's script (sasv-challenge/SASVC2022_Baseline@48272fe, metrics.py) interpolates the ROC
curve; here the rates are closest at a threshold, as everywhere in the suite
(`bench.metrics.det.eer_of`): the two differ by less than one trial's share.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.dcf import Cost, min_cost
from bench.metrics.det import equal_error_rate
from bench.metrics.items import Items, make_items
from bench.metrics.measure import CostLine, Least, Measure, SasvMetric
from bench.metrics.tally import Floats, Integers, ScoreCounts

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

KINDS = ("target", "nontarget", "spoof")
TARGET, NONTARGET, SPOOF = range(len(KINDS))


class SasvTrials(NamedTuple):
    """Trials of speaker verification; arrays of shape (n,). Scores may be missing, not all of them.

    Higher scores mean target, of the speaker verification (ASV) alone the claimed speaker, of the
    countermeasure (CM) alone bona fide.
    """

    kind: Integers
    """Index into `KINDS`."""
    score: Floats | None
    """Of the whole system."""
    asv: Floats | None = None
    cm: Floats | None = None


class ADcfCosts(NamedTuple):
    """Priors and costs; the defaults are those of ASVspoof 5, track 2.

    The prior of targets is what the other two leave.
    """

    nontarget_prior: float = 0.05
    spoof_prior: float = 0.05
    miss: float = 1.0
    """Cost of rejecting a target."""
    false_alarm: float = 10.0
    """Cost of accepting a nontarget."""
    spoof_false_alarm: float = 20.0
    """Cost of accepting a spoof."""


def select_items(trials: SasvTrials, negatives: Collection[int]) -> Items:
    """Return targets as bona fide and the trials of the kinds `negatives` as spoof, of weight 1.

    Raise BenchError where there is no score of the whole system.
    """
    score = _require_score(trials)
    rows = np.flatnonzero(np.isin(trials.kind, [TARGET, *negatives]))
    return make_items(score[rows], trials.kind[rows] != TARGET, rows)


def weigh_adcf(trials: SasvTrials, costs: ADcfCosts) -> Items:
    """Return all trials, each nontarget and spoof weighed by what it adds to the cost.

    Then the a-DCF is a cost of two error rates (`make_adcf`). A bootstrap's draws weigh nontargets
    against spoofs by how many of either are drawn. BenchError as `select_items`, and for a kind
    without trials.
    """
    score = _require_score(trials)
    counts = np.bincount(trials.kind, minlength=len(KINDS))
    if not counts.all():
        raise BenchError(
            "metric.one-class", f"the metric is not defined: there is no {KINDS[counts.argmin()]}"
        )
    _, nontarget, spoof = _weigh_costs(costs)
    weights = np.array([0.0, nontarget, spoof]) / counts / (nontarget + spoof)
    is_target = (trials.kind == TARGET).astype(np.float64)
    return Items(score, is_target, weights[trials.kind], np.arange(len(score)))


def make_adcf(costs: ADcfCosts) -> Measure:
    """Return the minimum a-DCF as a function of the items of `weigh_adcf`.

    a-DCF = Cmiss Ptar Pmiss + Cfa Pnon Pfa_non + Cfa_spoof Pspf Pfa_spf at the threshold where it
    is least, divided by what accepting or rejecting everything costs, whichever is less. Source:
    Shim et al., a-DCF, Odyssey 2024, and ASVspoof 5's package
    (asvspoof-challenge/asvspoof5@517d5b3, a_dcf.py). That it steps through ties one trial at a time
    never lowers the minimum. Raise BenchError for priors or costs that are not positive.

    >>> from bench.metrics.items import count_items
    >>> trials = SasvTrials(np.array([0, 0, 1, 2]), np.array([2.0, 1.0, 0.0, 1.5]))
    >>> costs = ADcfCosts()
    >>> make_adcf(costs)(count_items(weigh_adcf(trials, costs)))
    0.5
    """
    miss, nontarget, spoof = _weigh_costs(costs)
    norm = min(miss, nontarget + spoof)
    line = CostLine(0.0, miss / norm, (nontarget + spoof) / norm)

    def find_least(counts: ScoreCounts) -> Cost:
        return min_cost(counts, line.miss, line.false_alarm)

    return Least(find_least, line=line)


def _weigh_costs(costs: ADcfCosts) -> tuple[float, float, float]:
    """Return what an error rate of 1 of targets, nontargets and spoofs costs."""
    target_prior = 1 - costs.nontarget_prior - costs.spoof_prior
    if not (target_prior > 0 and min(costs) > 0 and np.isfinite(costs).all()):
        raise BenchError(
            "metric.costs",
            f"no costs of verification: {costs}; priors and costs are above 0, and the priors of "
            "nontargets and spoofs below 1 together",
        )
    return (
        costs.miss * target_prior,
        costs.false_alarm * costs.nontarget_prior,
        costs.spoof_false_alarm * costs.spoof_prior,
    )


def _require_score(trials: SasvTrials) -> Floats:
    if trials.score is None:
        raise BenchError("metric.score-missing", "there are no scores of the whole system")
    return trials.score


METRICS = (
    SasvMetric(
        name="sasv_eer",
        label="SASV-EER",
        unit="rate",
        definition="EER of targets against nontargets and spoofs together",
        source="Jung et al., SASV Challenge 2022, arXiv:2201.10283",
        order=70,
        make_items=lambda trials, _: select_items(trials, (NONTARGET, SPOOF)),
        make_measure=lambda _: equal_error_rate,
    ),
    SasvMetric(
        name="sv_eer",
        label="SV-EER",
        unit="rate",
        definition="EER of targets against nontargets",
        source="Jung et al., SASV Challenge 2022, arXiv:2201.10283",
        order=71,
        make_items=lambda trials, _: select_items(trials, (NONTARGET,)),
        make_measure=lambda _: equal_error_rate,
    ),
    SasvMetric(
        name="spf_eer",
        label="SPF-EER",
        unit="rate",
        definition="EER of targets against spoofs",
        source="Jung et al., SASV Challenge 2022, arXiv:2201.10283",
        order=72,
        make_items=lambda trials, _: select_items(trials, (SPOOF,)),
        make_measure=lambda _: equal_error_rate,
    ),
    SasvMetric(
        name="a_dcf",
        label="min a-DCF",
        unit="cost",
        definition="least cost of misses, accepted nontargets and accepted spoofs, normalised",
        source="Shim et al., Odyssey 2024, and ASVspoof 5's package (`a_dcf.py`)",
        order=73,
        make_items=weigh_adcf,
        make_measure=make_adcf,
    ),
)
