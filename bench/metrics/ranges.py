"""The range-based equal error rate: errors counted by their duration, boundaries exact."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.det import EerResult, equal_error_rate
from bench.metrics.items import Items, items_eer
from bench.metrics.measure import FrameMetric
from bench.metrics.tally import Integers
from bench.metrics.timeline import LabelledStretches, ScoredFrames, match_utterances

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class WeightedRanges(NamedTuple):
    """Scored frames, weighted by the samples of each class that they cover."""

    items: Items
    """Weights are samples. Time without a score is one item of score +inf for each utterance."""
    uncovered: int
    """Samples of utterances that no frame covers."""
    beyond: int
    """Samples of frames past the end of their utterance, which are not counted."""


def weigh_ranges(frames: ScoredFrames, reference: LabelledStretches) -> WeightedRanges:
    """Return what the range-based EER counts: the samples of both classes in each scored frame.

    A frame is cut where its utterance ends, and left out where it lies past it. Time that no frame
    covers is decided bona fide at every threshold, as in PartialSpoof's script. The items' weights
    add up to the reference in every utterance, so any choice or resampling of utterances is a
    choice of items. Raise BenchError where frames and reference are not of the same utterances.
    """
    pair = match_utterances(frames, reference)
    # One time axis, utterances end to end, so that starts and ends ascend.
    ends = np.cumsum(pair.length)
    begins = ends - pair.length
    begin, last = (np.repeat(column, pair.scored.items) for column in (begins, ends))
    start, end = frames.start + begin, frames.end + begin
    for time in (start, end):
        np.minimum(time, last, out=time)
    length = end - start
    is_spoof = reference.is_spoof
    spoof_start, spoof_end = (
        (np.repeat(begins, pair.labelled.items) + time)[is_spoof]
        for time in (reference.start, reference.end)
    )
    spoof = _spoof_overlaps(start, end, spoof_start, spoof_end)
    stretch = (reference.end - reference.start) * is_spoof
    left = pair.length - np.add.reduceat(length, pair.scored.first)
    left_spoof = np.add.reduceat(stretch, pair.labelled.first)
    left_spoof -= np.add.reduceat(spoof, pair.scored.first)
    inside, open_ = length > 0, left > 0
    chosen = slice(None) if inside.all() else inside
    bonafide, spoof = (
        np.concatenate([column[chosen], rest[open_]], dtype=np.float64)
        for column, rest in ((length - spoof, left - left_spoof), (spoof, left_spoof))
    )
    return WeightedRanges(
        Items(
            np.append(frames.score[chosen], np.full(open_.sum(), np.inf)),
            bonafide,
            spoof,
            np.append(frames.utterance[chosen], pair.scored.utterance[open_]),
        ),
        int(left.sum()),
        int((frames.end - frames.start).sum() - length.sum()),
    )


def range_eer(frames: ScoredFrames, reference: LabelledStretches) -> EerResult:
    """Return the range-based equal error rate and its threshold, a fraction.

    At a threshold, the miss rate is the share of bona fide time in frames decided spoof, and the
    false alarm rate is the share of spoof time decided bona fide (`score > threshold`, or no
    score). The EER is their mean where they are closest, over all thresholds that change a
    decision: the definition of Zhang et al. (Interspeech 2023). Their script searches that point by
    bisection over percentiles of the scores until the rates differ by 1e-5; here it is exact. They
    take spoof time as the positive class, which only swaps the names of the two rates.

    Raise BenchError as `weigh_ranges`, and where a class has no time.

    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 480], [480, 960], [False, True])
    >>> range_eer(frames_on_grid([3], 320, [2.0, 1.0, 0.0]), truth)
    EerResult(eer=0.16666666666666666, threshold=0.0)
    """
    return items_eer(range_items(frames, reference))


def range_items(frames: ScoredFrames, reference: LabelledStretches) -> Items:
    """Return the items of `weigh_ranges` alone."""
    return weigh_ranges(frames, reference).items


def _spoof_overlaps(
    start: Integers, end: Integers, spoof_start: Integers, spoof_end: Integers
) -> Integers:
    """Return the samples of each frame that are in any of the spoof stretches; both ascend."""
    first = np.searchsorted(end, spoof_start, side="right")
    last = np.searchsorted(start, spoof_end, side="left") - 1
    touched = first <= last
    first, last, spoof_start, spoof_end = (
        column[touched] for column in (first, last, spoof_start, spoof_end)
    )
    # Whole frames from the first to the last that a stretch meets, less what sticks out of it.
    changes = np.zeros(len(start) + 1, dtype=np.int64)
    np.add.at(changes, first, 1)
    np.add.at(changes, last + 1, -1)
    overlap = np.cumsum(changes[:-1]) * (end - start)
    np.subtract.at(overlap, first, np.maximum(spoof_start - start[first], 0))
    np.subtract.at(overlap, last, np.maximum(end[last] - spoof_end, 0))
    return overlap


METRICS = (
    FrameMetric(
        name="range_eer",
        label="range EER",
        unit="rate",
        better="lower",
        definition="EER of time: errors weighed by their exact duration",
        source="Zhang et al., Interspeech 2023",
        order=50,
        by_time=True,
        items=range_items,
        measure=equal_error_rate,
    ),
)
