"""Which columns hold the times of frames, by name where they behave so, else by what they hold."""

from __future__ import annotations

import numpy as np

from bench.evaluation.sample import Sample
from bench.metrics.tally import Bools, Floats

_SHARE = 0.8
"""Of neighbouring frames of an utterance that are in order, at least; frames may come unordered
now and then, but numbers that are no times rise half of the time."""


def find_times(
    sample: Sample, utterance: int, score: tuple[int, ...]
) -> tuple[int | None, int | None, bool]:
    """Return the columns of frames' starts and ends, and whether starts count from 0 in steps of 1.

    A column is None where there is none. With a header they are known by name; `time` alone says
    nothing unless utterances have several rows and it rises within them, else it is what the system
    took. Without a header they need several rows per utterance, starts that rise, and ends above
    them that rise too. `score` are columns that the user says hold scores.
    """
    free = [i for i in range(sample.count) if i != utterance and i not in score]
    repeats = sample.has_repeats(utterance)
    within = sample.same_id(utterance)
    if sample.names:
        starts = [i for i in sample.columns_of_kind("start") if i in free]
        times = [i for i in sample.columns_of_kind("time") if i in free and repeats]
        starts += [i for i in times if _is_rising(sample, i, within)]
        ends = [i for i in sample.columns_of_kind("end") if i in free]
        if not starts:
            return None, None, False
        is_counted = _is_counted(sample.to_floats(starts[0]), within)
        return starts[0], ends[0] if ends else None, is_counted
    free = [i for i in free if sample.is_numeric(i)]
    if not repeats or len(free) < (1 if score else 2) or not _is_rising(sample, free[0], within):
        return None, None, False
    start, *rest = free
    many = [i for i in rest if not sample.are_digits(i)] or rest
    has_end = len(many) > (0 if score else 1) and _are_ends(sample, start, many[0], within)
    return start, many[0] if has_end else None, _is_counted(sample.to_floats(start), within)


def _is_rising(sample: Sample, i: int, within: Bools) -> bool:
    values = sample.to_floats(i)[: len(within) + 1]
    if not (values >= 0).all():
        return False
    steps = np.diff(values)[within]
    return bool(len(steps)) and float(np.mean(steps > 0)) >= _SHARE


def _are_ends(sample: Sample, start: int, end: int, within: Bools) -> bool:
    starts, ends = (sample.to_floats(column)[: len(within) + 1] for column in (start, end))
    return bool((ends > starts).all()) and _is_rising(sample, end, within)


def _is_counted(starts: Floats, within: Bools) -> bool:
    if not np.isfinite(starts).all() or (starts % 1).any():
        return False
    steps = np.diff(starts[: len(within) + 1])[within]
    ones = int((steps == 1).sum())
    return bool(len(steps)) and ones >= _SHARE * len(steps)
