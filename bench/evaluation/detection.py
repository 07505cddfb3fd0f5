"""Results of whole utterances: pooled and by the levels of any fields, each with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.data.parallel import Progress
from bench.evaluation.official import PACKAGE, OfficialMetrics, list_broken_down
from bench.evaluation.score_report import Breakdown, BreakdownLine, TiedEer
from bench.metrics.bootstrap import choose_threads
from bench.metrics.breakdown import POOLED, BreakdownCell, Role, split_breakdown
from bench.metrics.det import eer_official, ties_at_eer
from bench.metrics.eer_variants import order_range
from bench.metrics.items import Items, make_items
from bench.metrics.measured import MetricResult, measure_items
from bench.metrics.plans import Resampling, ResamplingFactors, make_factors
from bench.metrics.registry import LOGIT, describe_metrics
from bench.metrics.tally import Bools, Floats, Integers, count_scores
from bench.units import BONAFIDE


class Trials(NamedTuple):
    """Utterances to evaluate, in the keys' order."""

    score: Floats
    is_spoof: Bools
    table: pd.DataFrame
    """Their rows of the corpus's table, numbered from 0."""
    row: Integers
    """Where they are in that table."""


def factors_of(table: pd.DataFrame, *, of_frames: bool = False) -> ResamplingFactors:
    """Return what a split's utterances depend on; units are rows of the corpus's table.

    With `of_frames`, utterances are drawn in the order of their ids, as in the score files of runs,
    so that both have one interval.
    """
    attack = np.where(table["label"] == BONAFIDE, "", table["attack"].astype(object))
    speaker = table["speaker"].to_numpy(dtype=object)
    names = table["utterance"].tolist() if of_frames else None
    return make_factors(np.arange(len(table)), speaker, attack, names)


def compute_pooled(
    trials: Trials,
    official: OfficialMetrics,
    resampling: Resampling,
    asked: Collection[str] = (),
) -> dict[str, MetricResult]:
    """Return all results of the trials together, by name, and those `asked` for.

    `eer_official`, which has no interval, stands beside `eer` where ties make them differ.
    """
    cell = pool_trials(trials)
    measures = official.select_measures(cell, (*official.names, *asked))
    results = measure_items(items_of(trials, cell), measures, resampling)
    package = _package_eer(trials, cell)
    return _with_package(results, package) if package.value != results["eer"].value else results


def _package_eer(trials: Trials, cell: BreakdownCell) -> MetricResult:
    """Return the EER of ASVspoof's packages, without an interval.

    Resamples repeat trials, and repeats are ties.
    """
    rate = eer_official(trials.score[cell.bonafide], trials.score[cell.spoof]).eer
    return MetricResult(rate, math.nan, math.nan)


def _with_package(
    results: Mapping[str, MetricResult], package: MetricResult
) -> dict[str, MetricResult]:
    """Return results with that of ASVspoof's packages beside the EER."""
    eer = {name: results[name] for name in ("eer",) if name in results}
    return {**eer, PACKAGE: package, **results}


def compute_by_logit(
    trials: Trials, official: OfficialMetrics, resampling: Resampling
) -> dict[str, MetricResult]:
    """Return the results by the bona fide logit, by name (`eer_bonafide_logit`).

    They are those that depend on which of two scores a system is judged by.
    """
    cell = pool_trials(trials)
    metrics = describe_metrics()
    names = [name for name in official.names if metrics[name].by_logit]
    measures = official.select_measures(cell, names)
    results = measure_items(items_of(trials, cell), measures, resampling)
    return {f"{name}{LOGIT}": result for name, result in results.items()}


def pool_trials(trials: Trials) -> BreakdownCell:
    """Return the cell of all trials."""
    return BreakdownCell({}, np.flatnonzero(~trials.is_spoof), np.flatnonzero(trials.is_spoof))


def compute_breakdown(
    trials: Trials,
    roles: Mapping[str, Role],
    by: Sequence[str],
    results_of: Callable[[BreakdownCell], Mapping[str, MetricResult]],
    progress: Progress | None = None,
    *,
    of_frames: bool = False,
) -> Breakdown:
    """Return the results of every cell of the breakdown by the fields `by`, margins included.

    `trials` are those of the keys, with NaN for trials without a score: these are left out, and
    counted by cell. Conventions and errors as `bench.metrics.breakdown.split_breakdown`.
    `results_of` is called for each cell with both classes, by several threads; `progress` gets how
    many cells are done, and of how many. Ties are looked for unless results are `of_frames`.
    """
    fields = {name: trials.table[name].to_numpy() for name in roles if name in trials.table}
    scored = ~np.isnan(trials.score)
    grid = list(split_breakdown(trials.is_spoof, fields, roles, by))

    def compute_line(whole: BreakdownCell) -> BreakdownLine:
        bonafide, spoof = (rows[scored[rows]] for rows in (whole.bonafide, whole.spoof))
        cell = whole._replace(bonafide=bonafide, spoof=spoof)
        measured: Mapping[str, MetricResult] = results_of(cell) if cell.defined else {}
        levels = tuple(cell.levels.values())
        missing = len(whole.bonafide) - len(bonafide) + len(whole.spoof) - len(spoof)
        ties = _find_ties(trials, cell) if "eer" in measured and not of_frames else None
        return BreakdownLine(levels, len(bonafide), len(spoof), measured, missing, ties)

    lines: list[BreakdownLine] = []
    with ThreadPoolExecutor(choose_threads()) as pool:
        for line in pool.map(compute_line, grid):
            lines.append(line)
            if progress is not None:
                progress(len(lines), len(grid))
    return Breakdown(tuple(by), tuple(lines))


def _find_ties(trials: Trials, cell: BreakdownCell) -> TiedEer | None:
    counts = count_scores(trials.score[cell.bonafide], trials.score[cell.spoof])
    tied = ties_at_eer(counts)
    if tied is None:
        return None
    return TiedEer(*tied, _package_eer(trials, cell).value, *order_range(counts))


def by_cell(
    trials: Trials,
    official: OfficialMetrics,
    resampling: Resampling,
    pooled_results: Mapping[str, MetricResult],
    names: Collection[str] | None = None,
) -> Callable[[BreakdownCell], dict[str, MetricResult]]:
    """Return a function that gives a cell's results, those of `names` that are defined there.

    `names` are those that organisers break down unless given; `PACKAGE` may be among them.
    `pooled_results` are the results of all trials together.
    """
    names = list_broken_down() if names is None else names

    def compute_cell(cell: BreakdownCell) -> dict[str, MetricResult]:
        measures = official.select_measures(cell, names)
        if {*cell.levels.values()} == {POOLED}:
            results = {name: pooled_results[name] for name in measures}
        else:
            items = items_of(trials, cell)
            results = measure_items(items, measures, resampling) if measures else {}
        return _with_package(results, _package_eer(trials, cell)) if PACKAGE in names else results

    return compute_cell


def items_of(trials: Trials, cell: BreakdownCell) -> Items:
    """Return the trials of a cell as items of weight 1; units are rows of the corpus's table."""
    rows = np.concatenate([cell.bonafide, cell.spoof])
    return make_items(trials.score[rows], trials.is_spoof[rows], trials.row[rows])
