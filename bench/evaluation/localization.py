"""Results of scored frames: at several resolutions, by ranges, by class, by where frames are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import numpy as np

from bench.errors import BenchError
from bench.evaluation.decided import measure_decisions, measure_regions
from bench.evaluation.score_report import Breakdown, BreakdownLine
from bench.metrics.breakdown import BreakdownCell
from bench.metrics.f1 import Decision, decide_bonafide
from bench.metrics.grid import (
    FramePoints,
    FrameRules,
    LastFrame,
    align_points,
    find_grid,
    point_items,
)
from bench.metrics.measure import FrameMetric, Measure
from bench.metrics.measured import MetricResult, measure_items, measure_ratios
from bench.metrics.plans import Resampling, sum_groups
from bench.metrics.positions import FrameErrors, distance_errors, position_errors
from bench.metrics.ranges import weigh_ranges
from bench.metrics.ratios import Ratios, decision_ratios, group_ratios
from bench.metrics.registry import frame_measures, select_metrics
from bench.metrics.tally import Floats
from bench.metrics.timeline import LabelledStretches, ScoredFrames, select_frames, select_stretches
from bench.units import BONAFIDE, SAMPLE_RATE_HZ

_LAST: Mapping[LastFrame, str] = {
    "keep": "an utterance's last frame counts however little the utterance has of it, as in "
    "PartialSpoof's metric script (--last-frame)",
    "drop": "an utterance's last frame is left out where the utterance ends within it, unless it "
    "has no other, as in PartialSpoof's model code (--last-frame)",
    "round": "an utterance's last frame counts where the utterance fills half of it or more, as in "
    "partialspoof-metrics (--last-frame)",
}


class FrameResults(NamedTuple):
    """All results of scored frames."""

    results: dict[str, MetricResult]
    breakdowns: tuple[Breakdown, ...]
    notes: tuple[str, ...]


def evaluate_frames(
    frames: ScoredFrames,
    reference: LabelledStretches,
    resolutions_s: Sequence[float],
    rules: FrameRules,
    decision: Decision,
    resampling: Resampling,
    asked: Collection[str] = (),
) -> FrameResults:
    """Return every result of localization, fractions, by name (`bench.metrics.catalogue`).

    `asked` are the names of those that are given on request alone.

    `eer` is the segment EER at the frames' own resolution, `eer_<n>ms` at each of `resolutions_s`
    that the frames and the labels allow; where frames lie on no grid there is neither, nor what is
    counted in frames, and a note says so. Precision, recall and F1 of either class and the errors
    by position and by distance to a boundary are at the frames' own resolution, by `decision`. So
    are the regions, which need no grid.
    """
    results = measure_gridless(frames, reference, resampling, by_time=True)
    of_regions = measure_regions(frames, reference, decision, asked, resampling)
    notes = _describe_coverage(frames, reference)
    breakdowns: tuple[Breakdown, ...] = ()
    try:
        at_own = place_on_grid(frames, reference, rules)
    except BenchError as error:
        notes.append(f"no segment EER, F1 of frames or errors by position: {error}")
        results |= of_regions
    else:
        by_resolution, lacking = measure_resolutions(
            frames, reference, resolutions_s, rules, resampling
        )
        results |= {
            **measure_items(point_items(at_own), frame_measures(), resampling),
            **_measure_ratios(at_own, decision, resampling),
            **measure_decisions(
                at_own.score,
                at_own.is_spoof,
                at_own.utterance,
                decision,
                "frames",
                asked,
                resampling,
            ),
            **of_regions,
            **by_resolution,
        }
        notes += _describe_resolutions(at_own, lacking, rules, decision)
        breakdowns = _break_down_errors(at_own, reference, decision, resampling)
    notes.append(_describe_regions(decision))
    results |= measure_gridless(frames, reference, resampling, by_time=False)
    return FrameResults(results, breakdowns, tuple(notes))


def measure_gridless(
    frames: ScoredFrames, reference: LabelledStretches, resampling: Resampling, *, by_time: bool
) -> dict[str, MetricResult]:
    """Return the metrics of frames that need no grid, where they are defined.

    With `by_time` those that weigh errors by their duration, else the others.
    """
    results: dict[str, MetricResult] = {}
    for name, metric in select_metrics(FrameMetric).items():
        if metric.by_time == by_time:
            items = metric.items(frames, reference)
            if items.bonafide.any() and items.spoof.any():
                results |= measure_items(items, {name: metric.measure}, resampling)
    return results


def measure_resolutions(
    frames: ScoredFrames,
    labels: LabelledStretches,
    resolutions_s: Iterable[float],
    rules: FrameRules,
    resampling: Resampling,
) -> tuple[dict[str, MetricResult], list[float]]:
    """Return the metrics of frames at each resolution, and the resolutions that do not fit.

    These are neither whole multiples nor fractions of the frames or of the labels' frames. A
    resolution at which a class has no frame has no metrics.
    """
    results: dict[str, MetricResult] = {}
    lacking: list[float] = []
    for resolution_s in resolutions_s:
        try:
            items = point_items(align_points(frames, labels, resolution_s, *rules))
        except BenchError:
            lacking.append(resolution_s)
            continue
        if items.bonafide.any() and items.spoof.any():
            measures = name_at(frame_measures(), resolution_s)
            results |= measure_items(items, measures, resampling)
    return results, lacking


def _describe_coverage(frames: ScoredFrames, reference: LabelledStretches) -> list[str]:
    """Return notes on time without a score, and on frames past the ends of utterances."""
    covered = weigh_ranges(frames, reference)
    notes: list[str] = []
    if covered.uncovered:
        seconds = covered.uncovered / SAMPLE_RATE_HZ
        notes.append(f"{seconds:.2f} s have no score and count as decided bona fide")
    if covered.beyond:
        seconds = covered.beyond / SAMPLE_RATE_HZ
        notes.append(f"{seconds:.2f} s of frames lie past the ends of utterances; not counted")
    return notes


def _describe_resolutions(
    at_own: FramePoints, lacking: Sequence[float], rules: FrameRules, decision: Decision
) -> list[str]:
    """Return notes on what results are of frames of which length."""
    own_ms = f"{1000 * at_own.frame / SAMPLE_RATE_HZ:g} ms"
    what = f"EER, precision, recall, F1 and error rates are of frames of {own_ms}, as scored"
    notes = [f"{what}; decided bona fide by {decision.rule}"]
    more_scores, more_labels, largest = at_own.surplus
    if more_scores or more_labels:
        notes.append(
            f"at {own_ms}, {more_scores:,} utterances have more scores than labels and "
            f"{more_labels:,} fewer, by up to {largest} frames; frames that only one of them has "
            "are left out"
        )
    if lacking:
        resolutions = ", ".join(f"{1000 * resolution_s:g}" for resolution_s in lacking)
        notes.append(
            f"no EER at {resolutions} ms: neither whole multiples nor fractions of the "
            f"scores' {own_ms}, or of the labels' frames (range EER needs no grid)"
        )
    notes.append(
        "EER at other resolutions: a coarser frame has its lowest score and is spoof if any of "
        "it is; finer frames repeat the score"
    )
    return [*notes, _LAST[rules.last]]


def _describe_regions(decision: Decision) -> str:
    """Return a note on what a region is, and what it is matched by."""
    return (
        f"event F1: frames are decided bona fide by {decision.rule}, and a run of spoof frames is "
        "a region; it matches a spoof region of the labels if their intersection over union "
        "exceeds the IoU. A high F1 of frames can hide a low event F1"
    )


def _break_down_errors(
    at_own: FramePoints, reference: LabelledStretches, decision: Decision, resampling: Resampling
) -> tuple[Breakdown, ...]:
    """Return the error rates by where frames are."""
    errors = {
        "position in the segment": position_errors(at_own, decision),
        "distance to the boundary": distance_errors(at_own, reference, decision),
    }
    return tuple(_measure_errors(by, each, at_own, resampling) for by, each in errors.items())


def place_on_grid(
    frames: ScoredFrames, reference: LabelledStretches, rules: FrameRules
) -> FramePoints:
    """Return frames and labels at the frames' own resolution; BenchError without a grid."""
    return align_points(frames, reference, find_grid(frames) / SAMPLE_RATE_HZ, *rules)


