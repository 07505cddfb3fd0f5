"""Spoof regions: those that frame scores decide, those that the labels have, and how they overlap.

The decision rule turns scores of frames into regions. Frames with `score > threshold` are decided
bona fide, all others spoof, and so is each run of spoof frames that touch: one region. Time without
a score is decided bona fide, frames are cut where their utterance ends. Nothing is smoothed, and no
short region is dropped. A region's confidence is its mean spoof score over time: the mean of its
frames' scores, negated, each weighed by its duration.

A true region is a stretch of spoof by the corpus's own labels, exact to the sample where these are
in seconds. A region that is decided matches a true one if their intersection over union (IoU) is
above a threshold, as LAV-DF's and AV-Deepfake1M's scripts have it (ControlNet/LAV-DF@82496da,
metrics.py; ControlNet/AV-Deepfake1M@e132970, src/loc_1d.rs: strictly above). From an IoU of 0.5 on,
each region matches one other at most, as regions of one side never overlap: the order in which
matches are looked for does not matter. IoU is compared in whole samples, without rounding.

The F1 of frames can hide how well regions are found: one spoof region that is decided in pieces has
nearly all of its frames right, and none of its pieces matches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.f1 import decide_bonafide
from bench.metrics.measure import RegionMetric
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import (
    LabelledStretches,
    ScoredFrames,
    count_within,
    match_utterances,
)
from bench.metrics.weighed import Weighed, weigh_ratio

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class Regions(NamedTuple):
    """Spoof regions, sorted by utterance and time; arrays of shape (n,)."""

    utterance: Integers
    """Index of the utterance."""
    start: Integers
    """First sample, on the time axis of all utterances end to end."""
    end: Integers
    """First sample after it."""

    @property
    def length(self) -> Integers:
        """Samples of each."""
        return self.end - self.start


class RegionPairs(NamedTuple):
    """The regions of u utterances: those decided spoof, those that are, and where they overlap."""

    unit: Integers
    """(u,): the utterances' codes, ascending."""
    begin: Integers
    """(u,): where each utterance begins on the time axis."""
    length: Integers
    """(u,): its samples."""
    scored_begin: Integers
    """(u,): where its first scored frame begins."""
    scored_end: Integers
    """(u,): where its last scored frame ends, at the latest with the utterance."""
    decided: Regions
    confidence: Floats
    """Of each decided region: its mean spoof score."""
    true: Regions
    decided_at: Integers
    """(k,): index of the decided region of each pair that overlaps."""
    true_at: Integers
    """(k,): index of its true region."""
    shared: Integers
    """(k,): samples that both have."""

    @property
    def union(self) -> Integers:
        """Samples that either region of a pair has, (k,)."""
        return self.decided.length[self.decided_at] + self.true.length[self.true_at] - self.shared

    def match_regions(self, iou: int) -> Bools:
        """Return which pairs match, (k,): those with an IoU above `iou` hundredths, 50 or more."""
        return 100 * self.shared > iou * self.union

    def count_utterances(self, utterance: Integers, weights: Floats | None = None) -> Floats:
        """Return how many of `utterance` each utterance has, or the sum of their weights, (u,)."""
        counts = np.bincount(utterance, weights, minlength=len(self.unit))
        return counts.astype(np.float64, copy=False)

    @property
    def n_decided(self) -> Floats:
        """Decided regions of each utterance, (u,)."""
        return self.count_utterances(self.decided.utterance)

    @property
    def n_true(self) -> Floats:
        """True regions of each utterance, (u,)."""
        return self.count_utterances(self.true.utterance)


