"""Errors of frames by their position in a segment and their distance to a change of class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.metrics.f1 import Decision, decide_bonafide
from bench.metrics.grid import FramePoints
from bench.metrics.measure import Metric
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import LabelledStretches, count_within, find_runs
from bench.units import CLASSES, SAMPLE_RATE_HZ

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

POSITIONS = ("start", "middle", "end", "unit")
START, MIDDLE, END, UNIT = range(len(POSITIONS))
POSITION_NAMES = tuple(f"{name}-{position}" for name in CLASSES for position in POSITIONS)
"""The eight classes of SAL's labels, in order: 4 * class + position (released SAL has spoof
first)."""

DISTANCES_MS = (20, 40, 80, 160, 320, 640)
"""Where the bins of distance meet: below 20 ms, 20 to 40 ms, ..., 640 ms and above."""


class FrameErrors(NamedTuple):
    """Which frames are wrong and which group each belongs to; arrays of shape (n,).

    `bench.metrics.ratios.group_ratios` makes error rates of them, to be resampled.
    """

    names: tuple[str, ...]
    """Names of the groups, k of them."""
    group: Integers
    """Index into `names`."""
    wrong: Bools
    """True where the decision is not the label's class."""
    unit: Integers
    """What is drawn as a whole when resampling: the code of the utterance."""
    decision: Decision


def position_errors(points: FramePoints, decision: Decision) -> FrameErrors:
    """Return the errors of frames by class and position in their segment: `POSITION_NAMES`.

    A segment is a run of frames of one label within an utterance; its first frame is `start`, its
    last `end`, those between `middle`, and a run of one frame is `unit` (SAL, Mao et al., ICASSP
    2026, section 2.1; its figure 3 shows these rates, of which class and at which threshold it does
    not say). Both ends of the utterance are borders. `bench.models.segment_positions` makes the
    same labels for training.

    >>> from bench.metrics.f1 import ARGMAX
    >>> from bench.metrics.grid import align_points
    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 320], [320, 1280], [False, True])
    >>> found = align_points(frames_on_grid([4], 320, [1.0, 2.0, -1.0, -1.0]), truth, 0.02)
    >>> errors = position_errors(found, ARGMAX)
    >>> [errors.names[group] for group in errors.group[errors.wrong]]
    ['spoof-start']
    """
    same = (points.utterance[1:] == points.utterance[:-1]) & (
        points.is_spoof[1:] == points.is_spoof[:-1]
    )
    to_previous, to_next = np.append(False, same), np.append(same, False)
    position = np.where(
        to_previous, np.where(to_next, MIDDLE, END), np.where(to_next, START, UNIT)
    ).astype(np.int64)
    return _collect_errors(
        points, decision, POSITION_NAMES, len(POSITIONS) * points.is_spoof + position
    )


def distance_errors(
    points: FramePoints,
    reference: LabelledStretches,
    decision: Decision,
    edges_ms: Sequence[float] = DISTANCES_MS,
) -> FrameErrors:
    """Return the errors of frames by class and distance to the nearest change of class.

    The distance is that from the frame's centre to the reference's boundary, to the sample, in
    either direction; ends of utterances are no boundaries, and frames of utterances without any
    are a group of their own. `edges_ms`, ascending, are where bins meet; a distance that is an edge
    belongs to the bin above it. The label is that of `points`: under any-spoof a whole bona fide
    frame is at least half a frame away, while a spoof frame may hold the boundary.

    Raise BenchError for edges that do not ascend from above 0, and for a reference that is not the
    one `points` were made with.

    >>> from bench.metrics.f1 import ARGMAX
    >>> from bench.metrics.grid import align_points
    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 0], [0, 320], [320, 1280], [False, True])
    >>> found = align_points(frames_on_grid([4], 320, [1.0, 2.0, -1.0, -1.0]), truth, 0.02)
    >>> errors = distance_errors(found, truth, ARGMAX, [20])
    >>> [errors.names[group] for group in errors.group[errors.wrong]]
    ['spoof below 20 ms']
    """
    edges = np.asarray(edges_ms, dtype=np.float64)
    if not len(edges) or edges[0] <= 0 or (np.diff(edges) <= 0).any():
        raise BenchError(
            "metric.distance-bins",
            f"bins of distance meet at ascending places above 0 ms, not {edges_ms}",
        )
    distance_ms = 1000 / SAMPLE_RATE_HZ * _boundary_distances(points, reference)
    bins = np.where(
        np.isinf(distance_ms), len(edges) + 1, np.searchsorted(edges, distance_ms, side="right")
    )
    ways = name_distances(edges.tolist())
    names = tuple(f"{name} {way}" for name in CLASSES for way in ways)
    return _collect_errors(points, decision, names, len(ways) * points.is_spoof + bins)


def name_distances(edges_ms: Sequence[float] = DISTANCES_MS) -> tuple[str, ...]:
    """Return the names of the bins of distance, the nearest first.

    >>> name_distances([20, 40])
    ('below 20 ms', '20 to 40 ms', '40 ms and above', 'without boundary')
    """
    meets = [f"{edge:g}" for edge in edges_ms]
    between = (f"{low} to {high} ms" for low, high in pairwise(meets))
    return (f"below {meets[0]} ms", *between, f"{meets[-1]} ms and above", "without boundary")


def _collect_errors(
    points: FramePoints, decision: Decision, names: tuple[str, ...], group: Integers
) -> FrameErrors:
    decided_spoof = ~decide_bonafide(points.score, decision.threshold)
    return FrameErrors(names, group, decided_spoof != points.is_spoof, points.utterance, decision)


def _boundary_distances(points: FramePoints, reference: LabelledStretches) -> Floats:
    """Return the samples from each frame's centre to the nearest boundary of its utterance.

    They are infinite where the utterance has no boundary.
    """
    labelled, scored = find_runs(reference.utterance), find_runs(points.utterance)
    in_reference = np.searchsorted(labelled.utterance, scored.utterance)
    if not np.isin(scored.utterance, labelled.utterance).all():
        raise BenchError(
            "metric.trials-differ", "there are frames of utterances that the reference has not"
        )
    lengths = reference.end[labelled.first + labelled.items - 1]
    # Utterances end to end, each with room for a last frame that reaches past its end.
    room = lengths + points.frame
    begins = np.cumsum(room) - room
    inner = reference.start > 0
    boundary = (np.repeat(begins, labelled.items) + reference.start)[inner].astype(np.float64)
    last = np.searchsorted(boundary, begins + lengths)
    first = np.searchsorted(boundary, begins)
    frame = (
        np.repeat(begins[in_reference], scored.items) + count_within(scored.items) * points.frame
    )
    centre = frame + points.frame / 2
    above = np.searchsorted(boundary, centre)
    padded = np.concatenate([[-np.inf], boundary, [np.inf]])
    before = np.where(above > np.repeat(first[in_reference], scored.items), padded[above], -np.inf)
    after = np.where(above < np.repeat(last[in_reference], scored.items), padded[above + 1], np.inf)
    return np.minimum(centre - before, after - centre)


METRICS = (
    Metric(
        name="error",
        label="error rate",
        unit="rate",
        better="lower",
        definition="share of frames decided wrongly",
        source="Mao et al. (SAL), ICASSP 2026, figure 3, by position; by distance: this suite",
        needs="decisions",
        trials=("frames",),
        by_logit=False,
        logged=False,
        order=60,
    ),
)
