"""The metrics of a score file in bootstrap replicates that all systems on its trials share.

Replicates depend only on the trials: which utterances there are, of which classes each has frames,
and its speaker and attack, which are resampled as a whole where the file names them
(`bench.metrics.plans`). So the replicates of two systems can be drawn years apart and on different
machines, and still be compared one by one: their difference in a replicate is that of a paired
bootstrap.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.evaluation import score_file as scores
from bench.metrics.bootstrap import compute_replicates
from bench.metrics.exact import BoundedItems
from bench.metrics.items import Items
from bench.metrics.measure import DecisionMetric, ScoreMetric
from bench.metrics.mistakes import Mistakes, find_mistakes, ratio_mistakes
from bench.metrics.plans import ResamplingFactors, ResamplingPlan, sum_groups
from bench.metrics.ratios import Ratios, replicate_ratios
from bench.metrics.registry import LOGIT, clean_level, select_metrics
from bench.metrics.resampling_groups import DrawnWeights, ResamplingGroups, group_items, has_all
from bench.metrics.tally import Bools, Floats

REPLICATES = 1000

DRAWS_VERSION = "3"
"""Changes where draws change: those that were kept of another kind are not taken for these."""


class MetricDraws(NamedTuple):
    """One result of one system in every replicate."""

    trials: str
    """Sixteen digits of the trials, their classes, speakers and attacks: those with equal ones were
    drawn alike. "" where the result cannot be had from a score file."""
    values: Floats
    """(REPLICATES,): fractions, NaN where the result is not defined; none where `trials` is ""."""
    mistakes: Mistakes | None = None
    """What carries the result; None where no errors do."""

    def pack_arrays(self) -> dict[str, Any]:
        """Return arrays that hold it."""
        arrays: dict[str, Any] = {"trials": np.array(self.trials), "values": self.values}
        if self.mistakes is not None:
            names = (f"mistakes.{name}" for name in Mistakes._fields)
            arrays |= zip(names, map(np.asarray, self.mistakes), strict=True)
        return arrays


NOT_DRAWN = MetricDraws("", np.zeros(0))


def unpack_arrays(arrays: Mapping[str, NDArray[Any]]) -> MetricDraws:
    """Return what `MetricDraws.pack_arrays` was made of."""
    wrong = None
    if "mistakes.unit" in arrays:
        unit, counts, levels, low, high = (arrays[f"mistakes.{name}"] for name in Mistakes._fields)
        wrong = Mistakes(unit, counts, levels, float(low), float(high))
    return MetricDraws(str(arrays["trials"]), arrays["values"], wrong)


class _File(NamedTuple):
    """A score file's rows."""

    names: list[str]
    factors: ResamplingFactors
    items: Items
    """By the score."""
    logit: Items | None
    """By the bona fide logit, where the file has it."""
    attack: NDArray[np.object_]
    """Of each row, as in the name of a result."""
    ratios: Ratios


def draw_replicates(path: Path, result_names: Collection[str]) -> dict[str, MetricDraws]:
    """Return each of `result_names` of the score file at `path` in every replicate.

    Replicates resample speakers and attacks, or utterances where the file does not name these.
    Metrics are those of `row_evaluation.evaluate_file` and the official ones of whole utterances
    (`bench.evaluation.official`), all trials together (`eer`) or bona fide trials against the
    spoofs of one attack (`A07.eer`), by the score or by the bona fide logit (`eer_bonafide_logit`).
    `NOT_DRAWN` stands for any other: min t-DCF needs the organisers' ASV scores, other breakdowns
    the corpus's lists. Raise BenchError as `bench.evaluation.score_file.read_scores`.
    """
    table = scores.read_scores(path)
    file = _File(
        scores.list_utterances(table),
        scores.file_factors(table),
        scores.pool_items(table),
        scores.pool_items(table, "logit_bonafide") if scores.has_logits(table) else None,
        _attack_levels(scores.list_attacks(table)),
        scores.count_decisions(table),
    )
    return {result_name: _draw_metric(file, result_name) for result_name in result_names}


def _draw_metric(file: _File, result_name: str) -> MetricDraws:
    cell, _, name = result_name.rpartition(".")
    by = file.logit if name.endswith(LOGIT) else file.items
    name = name.removesuffix(LOGIT)
    if by is None:
        return NOT_DRAWN
    items = _select_attack(by, file.attack == cell) if cell else by
    if not (items.bonafide.any() and items.spoof.any()):
        return NOT_DRAWN
    plan = file.factors.make_plan(items.unit, items.spoof)
    trials = _digest_trials(file.names, items, plan)
    if name in select_metrics(DecisionMetric) and not cell and by is file.items:
        return _draw_ratios(trials, plan, items, file.ratios.select_ratios((name,)))
    if name in select_metrics(ScoreMetric):
        return _draw_items(trials, plan, items, name)
    return NOT_DRAWN


