"""Metrics of how regions lie in time: boundaries, mean IoU, duration, and the score of ADD 2023."""

from __future__ import annotations

import numpy as np

from bench.metrics.measure import MixedMetric, RegionMetric
from bench.metrics.regions import RegionPairs
from bench.metrics.tally import Floats, Integers
from bench.metrics.weighed import Weighed, weigh_ratio
from bench.units import SAMPLE_RATE_HZ

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def weigh_boundary_f1(pairs: RegionPairs, tolerance_ms: int) -> Weighed:
    """Return the F1 of the boundaries of regions at a tolerance.

    A boundary is a change of class within an utterance: where a region begins or ends, unless the
    utterance does, or its scored frames do. A decided boundary is right if it lies within the
    tolerance of a true one of the same direction; one of either side counts for one of the other.
    As many pairs as can be are made (in the order of time, which is optimal on a line). Undefined
    where there is no boundary.

    >>> from bench.metrics.regions import pair_regions
    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0, 0], [0, 320, 960], [320, 960, 1280], [False, True, False])
    >>> pairs = pair_regions(frames_on_grid([4], 320, [1.0, -1.0, 1.0, 1.0]), truth)
    >>> weigh_boundary_f1(pairs, 10).value, weigh_boundary_f1(pairs, 20).value
    (0.5, 1.0)
    """
    tolerance = tolerance_ms * SAMPLE_RATE_HZ // 1000
    # Utterances are set so far apart that no boundary of one is near one of another.
    shift = np.arange(len(pairs.unit)) * (tolerance + 1)
    part, whole = np.zeros(len(pairs.unit)), np.zeros(len(pairs.unit))
    sides = (
        (pairs.decided.start, pairs.scored_begin, pairs.true.start, pairs.begin),
        (pairs.decided.end, pairs.scored_end, pairs.true.end, pairs.begin + pairs.length),
    )
    for decided, scored_edge, true, edge in sides:
        utterances, times = list[Integers](), list[Integers]()
        for regions, time, outer in (
            (pairs.decided, decided, scored_edge),
            (pairs.true, true, edge),
        ):
            inner = time != outer[regions.utterance]
            utterances.append(regions.utterance[inner])
            times.append(time[inner] + shift[utterances[-1]])
            whole += pairs.count_utterances(utterances[-1])
        near = _match_times(times[0], times[1], tolerance)
        part += 2 * pairs.count_utterances(utterances[0][near])
    return weigh_ratio(part, whole)


def _match_times(decided: Integers, true: Integers, tolerance: int) -> Integers:
    """Return the indices of the decided times that are matched; both ascend."""
    times, others = decided.tolist(), true.tolist()
    at, other, near = 0, 0, list[int]()
    while at < len(times) and other < len(others):
        if abs(times[at] - others[other]) <= tolerance:
            near.append(at)
            at, other = at + 1, other + 1
        elif times[at] < others[other]:
            at += 1
        else:
            other += 1
    return np.array(near, dtype=np.int64)


def _share_time(pairs: RegionPairs) -> tuple[Floats, Floats, Floats]:
    """Return the samples of each utterance that are decided spoof, that are spoof, and both."""
    shared = pairs.count_utterances(
        pairs.true.utterance[pairs.true_at], pairs.shared.astype(np.float64)
    )
    decided, true = (
        pairs.count_utterances(regions.utterance, regions.length.astype(np.float64))
        for regions in (pairs.decided, pairs.true)
    )
    return decided, true, shared


def weigh_mean_iou(pairs: RegionPairs, _: int) -> Weighed:
    """Return the mean IoU of the utterances that hold spoof.

    That of an utterance is the time that is decided spoof and is, over the time that either is: the
    Jaccard index. Utterances without spoof have none, and do not count; `duration_f1` counts what
    is decided of them.

    >>> from bench.metrics.regions import pair_regions
    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 320], [320, 1280], [False, True])
    >>> scored = frames_on_grid([4], 320, [-1.0, -1.0, -2.0, 1.0])
    >>> weigh_mean_iou(pair_regions(scored, truth), 0).value
    0.5
    """
    decided, true, shared = _share_time(pairs)
    either = decided + true - shared
    iou = np.divide(shared, either, out=np.zeros(len(either)), where=true > 0)
    return weigh_ratio(iou, (true > 0).astype(np.float64))


def weigh_duration_f1(pairs: RegionPairs, _: int) -> Weighed:
    """Return the F1 of spoof time, all utterances pooled.

    True and false positives and false negatives are durations, exact to the sample: the segment F1
    of ADD 2023.
    """
    decided, true, shared = _share_time(pairs)
    return weigh_ratio(2 * shared, decided + true)


def weigh_sentence_accuracy(pairs: RegionPairs, _: int) -> Weighed:
    """Return the share of utterances that have a decided region and a true one, or neither."""
    right = (pairs.n_decided > 0) == (pairs.n_true > 0)
    return weigh_ratio(right.astype(np.float64), np.ones(len(right)))


METRICS = (
    RegionMetric(
        name="boundary_f1",
        label="boundary F1",
        definition="F1 of the changes between bona fide and spoof, matched within the tolerance",
        source="Räsänen, Laine and Altosaar, Interspeech 2009 (F1 of segment boundaries at 20 ms); "
        "that directions have to agree is this suite's",
        setting="ms",
        at=20,
        order=57,
        weigh=weigh_boundary_f1,
    ),
    RegionMetric(
        name="mean_iou",
        label="mean IoU",
        definition="spoof time decided over spoof time either way, mean over utterances with spoof",
        source="Jaccard, New Phytologist 11, 1912; the mean over utterances is this suite's",
        order=58,
        weigh=weigh_mean_iou,
    ),
    RegionMetric(
        name="duration_f1",
        label="duration F1",
        definition="F1 of spoof time, exact to the sample",
        source="Yi et al., ADD 2023, arXiv:2305.13774 (track 2)",
        order=59,
        weigh=weigh_duration_f1,
    ),
    RegionMetric(
        name="sentence_accuracy",
        label="sentence accuracy",
        definition="share of utterances rightly decided to hold spoof or not",
        source="Yi et al., ADD 2023, arXiv:2305.13774 (track 2)",
        order=61,
        weigh=weigh_sentence_accuracy,
    ),
    MixedMetric(
        name="add2023",
        label="ADD 2023 score",
        definition="0.3 sentence accuracy + 0.7 duration F1",
        source="Yi et al., ADD 2023, arXiv:2305.13774 (track 2)",
        needs="regions",
        trials=("frames",),
        on_request=("frames",),
        order=62,
        parts=(("sentence_accuracy", 0.3), ("duration_f1", 0.7)),
    ),
)
