"""Spans in seconds to one label a frame, in whole samples at 16 kHz.

Every stamp is rounded to its nearest sample once; all that follows is integer arithmetic, so a
boundary that lies on the frame grid stays on it. `any-spoof` is PartialSpoof's rule (Zhang et al.,
IEEE/ACM TASLP 31, 2023): a frame is spoof if any of its samples is, and the last, shorter frame
counts. `floor` is what SAL's released code does with HAD and LlamaPartialSpoof, both ends of a span
and the duration floored to the grid, with its float fault repaired: there `int(0.58 / 0.02)` gives
28, and one boundary in eleven on the 20 ms grid falls a frame short. Stamps of up to four decimals,
the finest in any of these corpora, are floored exactly; finer ones may round up onto the grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from bench.data.subset import Span
from bench.errors import BenchError, near_name
from bench.metrics.grid import Rule, frames_by_rule
from bench.metrics.tally import Bools
from bench.units import CLASSES, SAMPLE_RATE_HZ, SPOOF, frame_samples, to_samples

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

TOLERANCE_S = 0.01
"""Largest gap or overlap at the joint of two spans, and at either end of the utterance: one step of
the coarsest stamps in use. HAD prints two decimals while its files end on any sample; nothing finer
can be asked of it."""


class Stretch(NamedTuple):
    """Samples from `start` up to, not including, `end`."""

    start: int
    end: int


def spoof_frames(
    spans: Sequence[Span], duration_s: float, resolution_s: float, rule: Rule
) -> Bools:
    """Return one bool a frame, True where the frame is spoof.

    `spans` cover the utterance from 0 to `duration_s` in order. Where two of them, or an end of the
    utterance, miss each other by no more than `TOLERANCE_S`, a span reaches to the start of the
    next one and the last to the end.

    `any-spoof` gives ceil(duration / resolution) frames. `floor` gives floor(duration /
    resolution), none for an utterance shorter than a frame, with spoof from frame floor(start /
    resolution) up to, not including, floor(end / resolution): a span moves left by up to a frame
    and one shorter than a frame may vanish.

    Raise BenchError for spans that overlap, leave a gap, run backwards or past the duration, are
    not finite, or carry a label that is not one of `units.CLASSES`; ValueError for a resolution
    that is no whole number of samples.
    """
    frame = frame_samples(resolution_s)
    stretches = spoof_stretches(spans, duration_s)
    return mark_spoof_frames(stretches, _count_samples(duration_s), frame, rule)


def mark_spoof_frames(
    stretches: Iterable[Stretch], n_samples: int, frame: int, rule: Rule
) -> Bools:
    """Return one bool for each frame of `frame` samples, True where the frame is spoof.

    `stretches` are the spoof samples; `spoof_frames` explains the rules.
    """
    spoof = np.zeros(frames_by_rule(n_samples, frame, rule), dtype=np.bool_)
    for stretch in stretches:
        spoof[stretch.start // frame : frames_by_rule(stretch.end, frame, rule)] = True
    return spoof


def _count_samples(duration_s: float) -> int:
    if not math.isfinite(duration_s) or to_samples(duration_s) < 1:
        raise BenchError(
            "labels.no-duration", f"duration {duration_s} s: an utterance lasts at least one sample"
        )
    return to_samples(duration_s)


def spoof_stretches(spans: Sequence[Span], duration_s: float) -> list[Stretch]:
    """Return the samples of each spoof span that is not empty.

    Arguments and errors are those of `spoof_frames`.
    """
    n_samples = _count_samples(duration_s)
    _check_spans(spans, n_samples)
    starts = [0, *(to_samples(span.start_s) for span in spans[1:]), n_samples]
    stretches = [
        Stretch(max(starts[i], 0), min(starts[i + 1], n_samples))
        for i, span in enumerate(spans)
        if span.label == SPOOF
    ]
    return [stretch for stretch in stretches if stretch.start < stretch.end]


def _check_spans(spans: Sequence[Span], n_samples: int) -> None:
    """Raise BenchError at the first span that is wrong in itself or does not meet its neighbour."""
    if not spans:
        raise BenchError(
            "labels.invalid-span",
            "no spans: they must cover the utterance from its start to its end",
        )
    reached = 0
    for i, span in enumerate(spans):
        here = f"span {i + 1} of {len(spans)}, {span.start_s} to {span.end_s} s"
        if span.label not in CLASSES:
            raise BenchError(
                "labels.unknown-class",
                f"{here}: no class {span.label!r}{near_name(span.label, CLASSES)}",
            )
        if not (math.isfinite(span.start_s) and math.isfinite(span.end_s)):
            raise BenchError(
                "labels.invalid-span", f"{here}: both ends must be finite numbers of seconds"
            )
        if span.end_s < span.start_s:
            raise BenchError("labels.invalid-span", f"{here}: it ends before it begins")
        _check_meeting(
            f"{here}: it begins", to_samples(span.start_s), reached, "the end of the one before it"
        )
        reached = to_samples(span.end_s)
    last = f"the last of {len(spans)} spans ends at {spans[-1].end_s} s: it ends"
    _check_meeting(last, reached, n_samples, "the end of the utterance")


def _check_meeting(what: str, is_at: int, should_be_at: int, named: str) -> None:
    """Raise BenchError where two places, in samples, differ by more than the tolerance."""
    distance = is_at - should_be_at
    if abs(distance) > to_samples(TOLERANCE_S):
        side = "after" if distance > 0 else "before"
        raise BenchError(
            "labels.gap",
            f"{what} {abs(distance) / SAMPLE_RATE_HZ:.4f} s {side} {named}; spans must follow one "
            f"another from 0 s to the end without gap or overlap (at most {TOLERANCE_S} s)",
        )
