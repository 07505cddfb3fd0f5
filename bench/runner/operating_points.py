"""Thresholds for decisions, with the error rates that they have on a corpus."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bench.evaluation import score_file
from bench.metrics.det import eer_by_class
from bench.metrics.plans import sum_groups


class ErrorRates(NamedTuple):
    """Error rates of a threshold among the trials of a score file, fractions."""

    bonafide_missed: float
    spoof_accepted: float
    bonafide: int
    """Number of bona fide trials."""
    spoof: int


class OperatingPoint(NamedTuple):
    """A threshold, and where it comes from."""

    threshold: float
    """Bona fide is decided where `score > threshold`."""
    source: str
    """In words."""
    rates: ErrorRates | None = None
    """Of what is scored, whole utterances or frames; None where they are not known."""
    of_frames: bool = False
    utterance_rates: ErrorRates | None = None
    """Of whole utterances that are decided by their lowest frame, where frames are scored and
    there are utterances of both classes."""


def find_eer_point(table: pa.Table, source: str, *, of_frames: bool) -> OperatingPoint:
    """Return the EER threshold of a score file as `bench.evaluation.score_file.read_scores` has it.

    BenchError where it has trials of one class only.
    """
    rows = score_file.pool_rows(table)
    threshold = eer_by_class(rows.score[~rows.is_spoof], rows.score[rows.is_spoof]).threshold
    rates = _count_errors(rows.score, rows.is_spoof, threshold)
    assert rates is not None
    if not of_frames:
        return OperatingPoint(threshold, source, rates)
    items = score_file.pool_items(table)
    units = int(items.unit.max()) + 1
    has_spoof = sum_groups(items.unit, items.spoof, units) > 0
    lowest = np.full(units, np.inf)
    np.minimum.at(lowest, items.unit, items.score)
    of_utterances = _count_errors(lowest, has_spoof, threshold)
    return OperatingPoint(threshold, source, rates, True, of_utterances)


def _count_errors(score: np.ndarray, is_spoof: np.ndarray, threshold: float) -> ErrorRates | None:
    """Return the error rates of a threshold; None where a class is missing."""
    bonafide, spoof = score[~is_spoof], score[is_spoof]
    if not len(bonafide) or not len(spoof):
        return None
    missed, accepted = float(np.mean(bonafide <= threshold)), float(np.mean(spoof > threshold))
    return ErrorRates(missed, accepted, len(bonafide), len(spoof))