def evaluate_cell(
    frames: ScoredFrames,
    reference: LabelledStretches,
    cell: BreakdownCell,
    rules: FrameRules,
    decision: Decision,
    resampling: Resampling,
    asked: Collection[str] = (),
) -> dict[str, MetricResult]:
    """Return the results of frames of a cell's utterances; none for a cell without both classes.

    These are the segment EER at their own resolution, where frames are on a grid, the range EER,
    and the metrics of regions that are `asked` for, by `decision`. A factor of spoofs keeps all
    bona fide utterances; the bona fide parts of spoofed utterances go with these.
    """
    rows = np.concatenate([cell.bonafide, cell.spoof])
    frames, reference = select_frames(frames, rows), select_stretches(reference, rows)
    if reference.is_spoof.all() or not reference.is_spoof.any():
        return {}
    results: dict[str, MetricResult] = {}
    with suppress(BenchError):  # on no grid, as the pooled results have said
        items = point_items(place_on_grid(frames, reference, rules))
        results |= measure_items(items, frame_measures(), resampling)
    results |= measure_gridless(frames, reference, resampling, by_time=True)
    of_regions = measure_regions(frames, reference, decision, asked, resampling) if asked else {}
    return results | {name: of_regions[name] for name in of_regions if name in asked}


def name_at(measures: Mapping[str, Measure], resolution_s: float) -> dict[str, Measure]:
    """Return measures by their names at a resolution: `eer_160ms`."""
    return {f"{name}_{round(1000 * resolution_s)}ms": each for name, each in measures.items()}


def _measure_ratios(
    at_own: FramePoints, decision: Decision, resampling: Resampling
) -> dict[str, MetricResult]:
    decided_spoof = ~decide_bonafide(at_own.score, decision.threshold)
    ratios = decision_ratios(at_own.is_spoof, decided_spoof, at_own.utterance)
    return measure_ratios(ratios, _count_spoof(ratios, at_own), resampling)


def _measure_errors(
    by: str, errors: FrameErrors, at_own: FramePoints, resampling: Resampling
) -> Breakdown:
    """Return the error rate of each group that has a frame."""
    ratios = group_ratios(errors.names, errors.group, errors.wrong, errors.unit)
    rates = measure_ratios(ratios, _count_spoof(ratios, at_own), resampling)
    frames = ratios.whole.sum(axis=0).astype(int).tolist()
    lines = [
        BreakdownLine(
            (name,), *((n, 0) if name.startswith(BONAFIDE) else (0, n)), {"error": rates[name]}
        )
        for name, n in zip(errors.names, frames, strict=True)
        if name in rates
    ]
    return Breakdown((by,), tuple(lines))


def _count_spoof(ratios: Ratios, at_own: FramePoints) -> Floats:
    """Return how many frames of each of the ratios' utterances are spoof."""
    position = np.searchsorted(ratios.unit, at_own.utterance)
    return sum_groups(position, at_own.is_spoof.astype(np.float64), len(ratios.unit))
