"""Two score files on the same trials: the difference of each metric, and whether it is chance."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.config import Form
from bench.errors import BenchError
from bench.evaluation.decided import (
    decide_frames,
    decide_utterances,
    weigh_decisions,
    weigh_regions,
)
from bench.evaluation.detection import items_of
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.file_names import distinct_names
from bench.evaluation.localization import name_at
from bench.evaluation.matched_scores import MatchedScores
from bench.evaluation.official import PACKAGE
from bench.issues import Issue
from bench.metrics.between import SystemDifference
from bench.metrics.breakdown import split_breakdown
from bench.metrics.f1 import decide_bonafide
from bench.metrics.grid import align_points, find_grid, point_items
from bench.metrics.items import Items, count_items
from bench.metrics.measure import FrameMetric, Measure
from bench.metrics.measure import Trials as TrialKind
from bench.metrics.paired import compare_items, compare_ratios, compare_weighed, correct_holm
from bench.metrics.plans import NothingToResample, Resampling
from bench.metrics.ratios import Ratios, count_confusions, decision_ratios
from bench.metrics.registry import frame_measures, select_metrics
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.timeline import LabelledStretches, ScoredFrames, select_frames, select_stretches
from bench.metrics.weighed import Weighed
from bench.units import SAMPLE_RATE_HZ, SPOOF


class Compared(NamedTuple):
    """One metric of both systems."""

    levels: tuple[str, ...]
    """Of each field broken down by."""
    metric: str
    """By name (`bench.metrics.catalogue`)."""
    a: float
    b: float
    difference: SystemDifference
    """`a` minus `b`."""
    corrected: float
    """The p-value, corrected for all cells that this metric is compared in (Holm)."""


@dataclass(frozen=True)
class Comparison:
    """Two evaluated score files."""

    corpus: str
    split: str
    a: Path
    b: Path
    names: tuple[str, str]
    """What the two systems are called."""
    trials: int
    """Utterances scored by both."""
    left_out: int
    """Utterances of the split that one or both lack."""
    resampling: str
    by: tuple[str, ...]
    compared: tuple[Compared, ...]
    findings: Mapping[str, tuple[Issue, ...]]
    """What is noteworthy about `keys`, `A` and `B`."""
    notes: tuple[str, ...]
    """What is not compared, and why."""
    form: Form = "paper"
    """`smoke`: on a miniature, never a result."""


def compare_score_files(
    evaluator: Evaluator, a: MatchedScores, b: MatchedScores, names: tuple[str, str] | None = None
) -> Comparison:
    """Return the paired differences of all metrics, pooled and in each cell of a breakdown.

    `names` are those of the systems, else the files' shortest names that differ. Only utterances
    scored by both are compared. BenchError where one file has scores of frames and the other of
    utterances, and where they have nothing in common.
    """
    common = np.flatnonzero(a.checked.present & b.checked.present)
    if not len(common):
        raise BenchError(
            "comparison.nothing-in-common",
            f"{a.file.path} and {b.file.path} have no trial in common",
        )
    if (a.truth is None) != (b.truth is None):
        raise BenchError(
            "comparison.frames-and-utterances",
            "one file has scores of frames and the other of utterances: their "
            "metrics cannot be compared",
        )
    if PACKAGE in evaluator.request.metrics:
        raise BenchError(
            "comparison.no-interval",
            f"{PACKAGE}: no difference has an interval: resamples repeat trials, and repeats are "
            "ties; compare by eer",
        )
    resampling = evaluator.make_resampling(of_frames=a.truth is not None)
    by: tuple[str, ...] = ()
    notes: list[str] = []
    all_shared = np.array_equal(a.checked.present, b.checked.present)
    if not all_shared:
        notes.append(
            f"results are of the {len(common):,} trials that both score; what is said of A or B "
            "alone is of all trials that it scores"
        )
    if _have_equal_scores(a, b, common):
        of_which = "" if all_shared else " for the trials that both score"
        notes.append(f"both files hold the same scores{of_which}")
    if a.truth is None:
        if len(evaluator.request.by) > 1:
            raise BenchError(
                "comparison.one-breakdown", "a comparison has one breakdown: give --by once"
            )
        by = evaluator.request.by[0] if evaluator.request.by else ()
        compared = [*_compare_utterances(evaluator, a, b, common, by, resampling)]
    else:
        compared = [*_compare_frames(evaluator, a, b, common, resampling, notes)]
    if not compared:
        notes.append("no metric is defined: the trials scored by both are of one class only")
    one, other = distinct_names([a.file.path, b.file.path])
    return Comparison(
        evaluator.request.card.key,
        evaluator.request.split,
        a.file.path,
        b.file.path,
        names or (one, other),
        len(common),
        len(evaluator.subset) - len(common),
        evaluator.describe_resampling(a.select_trials(common)),
        by,
        tuple(correct_p_values(compared)),
        {"keys": evaluator.findings, "A": a.checked.findings, "B": b.checked.findings},
        tuple(notes),
        evaluator.request.form,
    )


def _have_equal_scores(a: MatchedScores, b: MatchedScores, common: Integers) -> bool:
    """Return whether the trials in these rows have the same scores, and frames the same times."""
    if a.checked.frames is None or b.checked.frames is None:
        return np.array_equal(a.checked.score[common], b.checked.score[common])
    one, other = (select_frames(frames, common) for frames in (a.checked.frames, b.checked.frames))
    return all(np.array_equal(x, y) for x, y in zip(one, other, strict=True))


def _compare_utterances(
    evaluator: Evaluator,
    a: MatchedScores,
    b: MatchedScores,
    common: Integers,
    by: Sequence[str],
    resampling: Resampling,
) -> Iterator[Compared]:
    one, other = a.select_trials(common), b.select_trials(common)
    fields = {name: one.table[name].to_numpy() for name in a.roles if name in one.table}
    for cell in split_breakdown(one.is_spoof, fields, a.roles, by):
        if cell.defined:
            levels, measures = tuple(cell.levels.values()), evaluator.select_measures(cell)
            sides = items_of(one, cell), items_of(other, cell)
            yield from _compare_items(levels, *sides, measures, resampling)
    if one.is_spoof.all() or not one.is_spoof.any():
        return
    decided: list[tuple[Bools, Bools, Integers]] = []
    for trials in (one, other):
        classes = trials.score[~trials.is_spoof], trials.score[trials.is_spoof]
        threshold = decide_utterances(evaluator.request.threshold, *classes).threshold
        decided.append((trials.is_spoof, ~decide_bonafide(trials.score, threshold), trials.row))
    yield from _compare_decisions(decided, "utterances", evaluator.request.metrics, resampling)


def _compare_items(
    levels: tuple[str, ...],
    one: Items,
    other: Items,
    measures: Mapping[str, Measure],
    resampling: Resampling,
) -> Iterator[Compared]:
    counts = count_items(one), count_items(other)
    how, differences = (resampling.replicates, resampling.seed), dict[str, SystemDifference]()
    if resampling.replicates:
        with suppress(NothingToResample):
            plan = resampling.make_plan(one.unit, one.spoof)
            differences = compare_items(one, other, measures, plan, *how)
    for name, measure in measures.items():
        a, b = (measure(tally) for tally in counts)
        difference = differences.get(name, _without_interval(a - b))
        yield Compared(levels, name, a, b, difference, math.nan)


def _without_interval(difference: float) -> SystemDifference:
    """Return a difference without interval and p-value."""
    return SystemDifference(difference, math.nan, math.nan, math.nan, over_seeds=False)


def _compare_frames(
    evaluator: Evaluator,
    a: MatchedScores,
    b: MatchedScores,
    common: Integers,
    resampling: Resampling,
    notes: list[str],
) -> Iterator[Compared]:
    """Yield the results of frames; add to `notes` what the two grids do not allow."""
    (one, truth), (other, _) = _common_frames(a, common), _common_frames(b, common)
    if truth.is_spoof.all() or not truth.is_spoof.any():
        return
    for metric_name, metric in select_metrics(FrameMetric).items():
        pair = metric.items(one, truth), metric.items(other, truth)
        if pair[0].bonafide.any() and pair[0].spoof.any():
            yield from _compare_items((), *pair, {metric_name: metric.measure}, resampling)
    rules, asked = evaluator.request.rules, evaluator.request.metrics
    decisions = [
        decide_frames(evaluator.request.threshold, frames, truth, rules) for frames in (one, other)
    ]
    regions = [
        weigh_regions(frames, truth, decision, asked)
        for frames, decision in zip((one, other), decisions, strict=True)
    ]
    unit, spoof = regions[0][0].unit, regions[0][0].n_true
    yield from _compare_weighed(regions[0][1], regions[1][1], unit, spoof, resampling)
    try:
        coarser_s = max(find_grid(one), find_grid(other)) / SAMPLE_RATE_HZ
        at = [align_points(frames, truth, coarser_s, *rules) for frames in (one, other)]
    except BenchError as error:
        notes.append(f"no segment EER or F1 of frames: {error}")
        return
    items = point_items(at[0]), point_items(at[1])
    yield from _compare_items((), *items, name_at(frame_measures(), coarser_s), resampling)
    counted = [
        (frames.is_spoof, ~decide_bonafide(frames.score, decision.threshold), frames.utterance)
        for frames, decision in zip(at, decisions, strict=True)
    ]
    ratios = [decision_ratios(*columns) for columns in counted]
    yield from _compare_ratios(ratios[0], ratios[1], items[0], resampling)
    yield from _compare_decisions(counted, "frames", asked, resampling)


def _compare_ratios(
    one: Ratios, other: Ratios, items: Items, resampling: Resampling
) -> Iterator[Compared]:
    """Yield precision, recall and F1 where both define them; `items` are the frames of one."""
    names = [name for name in one.defined_ratios.names if name in other.defined_ratios.names]
    one, other = one.select_ratios(names), other.select_ratios(names)
    differences = {name: _without_interval(one.values[name] - other.values[name]) for name in names}
    if resampling.replicates:
        plan = resampling.make_plan(items.unit, items.spoof)
        differences = compare_ratios(one, other, plan, resampling.replicates, resampling.seed)
    for name, difference in differences.items():
        yield Compared((), name, one.values[name], other.values[name], difference, math.nan)


def _compare_decisions(
    sides: Sequence[tuple[Bools, Bools, Integers]],
    trials: TrialKind,
    asked: Sequence[str],
    resampling: Resampling,
) -> Iterator[Compared]:
    """Yield the metrics of decisions that are asked for.

    Each side has which items are spoof, which are decided so, and the codes of their utterances.
    """
    one, other = (count_confusions(*columns) for columns in sides)
    of_one = one.by_class[SPOOF]
    metrics = [weigh_decisions(counted, trials, asked) for counted in (one, other)]
    spoof = of_one.hits + of_one.misses
    yield from _compare_weighed(metrics[0], metrics[1], one.unit, spoof, resampling)


def _compare_weighed(
    one: Mapping[str, Weighed],
    other: Mapping[str, Weighed],
    unit: Integers,
    spoof: Floats,
    resampling: Resampling,
) -> Iterator[Compared]:
    """Yield the metrics of the utterances `unit` that both define; `spoof` is what each has."""
    values = {name: (metric.value, other[name].value) for name, metric in one.items()}
    names = [name for name, pair in values.items() if not np.isnan(pair).any()]
    differences = {name: _without_interval(values[name][0] - values[name][1]) for name in names}
    if resampling.replicates and names:
        a, b = ({name: system[name] for name in names} for system in (one, other))
        with suppress(NothingToResample):
            plan = resampling.make_plan(unit, spoof)
            how = resampling.replicates, resampling.seed
            differences = compare_weighed(a, b, unit, plan, *how)
    for name, difference in differences.items():
        yield Compared((), name, *values[name], difference, math.nan)


def _common_frames(
    matched: MatchedScores, common: Integers
) -> tuple[ScoredFrames, LabelledStretches]:
    frames, truth = matched.checked.frames, matched.truth
    assert frames is not None
    assert truth is not None
    return select_frames(frames, common), select_stretches(truth, common)


def correct_p_values(compared: Sequence[Compared]) -> Iterator[Compared]:
    """Yield all with corrected p-values, metric by metric; those without one stay as they are."""
    for name in dict.fromkeys(each.metric for each in compared):
        group = [each for each in compared if each.metric == name]
        p_values = [each.difference.p_value for each in group]
        corrected = iter(correct_holm([p for p in p_values if not math.isnan(p)]))
        for each in group:
            untested = math.isnan(each.difference.p_value)
            yield each if untested else each._replace(corrected=next(corrected))
