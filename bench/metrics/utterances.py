"""The equal error rate of utterances that are evaluated by their frames."""

from __future__ import annotations

import numpy as np

from bench.errors import BenchError
from bench.metrics.det import EerResult, equal_error_rate
from bench.metrics.items import Items, items_eer, make_items
from bench.metrics.measure import FrameMetric
from bench.metrics.timeline import LabelledStretches, ScoredFrames, match_utterances

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def utterance_items(frames: ScoredFrames, reference: LabelledStretches) -> Items:
    """Return each utterance as an item of its lowest frame score.

    It is spoof where any of its samples is, as in PartialSpoof's scripts. Frames past an
    utterance's end do not count. Raise BenchError where frames and reference are not of the same
    utterances, or all frames of one are past its end.
    """
    pair = match_utterances(frames, reference)
    inside = frames.start < np.repeat(pair.length, pair.scored.items)
    lowest = np.minimum.reduceat(np.where(inside, frames.score, np.inf), pair.scored.first)
    without = np.flatnonzero(np.isinf(lowest))
    if len(without):
        raise BenchError(
            "metric.frames-malformed",
            f"utterance {pair.scored.utterance[without[0]]}: it ends before its first scored frame "
            f"({len(without)} such)",
        )
    any_spoof = np.logical_or.reduceat(reference.is_spoof, pair.labelled.first)
    return make_items(lowest, any_spoof, pair.scored.utterance)


def utterance_eer(frames: ScoredFrames, reference: LabelledStretches) -> EerResult:
    """Return the EER of utterances evaluated by their lowest frame score, a fraction.

    Definition and errors as for `utterance_items` and `bench.metrics.det.eer_by_class`; a
    BenchError is raised where a class has no utterance.

    >>> from bench.metrics.timeline import frames_on_grid, make_stretches
    >>> truth = make_stretches([0, 1, 1], [0, 0, 480], [960, 480, 960], [False, False, True])
    >>> utterance_eer(frames_on_grid([3, 3], 320, [3.0, 2.0, 3.0, 4.0, 4.0, 1.0]), truth).eer
    0.0
    """
    return items_eer(utterance_items(frames, reference))


METRICS = (
    FrameMetric(
        name="utterance_eer",
        label="utterance EER",
        unit="rate",
        better="lower",
        definition="EER of utterances by their lowest frame",
        source="Zhang et al., IEEE/ACM TASLP 31, 2023 (PartialSpoof), and its metric scripts",
        order=51,
        items=utterance_items,
        measure=equal_error_rate,
    ),
)
