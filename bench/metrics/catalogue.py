"""How results are shown: what each is called, in what unit, which way is better."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from bench.metrics.measure import Metric, Setting
from bench.metrics.registry import LOGIT, describe_metrics, read_setting


def find_metric(name: str) -> Metric | None:
    """Return the metric that the result `name` is of; None where it is of no metric.

    >>> find_metric("partialspoof.eer_160ms").label, find_metric("ap_iou75").label
    ('EER at 160 ms', 'AP at IoU 0.75')
    """
    base = name.rpartition(".")[2]
    metrics = describe_metrics()
    if base.endswith(LOGIT) and (of_score := metrics.get(base.removesuffix(LOGIT))):
        return replace(
            of_score,
            label=f"{of_score.label} of the bona fide logit",
            definition=f"the {of_score.label} by the bona fide logit alone",
        )
    stem, at = read_setting(base)
    if stem in metrics and metrics[stem].setting:
        words = _SETTING_WORDS[metrics[stem].setting].format(at)
        return replace(metrics[stem], at=at, label=f"{metrics[stem].label} {words}")
    resolution = re.fullmatch(r"(.+)_(\d+)ms", base)
    if base not in metrics and resolution and resolution[1] in metrics:
        return replace(
            metrics[resolution[1]],
            label=f"{metrics[resolution[1]].label} at {resolution[2]} ms",
            definition=f"of frames of {resolution[2]} ms",
        )
    return metrics.get(base)


_SETTING_WORDS: Mapping[Setting, str] = {
    "iou": "at IoU 0.{:02d}",
    "n": "at {} regions",
    "ms": "within {} ms",
}


def is_rate(name: str) -> bool:
    """Return whether a result is a fraction that is printed in per cent.

    >>> is_rate("dev.eer"), is_rate("train.loss")
    (True, False)
    """
    known_metric = find_metric(name)
    return known_metric is not None and known_metric.unit == "rate"


def printed_unit(name: str) -> Literal["%", "cost", "bits"] | None:
    """Return the unit that a result is printed in; None where it is of no metric.

    >>> printed_unit("partialspoof.eer"), printed_unit("min_tdcf"), printed_unit("train.loss")
    ('%', 'cost', None)
    """
    known_metric = find_metric(name)
    return (
        None if known_metric is None else "%" if known_metric.unit == "rate" else known_metric.unit
    )


def metric_decimals(name: str) -> int:
    """Return how many decimals a result is printed with: two for rates, which are in per cent."""
    return 2 if is_rate(name) else 4


def format_value(name: str, value: float, decimals: int | None = None) -> str:
    """Return a result as it is printed: rates in per cent with two decimals, others with four.

    `decimals` replaces these numbers of decimals.

    >>> format_value("asvspoof2019la.eer", 0.00990923)
    '0.99 %'
    >>> format_value("asvspoof2019la.min_tdcf", 0.030806)
    '0.0308'
    >>> format_value("eer", 0.0099092308, decimals=6)
    '0.990923 %'
    """
    decimals = metric_decimals(name) if decimals is None else decimals
    return f"{100 * value:.{decimals}f} %" if is_rate(name) else f"{value:.{decimals}f}"
