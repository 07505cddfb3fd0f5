"""Metrics, in NumPy, from scores by class or from the frames of many utterances.

Rates are fractions, and a higher score means more bona fide. The functions of this package are for
whoever has scores and labels in Python:

    >>> from bench import metrics
    >>> metrics.eer([2.0, 1.0, 3.0, 0.0], ["bonafide", "spoof", "bonafide", "spoof"])
    0.0

Each metric is declared in the module that defines it, and everything that prints or compares
metrics reads these declarations (`registry`; `measure` has their kinds):

- of whole utterances, functions of counted scores (`tally`): EER and DET points (`det`; other
  definitions in `eer_variants`), AUC (`auc`), t-DCF (`tdcf`), minDCF and actDCF (`dcf`), Cllr
  (`cllr`); and the trials that a metric of one attack or codec is computed from (`breakdown`);
- of frames on a time axis (`timeline`): segment EER (`grid`), utterance EER (`utterances`),
  range EER (`ranges`), precision, recall and F1 (`f1`), errors by position (`positions`);
- how sure they are: intervals (`bootstrap`, and at a fixed threshold `ratios`), what is resampled
  (`plans`), two systems on the same trials (`paired`), several seeds (`seeds`), several test sets
  in one metric (`combined`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.metrics.api import (
        act_dcf,
        compare_scores,
        compute_metric,
        decision_metrics,
        det_curve,
        eer,
        eer_definitions,
        frames_on_grid,
        make_spoof_stretches,
        measure_scores,
        min_dcf,
        min_tdcf,
        range_eer,
        segment_eer,
        utterance_eer,
    )

__all__ = [
    "act_dcf",
    "compare_scores",
    "compute_metric",
    "decision_metrics",
    "det_curve",
    "eer",
    "eer_definitions",
    "frames_on_grid",
    "make_spoof_stretches",
    "measure_scores",
    "min_dcf",
    "min_tdcf",
    "range_eer",
    "segment_eer",
    "utterance_eer",
]


def __getattr__(name: str) -> Any:
    """Return a function of `bench.metrics.api`.

    It is imported when it is asked for: NumPy takes a tenth of a second, and commands that only
    need the names of metrics do without it.
    """
    if name not in __all__:
        raise AttributeError(f"module 'bench.metrics' has no attribute {name!r}")
    return getattr(import_module("bench.metrics.api"), name)
