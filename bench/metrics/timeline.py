"""Scored frames and reference stretches of many utterances in flat arrays, in whole samples.

Localization is evaluated from these two. An utterance is a code, a whole number from 0 (for example
the row of a corpus's table), so that breakdowns and resampling pick utterances by code and no name
is copied a million times.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bench.errors import BenchError
from bench.metrics.tally import Bools, Floats, Integers


class ScoredFrames(NamedTuple):
    """Scored frames, sorted by utterance and start; arrays of shape (n,).

    Frames of one utterance do not overlap; between them there may be time without a score.
    """

    utterance: Integers
    """Code of the utterance."""
    start: Integers
    """First sample."""
    end: Integers
    """First sample after it."""
    score: Floats
    """Higher means more bona fide."""


class LabelledStretches(NamedTuple):
    """The labels: each utterance cut into stretches of one class; arrays of shape (k,).

    They are sorted by utterance and start, from sample 0 to the utterance's end without a gap.
    Neighbours differ in class.
    """

    utterance: Integers
    start: Integers
    end: Integers
    is_spoof: Bools
    step: int
    """Samples that boundaries are a whole multiple of, ends of utterances aside: the resolution of
    frame labels, 1 where labels are in seconds."""


def make_frames(
    utterance: ArrayLike, start: ArrayLike, end: ArrayLike, score: ArrayLike
) -> ScoredFrames:
    """Return scored frames, given in any order; arrays of shape (n,), times in whole samples.

    A BenchError is raised for arrays of different lengths or none at all, codes or times that are
    not whole numbers from 0, a frame without a sample, two frames of an utterance that overlap, and
    a score that is not finite.

    >>> make_frames([0, 0], [320, 0], [640, 320], [1.0, -1.0]).score.tolist()
    [-1.0, 1.0]
    """
    unsorted = ScoredFrames(
        _check_whole(utterance, "utterance"),
        _check_whole(start, "start"),
        _check_whole(end, "end"),
        np.asarray(score, dtype=np.float64),
    )
    if not _common_length(*unsorted):
        raise BenchError("metric.frames-malformed", "there is no scored frame")
    wrong = np.flatnonzero(~np.isfinite(unsorted.score))
    if len(wrong):
        raise BenchError(
            "metric.not-finite",
            f"score {wrong[0]} is {unsorted.score[wrong[0]]} ({len(wrong)} of "
            f"{len(unsorted.score)} are not finite numbers)",
        )
    ordered = _sort_frames(unsorted)
    _check_order(ordered)
    return ordered


def frames_on_grid(counts: ArrayLike, frame: int, score: ArrayLike) -> ScoredFrames:
    """Return frames of `frame` samples one after the other from each utterance's start.

    `counts` are the frames of utterances 0, 1, ...; `score`, of shape (sum of counts,), is in that
    order. Raise BenchError as `make_frames`, and where the counts do not add up to the scores.

    >>> frames_on_grid([2, 1], 320, [0.1, 0.2, 0.3]).start.tolist()
    [0, 320, 0]
    """
    count = _check_whole(counts, "count")
    scores = np.asarray(score, dtype=np.float64)
    if count.sum() != len(scores):
        raise BenchError(
            "metric.lengths-differ",
            f"{len(scores)} scores for {count.sum()} frames in all utterances",
        )
    start = count_within(count) * frame
    return make_frames(np.repeat(np.arange(len(count)), count), start, start + frame, scores)


def make_stretches(
    utterance: ArrayLike, start: ArrayLike, end: ArrayLike, is_spoof: ArrayLike, step: int = 1
) -> LabelledStretches:
    """Return reference stretches; arrays of shape (k,), by utterance and start, in whole samples.

    Neighbours of one class are joined. A BenchError is raised for arrays of different lengths or
    none at all, an utterance that does not begin at 0 or has a gap or an overlap, and a stretch
    without a sample.

    >>> make_stretches([0, 0, 0], [0, 10, 20], [10, 20, 30], [False, True, True]).end.tolist()
    [10, 30]
    """
    whole = LabelledStretches(
        _check_whole(utterance, "utterance"),
        _check_whole(start, "start"),
        _check_whole(end, "end"),
        np.asarray(is_spoof, dtype=np.bool_),
        step,
    )
    if not _common_length(*whole[:4]):
        raise BenchError("metric.reference-malformed", "there is no reference stretch")
    follows = _same_utterance(whole.utterance)
    if (np.diff(whole.utterance) < 0).any():
        raise BenchError(
            "metric.reference-malformed",
            "reference stretches are not in the order of their utterances",
        )
    broken = np.flatnonzero(
        (whole.start != np.where(follows, np.roll(whole.end, 1), 0)) | (whole.end <= whole.start)
    )
    if len(broken):
        raise BenchError(
            "metric.reference-malformed",
            f"{_describe_stretch(whole, broken[0])}: reference stretches follow one another from 0 "
            "to the utterance's end, each at least a sample long",
        )
    joins = follows & (whole.is_spoof == np.roll(whole.is_spoof, 1))
    first = np.flatnonzero(~joins)
    last = np.append(first[1:], len(joins)) - 1
    return LabelledStretches(
        whole.utterance[first], whole.start[first], whole.end[last], whole.is_spoof[first], step
    )


def select_frames(frames: ScoredFrames, utterances: ArrayLike) -> ScoredFrames:
    """Return the frames of the `utterances` of those codes alone.

    >>> select_frames(frames_on_grid([1, 1], 320, [1.0, 2.0]), [1]).score.tolist()
    [2.0]
    """
    chosen = np.isin(frames.utterance, np.asarray(utterances))
    return ScoredFrames(
        frames.utterance[chosen], frames.start[chosen], frames.end[chosen], frames.score[chosen]
    )


def select_stretches(reference: LabelledStretches, utterances: ArrayLike) -> LabelledStretches:
    """Return the reference of the `utterances` of those codes alone.

    >>> truth = make_stretches([0, 1], [0, 0], [320, 640], [False, True])
    >>> select_stretches(truth, [1]).end.tolist()
    [640]
    """
    code, start, end, is_spoof, step = reference
    chosen = np.isin(code, np.asarray(utterances))
    return LabelledStretches(code[chosen], start[chosen], end[chosen], is_spoof[chosen], step)


def make_spoof_stretches(
    lengths: ArrayLike, utterance: ArrayLike, start: ArrayLike, end: ArrayLike, step: int = 1
) -> LabelledStretches:
    """Return the reference of utterances that are spoof in the given stretches only.

    Utterances 0, 1, ... have `lengths` samples; the stretches are arrays of shape (k,). Stretches
    may come in any order, touch and overlap. Raise BenchError for one that has no sample, reaches
    past its utterance's end or belongs to no utterance.

    >>> make_spoof_stretches([30], [0], [10], [20]).is_spoof.tolist()
    [False, True, False]
    """
    length = _check_whole(lengths, "length")
    code, first, last = (
        _check_whole(utterance, "utterance"),
        _check_whole(start, "start"),
        _check_whole(end, "end"),
    )
    if _common_length(code, first, last) and code.max() >= len(length):
        raise BenchError(
            "metric.reference-malformed",
            f"a stretch of utterance {code.max()}: there are {len(length)} lengths",
        )
    wrong = np.flatnonzero((last <= first) | (last > length[code]))
    if len(wrong):
        at = wrong[0]
        raise BenchError(
            "metric.reference-malformed",
            f"utterance {code[at]}: a spoof stretch from {first[at]} to {last[at]} in "
            f"{length[code[at]]} samples",
        )
    if (length < 1).any():
        raise BenchError(
            "metric.reference-malformed", f"utterance {np.argmin(length)} has no sample"
        )
    ends = np.cumsum(length)
    begins = ends - length
    edges = np.unique(np.concatenate([[0], ends, begins[code] + first, begins[code] + last]))
    changes = np.zeros(len(edges), dtype=np.int64)
    np.add.at(changes, np.searchsorted(edges, begins[code] + first), 1)
    np.add.at(changes, np.searchsorted(edges, begins[code] + last), -1)
    at = np.searchsorted(ends, edges[:-1], side="right")
    return make_stretches(
        at, edges[:-1] - begins[at], edges[1:] - begins[at], np.cumsum(changes)[:-1] > 0, step
    )


class UtteranceRuns(NamedTuple):
    """The utterances of sorted items; arrays of shape (u,)."""

    utterance: Integers
    first: Integers
    """Index of each utterance's first item."""
    items: Integers
    """How many items each has."""


