"""Frame scores against labels at a chosen resolution, and their (segment) equal error rate."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar

import numpy as np

from bench.errors import BenchError
from bench.metrics.det import EerResult
from bench.metrics.items import Items, items_eer, make_items
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import (
    LabelledStretches,
    MatchedUtterances,
    ScoredFrames,
    UtteranceRuns,
    count_within,
    find_runs,
    match_utterances,
)
from bench.units import SAMPLE_RATE_HZ, frame_samples

IntegersT = TypeVar("IntegersT", int, Integers)
Rule = Literal["any-spoof", "floor"]
LastFrame = Literal["keep", "drop", "round"]
"""What becomes of an utterance's last frame where the utterance ends within it."""


class FrameRules(NamedTuple):
    """How frames are labelled and counted where a resolution does not divide an utterance."""

    rule: Rule = "any-spoof"
    last: LastFrame = "keep"


class Surplus(NamedTuple):
    """By how much scored and labelled frames differ in number.

    Counted for each utterance at the resolution of the scores. Metrics use the frames that both
    have.
    """

    more_scores: int
    """Utterances with more scored than labelled frames."""
    more_labels: int
    """Utterances with more labelled than scored frames."""
    largest: int
    """The largest difference, in frames."""


class FramePoints(NamedTuple):
    """Frames with one label and one score each; arrays of shape (n,).

    They are sorted by utterance and time, from 0 on without gaps.
    """

    utterance: Integers
    is_spoof: Bools
    score: Floats
    frame: int
    """Samples in a frame; the last of an utterance may reach past its end."""
    surplus: Surplus


