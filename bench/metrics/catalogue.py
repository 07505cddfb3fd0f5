"""Every figure that the suite prints: what it is called, in what unit, which way is better."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple


class Metric(NamedTuple):
    """How a figure is shown."""

    label: str
    unit: Literal["rate", "cost", "bits"]
    """`rate`: a fraction, shown in per cent. `cost`: 1 is what the better of accepting all and
    rejecting all costs. `bits`: per trial."""
    better: Literal["lower", "higher"]
    says: str
    """Its definition in a line."""


METRICS = {
    "eer": Metric(
        "EER", "rate", "lower", "mean of FRR and FAR where they are closest; ties move together"
    ),
    "eer_official": Metric(
        "EER, ASVspoof package",
        "rate",
        "lower",
        "what the organisers' code prints: tied scores one by one, bona fide first",
    ),
    "auc": Metric("AUC", "rate", "higher", "area under the ROC curve; ties count half"),
    "min_tdcf": Metric(
        "min t-DCF",
        "cost",
        "lower",
        "least tandem cost with the organisers' ASV system, normalised",
    ),
    "min_dcf": Metric(
        "minDCF",
        "cost",
        "lower",
        "least cost at P(spoof) 0.05, miss 1, false alarm 10, normalised",
    ),
    "act_dcf": Metric(
        "actDCF", "cost", "lower", "the same at the Bayes threshold of log-likelihood ratios"
    ),
    "cllr": Metric(
        "Cllr", "bits", "lower", "cost of the scores as log-likelihood ratios; 0 best, 1 no use"
    ),
    "min_cllr": Metric(
        "min Cllr", "bits", "lower", "Cllr after the best monotone recalibration (PAV)"
    ),
    "range_eer": Metric(
        "range EER", "rate", "lower", "EER of time: errors weighed by their exact duration"
    ),
    "utterance_eer": Metric(
        "utterance EER", "rate", "lower", "EER of utterances by their lowest frame"
    ),
    "f1": Metric("F1 bona fide", "rate", "higher", "F1 of frames with bona fide as positive class"),
    "precision": Metric("precision bona fide", "rate", "higher", "of frames decided bona fide"),
    "recall": Metric("recall bona fide", "rate", "higher", "of frames labelled bona fide"),
    "f1_spoof": Metric("F1 spoof", "rate", "higher", "F1 of frames with spoof as positive class"),
    "precision_spoof": Metric("precision spoof", "rate", "higher", "of frames decided spoof"),
    "recall_spoof": Metric("recall spoof", "rate", "higher", "of frames labelled spoof"),
    "error": Metric("error rate", "rate", "lower", "share of frames decided wrongly"),
}
"""By name. A name may carry an evaluation before it (`partialspoof.eer`) and a resolution after it
(`eer_160ms`)."""


_LOGIT = "_bonafide_logit"
"""Ends the name of a figure by the bona fide logit instead of the score."""


def metric(name: str) -> Metric | None:
    """Return how the figure `name` is shown; None for what is no figure of merit.

    >>> metric("partialspoof.eer_160ms").label
    'EER at 160 ms'
    """
    base = name.rpartition(".")[2]
    if base.endswith(_LOGIT) and (of_score := METRICS.get(base.removesuffix(_LOGIT))):
        return of_score._replace(
            label=f"{of_score.label} of the bona fide logit",
            says=f"the {of_score.label} by the bona fide logit alone",
        )
    found = METRICS.get(base)
    resolution = re.fullmatch(r"(.+)_(\d+)ms", base)
    if found is None and resolution and resolution[1] in METRICS:
        return METRICS[resolution[1]]._replace(
            label=f"{METRICS[resolution[1]].label} at {resolution[2]} ms",
            says=f"of frames of {resolution[2]} ms",
        )
    return found


def is_rate(name: str) -> bool:
    """Return whether a figure is a fraction that is shown in per cent.

    >>> is_rate("dev.eer"), is_rate("train.loss")
    (True, False)
    """
    found = metric(name)
    return found is not None and found.unit == "rate"


def printed_unit(name: str) -> Literal["%", "cost", "bits"] | None:
    """Return in what unit a result is printed; None for what is no figure of merit.

    >>> printed_unit("partialspoof.eer"), printed_unit("min_tdcf"), printed_unit("train.loss")
    ('%', 'cost', None)
    """
    found = metric(name)
    return None if found is None else "%" if found.unit == "rate" else found.unit


def digits(name: str) -> int:
    """Return with how many decimals a figure is printed: rates, in per cent, with two."""
    return 2 if is_rate(name) else 4


def shown(name: str, value: float, decimals: int | None = None) -> str:
    """Return a figure as it is printed: rates in per cent with two decimals, others with four, or
    with `decimals`.

    >>> shown("asvspoof2019la.eer", 0.00990923), shown("asvspoof2019la.min_tdcf", 0.030806)
    ('0.99 %', '0.0308')
    >>> shown("eer", 0.0099092308, decimals=6)
    '0.990923 %'
    """
    decimals = digits(name) if decimals is None else decimals
    return f"{100 * value:.{decimals}f} %" if is_rate(name) else f"{value:.{decimals}f}"
