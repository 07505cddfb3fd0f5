"""Checks of the scores themselves: do results of them mean what they say."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from bench.issues import Issues
from bench.metrics.auc import auc
from bench.metrics.det import eer_of, ties_at_eer
from bench.metrics.tally import Bools, Floats, ScoreCounts

SIGMAS = 3.0
"""By how many standard deviations of chance the area under the curve must lie below one half."""

FEW = 100
"""Scores are few-valued where fewer than one in so many trials has a value of its own, ..."""

FEWEST = 10
"""... or, of many trials, fewer than these."""

LARGEST = 1e38
"""A score of a larger magnitude is as good as infinite: float32 ends at 3.4e38."""

HEAPED = 0.01
"""Scores are saturated where more than this fraction of them is the highest, or the lowest."""


Whose = Callable[[Bools], Iterable[str]]
"""Returns the utterances of the scores where a mask is true."""


def check_values(score: Floats, what: str, as_is: bool, issues: Issues, whose: Whose) -> None:
    """Add issues for scores that are not finite, constant, few-valued or of low precision.

    `what` they are of: trials or frames. `whose` names their utterances.
    """
    usable = np.abs(score) <= LARGEST
    finite = score[usable]
    wrong = len(score) - len(finite)
    nan = int(np.isnan(score).sum())
    issues.add(
        "error",
        "scores.not-finite",
        f"{wrong:,} of {len(score):,} {what} have a score that is no finite number ({nan:,} NaN, "
        f"{wrong - nan:,} infinite or over 1e38): the system diverged or the file is damaged",
        wrong,
        partial(whose, ~usable),
    )
    if len(finite) < 2:
        return
    distinct, counts = np.unique(finite, return_counts=True)
    if len(distinct) == 1:
        issues.add(
            "warning" if as_is else "error",
            "scores.constant",
            f"all scores are {distinct[0]:g}: the system does not separate the classes (EER 50 %)"
            + ("" if as_is else "; give --allow-inverted to evaluate them as they are"),
        )
        return
    if len(distinct) < min(len(finite) / 2, max(FEWEST, len(finite) / FEW)):
        issues.add(
            "warning",
            "scores.few-valued",
            f"{len(finite):,} {what} have only {len(distinct):,} distinct scores: they were "
            "rounded, or are decisions; equal scores are accepted or rejected together",
        )
    else:
        _check_precision(distinct, counts, what, issues)


def _check_precision(distinct: Floats, counts: np.ndarray, what: str, issues: Issues) -> None:
    for at, name in ((0, "lowest"), (-1, "highest")):
        heap = int(counts[at])
        if heap >= FEWEST and heap > HEAPED * counts.sum():
            issues.add(
                "warning",
                "scores.low-precision",
                f"{heap:,} {what} share the {name} score, {distinct[at]:.9g}: saturated, as "
                "probabilities are near 0 and 1; write logits in float32",
                heap,
            )
    single = distinct.astype(np.float32)
    exact = (single == distinct) & (single.view(np.uint32) & 0xFFFF == 0)
    if len(distinct) >= FEW and exact.all():
        issues.add(
            "warning",
            "scores.low-precision",
            f"all scores are bfloat16 numbers ({len(distinct):,} distinct ones): ties come from "
            "rounding; write logits in float32",
        )


def check_probabilities(score: Floats, issues: Issues) -> None:
    """Add an issue for finite scores that cannot be log-likelihood ratios."""
    low, high = score.min(), score.max()
    if low >= 0 and high <= 1:
        kind = "lie within 0 and 1, as probabilities do"
    elif low >= -1 and high <= 1:
        kind = "lie within -1 and 1, as cosines and differences of probabilities do"
    elif high <= 0:
        kind = "are 0 or less, as log-probabilities are"
    else:
        return
    issues.add(
        "warning",
        "scores.probabilities",
        f"all scores {kind}: actDCF and Cllr need log-likelihood ratios and mean nothing here; "
        "the other metrics depend on the order of scores only",
    )


def check_one_decision(score: Floats, threshold: float, issues: Issues) -> None:
    """Add an issue for scores of frames that are all above the threshold, or none."""
    decided = score > threshold
    if decided.any() and not decided.all():
        return
    side, label = ("above", "bona fide") if decided.any() else ("not above", "spoof")
    issues.add(
        "warning",
        "scores.one-decision",
        f"all scores, {score.min():.4g} to {score.max():.4g}, are {side} the threshold "
        f"{threshold:g}, so every frame is decided {label}: precision, recall, F1 and error rates "
        "say nothing; --threshold sets another",
    )


def check_polarity(
    counts: ScoreCounts, bonafide: int, spoof: int, negated: bool, as_is: bool, issues: Issues
) -> None:
    """Add an issue for scores that are clearly higher for spoof.

    That is where the EER is above 50 % and the area under the ROC curve lies below 1/2 by more than
    `SIGMAS` standard deviations of the Mann-Whitney statistic of as many trials without any
    difference, sqrt((m + n + 1) / (12 m n)) in units of the area; ties would only make it smaller.
    `bonafide` and `spoof` are m and n: independent trials, so utterances where scores are of
    frames. A system may honestly be worse than chance on a corpus that it was not made for
    (PartialSpoof to LlamaPartialSpoof, EER 55.30 % in SAL's table), hence `as_is`.
    """
    rate, area = eer_of(counts).eer, auc(counts)
    chance = math.sqrt((bonafide + spoof + 1) / (12 * bonafide * spoof))
    if rate <= 0.5:
        return
    turned = ScoreCounts(-counts.score[::-1], counts.bonafide[::-1], counts.spoof[::-1])
    how = f"EER {rate:.2%}, AUC {area:.4f}"
    if area >= 0.5 - SIGMAS * chance:
        issues.add(
            "warning", "scores.worse-than-chance", f"worse than chance, though not clearly ({how})"
        )
        return
    mend = "say --higher-is-spoof (of one file of two, FILE,higher-is-spoof) if they are"
    if negated:
        mend = "without --higher-is-spoof they are not"
    issues.add(
        "warning" if as_is else "error",
        "scores.inverted",
        f"scores are higher for spoof ({how}; turned round, EER {eer_of(turned).eer:.2%}), but "
        f"should be higher for bona fide: {mend}"
        + ("" if as_is else ", --allow-inverted if the system is that bad"),
    )


def check_ties(counts: ScoreCounts, issues: Issues, official: float) -> None:
    """Add an issue for trials of both classes that are tied where the error rates cross.

    `official` is the EER that ASVspoof's packages would print.
    """
    tied = ties_at_eer(counts)
    if tied is None:
        return
    rate = eer_of(counts).eer
    issues.add(
        "warning" if round(official, 4) != round(rate, 4) else "note",
        "scores.ties-at-eer",
        f"{tied.bonafide:,.0f} bona fide and {tied.spoof:,.0f} spoof share the score at which the "
        f"error rates cross, {tied.score:.9g}: with these tied the EER is {rate:.4%}, ASVspoof's "
        f"packages print {official:.4%}",
        int(tied.bonafide + tied.spoof),
    )
