"""The tandem detection cost function (t-DCF), in the forms of ASVspoof 2019 and 2021.

It is the cost of a detector in front of a given speaker verification system. Both forms are C0 +
C1 · Pmiss + C2 · Pfa of the detector, divided by the cost of rejecting or accepting everything,
whichever is less. They differ in the coefficients and so in the value (AASIST-L on 2019 LA: 0.0308
and 0.0916). Coefficients of one set of trials are not valid for another.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError
from bench.metrics.dcf import Cost, min_cost
from bench.metrics.det import eer_official
from bench.metrics.measure import CostLine, TandemMetric
from bench.metrics.tally import ScoreCounts, check_scores

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class TdcfCosts(NamedTuple):
    """Priors and costs; the defaults are those of ASVspoof 2019 and 2021."""

    target_prior: float = 0.95 * 0.99
    nontarget_prior: float = 0.95 * 0.01
    spoof_prior: float = 0.05
    miss: float = 1.0
    """Cost of rejecting a target, whoever rejects it."""
    false_alarm: float = 10.0
    """Cost of accepting a nontarget."""
    spoof_false_alarm: float = 10.0
    """Cost of accepting a spoof."""


class AsvErrors(NamedTuple):
    """Error rates of a speaker verification system at the threshold of its equal error rate."""

    miss: float
    """Rejected target trials."""
    false_alarm: float
    """Accepted nontarget trials."""
    spoof_false_alarm: float
    """Accepted spoof trials."""
    eer: float
    """Between targets and nontargets."""
    threshold: float
    """A trial is accepted where `score >= threshold`."""


class Coefficients(NamedTuple):
    """t-DCF = c0 + c1 · Pmiss + c2 · Pfa, in units of cost; Pmiss and Pfa are the detector's."""

    c0: float
    c1: float
    c2: float


def asv_errors(target: ArrayLike, nontarget: ArrayLike, spoof: ArrayLike) -> AsvErrors:
    """Return the errors of a speaker verification system from its scores.

    The scores of the three kinds of trials may be in any order. As in the organisers' packages
    (`obtain_asv_error_rates` at the threshold of `compute_eer`), to the last digit: that threshold
    is a trial's score, the target or nontarget with which both rates are closest, and the trial
    itself counts as accepted. For one attack, give the spoof trials of that attack; threshold, miss
    and false alarm stay. A BenchError is raised for a kind without trials and a score that is not
    finite.

    >>> asv_errors([1.0, 2.0, 3.0, 4.0], [0.0, 0.5, 1.5, -1.0], [1.0, 2.0]).spoof_false_alarm
    1.0
    """
    kinds = {"target": target, "nontarget": nontarget, "spoof": spoof}
    targets, nontargets, spoofs = (
        check_scores(scores_of_kind, f"ASV {kind}") for kind, scores_of_kind in kinds.items()
    )
    rate, threshold = eer_official(targets, nontargets)
    return AsvErrors(
        float(np.mean(targets < threshold)),
        float(np.mean(nontargets >= threshold)),
        float(np.mean(spoofs >= threshold)),
        rate,
        threshold,
    )


def coefficients_2019(errors: AsvErrors, costs: TdcfCosts | None = None) -> Coefficients:
    """Return the coefficients of the 2019 (legacy) form, in which literature on 2019 LA is given.

    c0 = 0, c1 = Ptar (Cmiss - Cmiss Pmiss_asv) - Pnon Cfa Pfa_asv, c2 = Pspoof Cfa Pfa_spoof_asv.
    Source: Kinnunen et al., t-DCF, Odyssey 2018; ASVspoof 2019's evaluation plan and package, whose
    costs are the same for detector and speaker verification.

    >>> coefficients_2019(AsvErrors(0.0, 0.0, 0.5, 0.0, 1.0))
    Coefficients(c0=0.0, c1=0.9405, c2=0.25)
    """
    costs = costs or TdcfCosts()
    revised = coefficients_2021(errors, costs)
    return Coefficients(0.0, revised.c1, revised.c2)


