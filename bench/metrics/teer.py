"""The tandem equal error rate (t-EER) of a countermeasure and a speaker verification system.

Both decide one after the other, each at a threshold of its own. At every threshold of the speaker
verification there is one of the countermeasure at which the tandem misses as often as it accepts
wrongly: the t-EER path. The concurrent t-EER is the point of it where nontargets and spoofs are
accepted equally often, whatever the prevalence of spoofs.
"""

from __future__ import annotations

import numpy as np

from bench.errors import BenchError
from bench.metrics.det import det_points
from bench.metrics.measure import TwoScoreMetric
from bench.metrics.sasv import KINDS, NONTARGET, SPOOF, TARGET, SasvTrials
from bench.metrics.tally import Floats, check_scores, next_below

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

_DECIMALS = 12
"""Rates that agree in these are equal: errors of floating point choose no threshold."""


def tandem_eer(trials: SasvTrials) -> float:
    """Return the concurrent t-EER of both parts' scores, a fraction.

    As in ASVspoof 5's package (asvspoof-challenge/asvspoof5@7868045, calculate_modules.py,
    `compute_teer`): along the path of a prevalence of 0, at thresholds of speaker verification that
    miss fewer targets than they accept nontargets, the point where Pfa_non / Pfa_spf of the speaker
    verification and Pfa / (1 - Pmiss) of the countermeasure are closest; the result is how often
    the tandem accepts spoofs there. Of several equally good thresholds the lowest counts. Here
    trials of one score move together, and the path is searched in sorted rates instead of at every
    pair of thresholds. Source: Kinnunen et al., t-EER, IEEE TPAMI 46(5), 2024. The countermeasure's
    bona fide trials are targets and nontargets.

    Raise BenchError where there are not both scores, and for a kind without trials.

    >>> kind = np.array([0, 0, 1, 1, 2, 2])
    >>> asv, cm = np.array([3.0, 2.0, 0.0, 1.0, 2.5, 0.5]), np.array([3.0, 2.0, 3.0, 2.0, 0.0, 1.0])
    >>> tandem_eer(SasvTrials(kind, None, asv, cm))
    0.0
    """
    if trials.asv is None or trials.cm is None:
        raise BenchError("metric.score-missing", "t-EER needs the scores of both ASV and CM")
    asv_score, cm_score = trials.asv, trials.cm
    target, nontarget, spoof = (
        np.sort(check_scores(asv_score[trials.kind == kind], f"ASV {KINDS[kind]}"))
        for kind in (TARGET, NONTARGET, SPOOF)
    )
    is_spoof = trials.kind == SPOOF
    cm = det_points(cm_score[~is_spoof], cm_score[is_spoof])
    scores = np.unique(asv_score)
    thresholds = np.append(next_below(scores[0]), scores)
    missed, rejected, rejected_spoof = (
        np.searchsorted(ascending, thresholds, side="right")
        for ascending in (target, nontarget, spoof)
    )
    # Counts are divided last: rates that are equal have to be so to the last bit.
    miss = missed / len(target)
    accepted = (len(nontarget) - rejected) / len(nontarget)
    accepted_spoof = (len(spoof) - rejected_spoof) / len(spoof)
    allowed = miss < accepted
    miss, accepted, accepted_spoof = (rate[allowed] for rate in (miss, accepted, accepted_spoof))
    at = _find_path(cm.miss_rate, miss - accepted)
    cm_miss, cm_accepted = cm.miss_rate[at], cm.false_alarm_rate[at]
    ratio = np.full(len(accepted), np.inf)
    np.divide(accepted, accepted_spoof, out=ratio, where=accepted_spoof > 0)
    closest = int(np.argmin(np.round(np.abs(ratio - cm_accepted / (1 - cm_miss)), _DECIMALS)))
    return float(accepted_spoof[closest] * cm_accepted[closest])


def _find_path(cm_miss: Floats, surplus: Floats) -> np.ndarray:
    """Return the first point of the countermeasure where |m + (1 - m) surplus| is least.

    `cm_miss` ascends; `surplus`, below 0, is what the speaker verification misses more than it
    accepts.
    """
    rates, first = np.unique(cm_miss, return_index=True)
    above = np.searchsorted(rates, -surplus / (1 - surplus)).clip(1, len(rates) - 1)
    gaps = [
        np.round(np.abs(rates[at] + (1 - rates[at]) * surplus), _DECIMALS)
        for at in (above - 1, above)
    ]
    return first[np.where(gaps[0] <= gaps[1], above - 1, above)]


METRICS = (
    TwoScoreMetric(
        name="t_eer",
        label="t-EER",
        unit="rate",
        definition="concurrent tandem EER of speaker verification and countermeasure",
        source="Kinnunen et al., IEEE TPAMI 46(5), 2024, and ASVspoof 5's package",
        order=74,
        compute=tandem_eer,
    ),
)