def _attack_levels(attack: NDArray[np.object_]) -> NDArray[np.object_]:
    names, codes = np.unique(attack, return_inverse=True)
    return np.array([clean_level(name) for name in names], dtype=object)[codes]


def _select_attack(items: Items, attacked: Bools) -> Items:
    """Return the bona fide items and those of one attack."""
    chosen = (items.bonafide > 0) | attacked
    return Items(
        items.score[chosen], items.bonafide[chosen], items.spoof[chosen], items.unit[chosen]
    )


def _draw_items(trials: str, plan: ResamplingPlan, items: Items, name: str) -> MetricDraws:
    measure = select_metrics(ScoreMetric)[name].measure
    drawn_groups = _group_items(trials, plan, items)
    replicates = compute_replicates(
        [items], {name: measure}, drawn_groups, REPLICATES, _trial_seed(trials), draws="common"
    )
    return MetricDraws(
        trials, replicates.values[0, 0], find_mistakes(BoundedItems(items), measure, plan)
    )


def _draw_ratios(trials: str, plan: ResamplingPlan, items: Items, ratios: Ratios) -> MetricDraws:
    drawn_groups = _group_items(trials, plan, items)
    group = np.zeros(len(plan.unit), dtype=np.int64)
    group[np.searchsorted(plan.unit, items.unit)] = drawn_groups.codes[0]
    drawn_groups = drawn_groups._replace(codes=(group[np.searchsorted(plan.unit, ratios.unit)],))
    replicates = replicate_ratios([ratios], drawn_groups, REPLICATES, _trial_seed(trials))
    (wrong,) = ratio_mistakes(ratios, plan).values() if ratios.defined_ratios.names else (None,)
    return MetricDraws(trials, replicates[0, :, 0], wrong)


class _RememberedGroups(ResamplingGroups):
    """Groups whose replicates were drawn before.

    The rows of a table share their trials, and drawing takes longer than computing the metric.
    """

    def draw_batch(self, seed: int, numbers: range, needed: Floats) -> DrawnWeights:
        """Return the weights that were drawn for the seed's trials; see `ResamplingGroups`."""
        weights = _WEIGHTS[seed][numbers.start : numbers.stop].astype(np.float64)
        assert has_all(weights, needed).all(), "trials of one digest have the same classes"
        return DrawnWeights(weights, 0)


_WEIGHTS: dict[int, NDArray[np.uint8] | NDArray[np.uint16]] = {}
"""(REPLICATES, groups) by seed: the last trials that were asked for."""
_MOST = 8
_MOST_BYTES = 2**30
"""Of all of them: a byte for each group and replicate is enough for 1,000,000 utterances."""


def _group_items(trials: str, plan: ResamplingPlan, items: Items) -> ResamplingGroups:
    drawn_groups = group_items(plan, [items.unit])
    if drawn_groups.n * REPLICATES > _MOST_BYTES:
        return drawn_groups
    seed = _trial_seed(trials)
    if seed not in _WEIGHTS:
        group, n = drawn_groups.codes[0], drawn_groups.n
        needed = np.stack(
            [sum_groups(group, items.bonafide, n), sum_groups(group, items.spoof, n)], 1
        )
        _free_weights(n * REPLICATES)
        drawn = np.empty((REPLICATES, n), dtype=np.uint8)
        for numbers in drawn_groups.split_replicates(REPLICATES):
            weights = drawn_groups.draw_batch(seed, numbers, needed).weights
            if drawn.dtype == np.uint8 and weights.max() > np.iinfo(np.uint8).max:
                drawn = drawn.astype(np.uint16)
            drawn[numbers.start : numbers.stop] = weights
        _WEIGHTS[seed] = drawn
    return _RememberedGroups(*drawn_groups)


def _free_weights(needed: int) -> None:
    """Forget the oldest weights until there is room for `needed` bytes more."""
    while _WEIGHTS and (
        len(_WEIGHTS) >= _MOST
        or sum(weights.nbytes for weights in _WEIGHTS.values()) + needed > _MOST_BYTES
    ):
        del _WEIGHTS[next(iter(_WEIGHTS))]


def _digest_trials(names: list[str], items: Items, plan: ResamplingPlan) -> str:
    """Return a digest of what decides the draws: a draw that lacks a class is made again."""
    classes = [
        np.isin(plan.unit, items.unit[weights > 0]).astype(np.int64)
        for weights in (items.bonafide, items.spoof)
    ]
    digest = hashlib.sha256(plan.name.encode())
    columns = [column.tolist() for column in (plan.unit, *classes, *plan.levels)]
    for unit, *factors in zip(*columns, strict=True):
        digest.update(f"\n{names[unit]}\t{factors}".encode())
    return digest.hexdigest()[:16]


def _trial_seed(trials: str) -> int:
    """Return a seed of its own for each set of trials: two corpora are drawn independently."""
    return int(trials, 16)