def align_points(
    frames: ScoredFrames,
    reference: LabelledStretches,
    resolution_s: float,
    rule: Rule = "any-spoof",
    last: LastFrame = "keep",
) -> FramePoints:
    """Return scores and labels at `resolution_s`, for frames scored on a grid of any resolution.

    As PartialSpoof's segment EER has it (Zhang et al., IEEE/ACM TASLP 31, 2023, and its metric
    scripts): at the frames' own resolution, scores as they are; at a coarser one, the lowest score
    and any-spoof of each window of frames, windows not overlapping and the last one perhaps short;
    at a finer one, each score repeated and the labels made anew. Scores and labels are cut to the
    shorter of the two.

    `rule` makes the labels of the scores' grid (of the finer one where that is finer). `any-spoof`:
    a frame is spoof where any of its samples is, ceil(length / frame) frames. `floor`: as
    `bench.data.frame_labels` has it for labels in seconds. PartialSpoof's script rounds both ends
    of a stretch to the grid instead when it goes to a finer resolution; its corpus' own label
    files are any-spoof.

    `last` is for an utterance's last frame where the utterance ends within it. `keep`: it counts
    with what there is of it, as PartialSpoof's metric script has it for coarser resolutions.
    `drop`: it is left out, unless the utterance has no other, as PartialSpoof's model code makes
    coarser labels (`lab_in_scale`). `round`: it counts where the utterance fills half of it or
    more, so that a very short utterance has no frame, as partialspoof-metrics does (Luong et al.,
    arXiv:2507.03468).

    A BenchError is raised where one resolution is not a whole multiple of the other (25 ms and 10
    ms: scores would have to be shared out; the range-based EER needs no grid), where frames do not
    lie on a grid from 0 on, where the labels are coarser than `resolution_s`, and where frames and
    reference are not of the same utterances. One frame may be short: an utterance's last.
    """
    pair = match_utterances(frames, reference)
    scored, wanted = find_grid(frames, pair.scored), _frame_length(resolution_s)
    if max(scored, wanted) % min(scored, wanted):
        raise BenchError(
            "metric.resolution",
            f"scores of {_in_ms(scored)} frames cannot be judged at {_in_ms(wanted)}: one has to "
            "be a whole multiple of the other (the range-based EER needs no grid)",
        )
    if wanted % reference.step:
        raise BenchError(
            "metric.resolution",
            f"labels of {_in_ms(reference.step)} frames cannot be judged at {_in_ms(wanted)}: that "
            "has to be a whole multiple of theirs",
        )
    if rule == "floor" and reference.step > 1:
        raise BenchError(
            "metric.resolution",
            "labels of frames cannot be floored: that rule is for labels in seconds",
        )
    step = min(scored, wanted)
    repeats, merged = scored // step, wanted // step
    n_scores, n_labels = pair.scored.items * repeats, frames_by_rule(pair.length, step, rule)
    shared = np.minimum(n_scores, n_labels)
    score = frames.score if repeats == 1 else np.repeat(frames.score, repeats)
    score = score[_pick_first(n_scores, shared)]
    is_spoof = _label_frames(reference, pair, n_labels, step, rule)[_pick_first(n_labels, shared)]
    counts = -(-shared // merged)
    if merged > 1:
        starts = np.repeat(np.cumsum(shared) - shared, counts) + count_within(counts) * merged
        score = np.minimum.reduceat(score, starts)
        is_spoof = np.logical_or.reduceat(is_spoof, starts)
    counted = np.minimum(counts, _count_frames(pair.length, wanted, last))
    heads = _pick_first(counts, counted)
    differs = pair.scored.items - frames_by_rule(pair.length, scored, rule)
    return FramePoints(
        np.repeat(pair.scored.utterance, counted),
        is_spoof[heads],
        score[heads],
        wanted,
        Surplus(int((differs > 0).sum()), int((differs < 0).sum()), int(np.abs(differs).max())),
    )


def point_items(points: FramePoints) -> Items:
    """Return each frame as an item of weight 1, its utterance the unit."""
    return make_items(points.score, points.is_spoof, points.utterance)


def segment_eer(
    frames: ScoredFrames,
    reference: LabelledStretches,
    resolution_s: float,
    rule: Rule = "any-spoof",
    last: LastFrame = "keep",
) -> EerResult:
    """Return the point-based (segment) EER at `resolution_s` and its threshold, a fraction.

    All frames of all utterances are pooled. Definition and errors as for `align_points` and
    `bench.metrics.det.eer_by_class`; a BenchError is raised where a class has no frame.

    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 480], [480, 960], [False, True])
    >>> scored = frames_on_grid([3], 320, [2.0, 1.0, 0.0])
    >>> segment_eer(scored, truth, 0.02).eer, segment_eer(scored, truth, 0.01).eer
    (0.0, 0.16666666666666666)
    """
    return items_eer(point_items(align_points(frames, reference, resolution_s, rule, last)))


def find_grid(frames: ScoredFrames, utterances: UtteranceRuns | None = None) -> int:
    """Return the samples in a frame, where all frames lie on one grid from 0 on.

    The last frame of an utterance may be shorter. A BenchError names the first frame that is off
    the grid.
    """
    run = find_runs(frames.utterance) if utterances is None else utterances
    length = frames.end - frames.start
    frame = int(length.max())
    off = frames.start != count_within(run.items) * frame
    short = length != frame
    short[run.first + run.items - 1] = False
    wrong = np.flatnonzero(off | short)
    if len(wrong):
        at = wrong[0]
        raise BenchError(
            "metric.off-grid",
            f"utterance {frames.utterance[at]}, samples {frames.start[at]} to {frames.end[at]}: "
            f"not on the grid of {_in_ms(frame)} frames from 0 on ({len(wrong)} such), so it "
            "cannot be judged at a resolution (the range-based EER needs no grid)",
        )
    return frame


def _label_frames(
    reference: LabelledStretches, pair: MatchedUtterances, counts: Integers, step: int, rule: Rule
) -> Bools:
    """Return the labels of all frames of `step` samples, `counts` an utterance."""
    spoof = np.flatnonzero(reference.is_spoof)
    begins = np.repeat(np.cumsum(counts) - counts, pair.labelled.items)[spoof]
    changes = np.zeros(counts.sum() + 1, dtype=np.int32)
    np.add.at(changes, begins + reference.start[spoof] // step, 1)
    np.add.at(changes, begins + frames_by_rule(reference.end[spoof], step, rule), -1)
    return np.cumsum(changes[:-1]) > 0


def frames_by_rule(n_samples: IntegersT, frame: int, rule: Rule) -> IntegersT:
    """Return how many frames so many samples make: with the last, shorter one but for `floor`."""
    return n_samples // frame if rule == "floor" else -(-n_samples // frame)


def _count_frames(n_samples: Integers, frame: int, last: LastFrame) -> Integers:
    """Return how many frames of an utterance count by the rule for the last one."""
    whole, rest = np.divmod(n_samples, frame)
    match last:
        case "keep":
            return whole + (rest > 0)
        case "drop":
            return np.maximum(whole, 1)
        case "round":
            return whole + (2 * rest >= frame)


def _pick_first(counts: Integers, first: Integers) -> Bools | slice:
    """Return what picks the `first` of each utterance's `counts` frames."""
    if (counts == first).all():
        return slice(None)
    return count_within(counts) < np.repeat(first, counts)


def _frame_length(resolution_s: float) -> int:
    try:
        return frame_samples(resolution_s)
    except ValueError as error:
        raise BenchError("metric.resolution", str(error)) from error


def _in_ms(n_samples: int) -> str:
    return f"{1000 * n_samples / SAMPLE_RATE_HZ:g} ms"