def pair_regions(
    frames: ScoredFrames, reference: LabelledStretches, threshold: float = 0.0
) -> RegionPairs:
    """Return the regions that scores decide at `threshold` and the true ones.

    Raise BenchError where frames and reference are not of the same utterances.

    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 480], [480, 960], [False, True])
    >>> pairs = pair_regions(frames_on_grid([3], 320, [2.0, -1.0, -2.0]), truth)
    >>> pairs.decided.start.tolist(), pairs.decided.end.tolist(), pairs.confidence.tolist()
    ([320], [960], [1.5])
    """
    pair = match_utterances(frames, reference)
    begin = np.cumsum(pair.length) - pair.length
    of_frame = np.repeat(np.arange(len(begin)), pair.scored.items)
    first, last = begin[of_frame], (begin + pair.length)[of_frame]
    start, end = frames.start + first, np.minimum(frames.end + first, last)
    opening = pair.scored.first
    closing = opening + pair.scored.items - 1
    scored_begin, scored_end = start[opening], end[closing]
    spoof = np.flatnonzero(~decide_bonafide(frames.score, threshold) & (start < last))
    of_frame, start, end = of_frame[spoof], start[spoof], end[spoof]
    opens = np.ones(len(spoof), dtype=np.bool_)
    opens[1:] = (start[1:] != end[:-1]) | (of_frame[1:] != of_frame[:-1])
    heads = np.flatnonzero(opens)
    tails = np.append(heads[1:], len(spoof))[: len(heads)] - 1
    decided = Regions(of_frame[heads], start[heads], end[tails])
    confidence = np.zeros(0)
    if len(heads):
        confidence = -np.add.reduceat(frames.score[spoof] * (end - start), heads) / decided.length
    spoofed = reference.is_spoof
    of_stretch = np.repeat(np.arange(len(begin)), pair.labelled.items)[spoofed]
    offset = begin[of_stretch]
    true = Regions(of_stretch, reference.start[spoofed] + offset, reference.end[spoofed] + offset)
    lowest = np.searchsorted(decided.end, true.start, side="right")
    n = np.maximum(np.searchsorted(decided.start, true.end, side="left") - lowest, 0)
    true_at = np.repeat(np.arange(len(n)), n)
    decided_at = np.repeat(lowest, n) + count_within(n)
    shared = np.minimum(decided.end[decided_at], true.end[true_at]) - np.maximum(
        decided.start[decided_at], true.start[true_at]
    )
    unit = pair.scored.utterance
    return RegionPairs(
        unit,
        begin,
        pair.length,
        scored_begin,
        scored_end,
        decided,
        confidence,
        true,
        decided_at,
        true_at,
        shared,
    )


def _count_matches(pairs: RegionPairs, iou: int) -> Floats:
    return pairs.count_utterances(pairs.true.utterance[pairs.true_at[pairs.match_regions(iou)]])


def weigh_event_precision(pairs: RegionPairs, iou: int) -> Weighed:
    """Return the share of decided regions that match a true one; undefined without any."""
    return weigh_ratio(_count_matches(pairs, iou), pairs.n_decided)


def weigh_event_recall(pairs: RegionPairs, iou: int) -> Weighed:
    """Return the share of true regions that a decided one matches; undefined without any."""
    return weigh_ratio(_count_matches(pairs, iou), pairs.n_true)


def weigh_event_f1(pairs: RegionPairs, iou: int) -> Weighed:
    """Return the F1 of regions: twice the matches over all decided and all true regions.

    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 320], [320, 1280], [False, True])
    >>> scored = frames_on_grid([4], 320, [2.0, -1.0, -2.0, 1.0])
    >>> weigh_event_f1(pair_regions(scored, truth), 50).value
    1.0
    >>> weigh_event_f1(pair_regions(scored, truth), 75).value
    0.0
    """
    return weigh_ratio(2 * _count_matches(pairs, iou), pairs.n_decided + pairs.n_true)


METRICS = (
    RegionMetric(
        name="event_precision",
        label="event precision",
        definition="share of regions decided spoof that match a spoof region",
        source="Mesaros et al., Applied Sciences 6(6), 2016 (event-based metrics), matched by IoU "
        "as in LAV-DF",
        setting="iou",
        at=50,
        order=52,
        weigh=weigh_event_precision,
    ),
    RegionMetric(
        name="event_recall",
        label="event recall",
        definition="share of spoof regions that a region decided spoof matches",
        source="Mesaros et al., Applied Sciences 6(6), 2016 (event-based metrics), matched by IoU "
        "as in LAV-DF",
        setting="iou",
        at=50,
        order=53,
        weigh=weigh_event_recall,
    ),
    RegionMetric(
        name="event_f1",
        label="event F1",
        definition="F1 of whole spoof regions, matched by their overlap",
        source="Mesaros et al., Applied Sciences 6(6), 2016 (event-based metrics), matched by IoU "
        "as in LAV-DF",
        logged=True,
        on_request=(),
        setting="iou",
        at=50,
        order=54,
        weigh=weigh_event_f1,
    ),
)