def find_runs(utterance: Integers) -> UtteranceRuns:
    """Return the utterances of items that are sorted by `utterance`.

    >>> find_runs(np.array([3, 3, 7])).items.tolist()
    [2, 1]
    """
    first = np.flatnonzero(~_same_utterance(utterance))
    return UtteranceRuns(utterance[first], first, np.diff(first, append=len(utterance)))


def count_within(counts: Integers) -> Integers:
    """Return 0, 1, ... up to each of `counts`, one after the other.

    >>> count_within(np.array([2, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    at = np.arange(int(counts.sum()), dtype=np.int64)
    return at - np.repeat(np.cumsum(counts) - counts, counts)


class MatchedUtterances(NamedTuple):
    """The same utterances, in the same order, in scored frames and in the reference."""

    scored: UtteranceRuns
    labelled: UtteranceRuns
    length: Integers
    """Samples of each utterance."""


def match_utterances(frames: ScoredFrames, reference: LabelledStretches) -> MatchedUtterances:
    """Return the utterances of both.

    Raise BenchError where there is none, or where only one of them has an utterance: which trials
    to leave out is the caller's decision.
    """
    if not len(frames.utterance):
        raise BenchError("metric.frames-malformed", "there is no scored frame")
    if not len(reference.utterance):
        raise BenchError("metric.reference-malformed", "there is no reference stretch")
    scored, labelled = find_runs(frames.utterance), find_runs(reference.utterance)
    for here, there, what in (
        (labelled, scored, "labels but no scored frame"),
        (scored, labelled, "scored frames but no labels"),
    ):
        alone = np.setdiff1d(here.utterance, there.utterance, assume_unique=True)
        if len(alone):
            raise BenchError(
                "metric.trials-differ",
                f"{len(alone)} utterances have {what}; the first is {alone[0]}",
            )
    return MatchedUtterances(scored, labelled, reference.end[labelled.first + labelled.items - 1])


def _check_whole(values: ArrayLike, name: str) -> Integers:
    array: NDArray[Any] = np.asarray(values)
    if len(array) and not np.issubdtype(array.dtype, np.integer):
        raise BenchError(
            "metric.frames-malformed",
            f"{name}: whole numbers are needed (times in samples), not {array.dtype}",
        )
    whole = array.astype(np.int64, copy=False)
    if len(whole) and whole.min() < 0:
        raise BenchError("metric.frames-malformed", f"{name}: {whole.min()} is below 0")
    return whole


def _common_length(*arrays: Integers | Floats | Bools) -> int:
    """Return the common length of `arrays`."""
    shapes = [np.shape(array) for array in arrays]
    if len({*shapes}) > 1 or len(shapes[0]) != 1:
        raise BenchError(
            "metric.lengths-differ", f"arrays of one length are needed, not of shapes {shapes}"
        )
    return int(arrays[0].size)


def _sort_frames(frames: ScoredFrames) -> ScoredFrames:
    code, start = frames.utterance, frames.start
    ascending = (code[1:] > code[:-1]) | ((code[1:] == code[:-1]) & (start[1:] >= start[:-1]))
    if ascending.all():
        return frames
    order = np.lexsort((start, code))
    return ScoredFrames(code[order], start[order], frames.end[order], frames.score[order])


def _check_order(frames: ScoredFrames) -> None:
    empty = np.flatnonzero(frames.end <= frames.start)
    if len(empty):
        raise BenchError(
            "metric.frames-malformed",
            f"{_describe_stretch(frames, empty[0])}: a frame ends later than it starts",
        )
    overlaps = np.flatnonzero(
        _same_utterance(frames.utterance)[1:] & (frames.start[1:] < frames.end[:-1])
    )
    if len(overlaps):
        raise BenchError(
            "metric.frames-malformed",
            f"{_describe_stretch(frames, overlaps[0] + 1)}: it starts before the frame before it "
            "ends, at "
            f"{frames.end[overlaps[0]]} ({len(overlaps)} such); each moment is scored once",
        )


def _describe_stretch(stretches: ScoredFrames | LabelledStretches, at: np.intp) -> str:
    return (
        f"utterance {stretches.utterance[at]}, samples {stretches.start[at]} to {stretches.end[at]}"
    )


def _same_utterance(utterance: Integers) -> Bools:
    """Return True where an item belongs to the utterance of the item before it."""
    return np.concatenate([[False], utterance[1:] == utterance[:-1]])