def coefficients_2021(errors: AsvErrors, costs: TdcfCosts | None = None) -> Coefficients:
    """Return the coefficients of the 2021 (revised) form, in which literature on 2021 LA is given.

    c0 = Ptar Cmiss Pmiss_asv + Pnon Cfa Pfa_asv, c1 = Ptar Cmiss - c0, c2 = Pspoof Cfa_spoof
    Pfa_spoof_asv. Source: Kinnunen et al., IEEE/ACM TASLP 28, 2020; ASVspoof 2021's evaluation plan
    and package. For 2021 LA itself the organisers give them by attack and codec
    (`bench.data.asv.read_tdcf_coefficients`).

    >>> coefficients_2021(AsvErrors(0.1, 0.0, 0.5, 0.05, 1.0)).c0.__round__(9)
    0.09405
    """
    costs = costs or TdcfCosts()
    c0 = costs.target_prior * costs.miss * errors.miss
    c0 += costs.nontarget_prior * costs.false_alarm * errors.false_alarm
    return Coefficients(
        c0,
        costs.target_prior * costs.miss - c0,
        costs.spoof_prior * costs.spoof_false_alarm * errors.spoof_false_alarm,
    )


def minimum_tdcf(counts: ScoreCounts, coefficients: Coefficients) -> Cost:
    """Return the minimum normalised t-DCF of a detector and its threshold.

    It is the minimum over thresholds of (c0 + c1 · Pmiss + c2 · Pfa) / (c0 + min(c1, c2)). 1 is a
    detector that decides nothing; the least possible value is 0 in the 2019 form
    (`coefficients_2019`) and c0 / (c0 + min(c1, c2)) in the 2021 form. The organisers' packages
    step through ties one trial at a time, which never lowers the minimum, so the values are the
    same. A BenchError is raised for a class without any weight and for coefficients that are
    negative or not finite, or make the norm 0: then the speaker verification scores are wrong, or
    of other trials.

    >>> from bench.metrics.tally import count_scores
    >>> minimum_tdcf(count_scores([1.0, 2.0, 3.0, 4.0], [0.0, 2.5]), Coefficients(0.0, 0.8, 0.4))
    Cost(cost=0.5, threshold=0.0)
    >>> minimum_tdcf(count_scores([1.0, 2.0], [0.0]), Coefficients(0.1, 0.8, 0.4)).cost
    0.2
    """
    norm = _check_norm(coefficients)
    least = min_cost(counts, coefficients.c1, coefficients.c2)
    return least._replace(cost=(coefficients.c0 + least.cost) / norm)


def _normalised_line(coefficients: Coefficients) -> CostLine:
    """Return the normalised cost at a threshold by its error rates."""
    norm = _check_norm(coefficients)
    return CostLine(*(c / norm for c in coefficients))


def _check_norm(coefficients: Coefficients) -> float:
    c0, c1, c2 = coefficients
    norm = c0 + min(c1, c2)
    if not all(math.isfinite(c) and c >= 0 for c in coefficients) or norm == 0:
        raise BenchError(
            "metric.tdcf-undefined",
            f"the t-DCF is not defined for C0 = {c0:g}, C1 = {c1:g}, C2 = {c2:g}: all have to be "
            "at least 0 and the norm C0 + min(C1, C2) more; are the speaker verification scores "
            "those of these trials?",
        )
    return norm


METRICS = (
    TandemMetric(
        name="min_tdcf",
        label="min t-DCF",
        unit="cost",
        better="lower",
        definition="least tandem cost with the organisers' ASV system, normalised",
        source="Kinnunen et al., Odyssey 2018 (form of 2019) and IEEE/ACM TASLP 28, 2020 (form of "
        "2021)",
        needs="ASV scores",
        trials=("utterances",),
        official="min_tdcf",
        broken_down=True,
        order=10,
        compute=minimum_tdcf,
        draw_line=_normalised_line,
    ),
    TandemMetric(
        name="min_tdcf_2020",
        label="min t-DCF (2020)",
        unit="cost",
        better="lower",
        definition="the same in the revised form of 2020, which is not 0 without detector errors",
        source="Kinnunen et al., IEEE/ACM TASLP 28, 2020 (the form of ASVspoof 2021)",
        needs="ASV scores",
        trials=("utterances",),
        official="min_tdcf",
        logged=False,
        on_request=("utterances",),
        order=11,
        compute=minimum_tdcf,
        draw_line=_normalised_line,
        form="2020",
    ),
)
