"""The figures of a score file in bootstrap replicates that are common to all systems on the same
trials.

Replicates depend on the trials alone: on which utterances there are, of which classes each has
frames, and on its speaker and attack, which are drawn whole where the file names them
(`bench.metrics.plans`). So those of two systems can be drawn apart, years apart and on different
machines, and be compared one by one: the difference of two systems in a replicate is that of a
paired bootstrap.
"""

# pyarrow ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.official import Official
from bench.metrics import scores
from bench.metrics.bootstrap import replicated
from bench.metrics.breakdown import Cell
from bench.metrics.items import Items
from bench.metrics.mistakes import Mistakes, mistakes, ratio_mistakes
from bench.metrics.plans import Factors, Groups, Plan, Replicate, groups, sums
from bench.metrics.ratios import Ratios, replicated_ratios
from bench.metrics.tally import Bools, Floats, Integers

REPLICATES = 1000

KIND = "2"
"""Changes where draws change: those that were kept of another kind are not taken for these."""

LOGIT = "_bonafide_logit"
"""Ends the name of a figure that goes by the bona fide logit instead of the score."""

_NOTHING = np.zeros(0, dtype=np.int64)
# None of these depends on a cell or on the organisers' ASV system.
_MEASURES = Official(("dcf",), None).measures(
    Cell({}, _NOTHING, _NOTHING), ("eer", "auc", "min_dcf", "act_dcf", "cllr", "min_cllr")
)
_RATIOS = ("f1", "f1_spoof")


class Draws(NamedTuple):
    """One figure of one system in every replicate."""

    trials: str
    """Sixteen digits of the trials, their classes, speakers and attacks: those with equal ones were
    drawn alike. "" where the figure cannot be had from a score file."""
    values: Floats
    """(REPLICATES,): fractions, NaN where the figure is not defined; none where `trials` is ""."""
    mistakes: Mistakes | None = None
    """What carries the figure; None where no errors do."""

    def packed(self) -> dict[str, Any]:
        """Return arrays that hold it."""
        found: dict[str, Any] = {"trials": np.array(self.trials), "values": self.values}
        if self.mistakes is not None:
            names = (f"mistakes.{name}" for name in Mistakes._fields)
            found |= zip(names, map(np.asarray, self.mistakes), strict=True)
        return found


CANNOT = Draws("", np.zeros(0))


def unpacked(arrays: Mapping[str, NDArray[Any]]) -> Draws:
    """Return what `Draws.packed` was made of."""
    wrong = None
    if "mistakes.unit" in arrays:
        unit, counts, levels, low, high = (arrays[f"mistakes.{of}"] for of in Mistakes._fields)
        wrong = Mistakes(unit, counts, levels, float(low), float(high))
    return Draws(str(arrays["trials"]), arrays["values"], wrong)


class _File(NamedTuple):
    """A score file's rows."""

    names: list[str]
    factors: Factors
    items: Items
    """By the score."""
    logit: Items | None
    """By the bona fide logit, where the file has it."""
    attack: NDArray[np.object_]
    """Of each row, as in the name of a figure."""
    ratios: Ratios


def draws(path: Path, figures: Collection[str]) -> dict[str, Draws]:
    """Return each of `figures` of the score file at `path`, in replicates that draw speakers and
    attacks, or utterances where it does not name these.

    Figures are those of `bench.metrics.scores.figures` and the official ones of whole utterances
    (`bench.evaluation.official`), all trials together (`eer`) or bona fide trials against the
    spoofs of one attack (`A07.eer`), by the score or by the bona fide logit (`eer_bonafide_logit`).
    `CANNOT` stands for any other: min t-DCF needs the organisers' ASV scores, other breakdowns the
    corpus's lists. Raise BenchError as `bench.metrics.scores.read`.
    """
    table = scores.read(path)
    file = _File(
        scores.utterances(table),
        scores.factors_of(table),
        scores.pooled_items(table),
        scores.pooled_items(table, "logit_bonafide") if scores.has_logits(table) else None,
        _levels(scores.attacks(table)),
        scores.decisions(table),
    )
    return {figure: _drawn(file, figure) for figure in figures}


def _drawn(file: _File, figure: str) -> Draws:
    cell, _, name = figure.rpartition(".")
    by = file.logit if name.endswith(LOGIT) else file.items
    name = name.removesuffix(LOGIT)
    if by is None:
        return CANNOT
    items = _only(by, file.attack == cell) if cell else by
    if not (items.bonafide.any() and items.spoof.any()):
        return CANNOT
    plan = file.factors.plan(items.unit, items.spoof)
    trials = _trials(file.names, items, plan)
    if name in _RATIOS and not cell and by is file.items:
        return _of_ratios(trials, plan, items, file.ratios.only((name,)))
    return _of_items(trials, plan, items, name) if name in _MEASURES else CANNOT


def tracked(level: str) -> str:
    """Return a level of a breakdown as it stands in the name of a tracked figure.

    >>> tracked("A07 (TTS)")
    'A07--TTS-'
    """
    return re.sub(r"[^\w-]", "-", level, flags=re.ASCII)


def _levels(attack: NDArray[np.object_]) -> NDArray[np.object_]:
    names, codes = np.unique(attack, return_inverse=True)
    return np.array([tracked(name) for name in names], dtype=object)[codes]


def _only(items: Items, attacked: Bools) -> Items:
    """Return the bona fide items and those of one attack."""
    kept = (items.bonafide > 0) | attacked
    return Items(items.score[kept], items.bonafide[kept], items.spoof[kept], items.unit[kept])


def _of_items(trials: str, plan: Plan, items: Items, name: str) -> Draws:
    measure = _MEASURES[name]
    met = _groups(trials, plan, items)
    found = replicated([items], {name: measure}, met, REPLICATES, _seed(trials), draws="common")
    return Draws(trials, found.values[0, 0], mistakes(items, measure, plan))


def _of_ratios(trials: str, plan: Plan, items: Items, ratios: Ratios) -> Draws:
    met = _groups(trials, plan, items)
    group = np.zeros(len(plan.unit), dtype=np.int64)
    group[np.searchsorted(plan.unit, items.unit)] = met.of[0]
    met = met._replace(of=(group[np.searchsorted(plan.unit, ratios.unit)],))
    found = replicated_ratios([ratios], met, REPLICATES, _seed(trials))
    (wrong,) = ratio_mistakes(ratios, plan).values() if ratios.defined.names else (None,)
    return Draws(trials, found[0, :, 0], wrong)


class _Remembered(Groups):
    """Groups whose replicates were drawn before: those of one table's rows are the same, and to
    draw them takes longer than to look at them.
    """

    def replicate(self, seed: int, number: int, needed: Floats) -> Replicate:
        """Return the weights that were drawn for the seed's trials; see `Groups`."""
        weights = _WEIGHTS[seed][number].astype(np.float64)
        assert (weights @ needed > 0).all(), "trials of one digest have the same classes"
        return Replicate(weights, 0)


_WEIGHTS: dict[int, NDArray[np.uint16]] = {}
"""(REPLICATES, groups) by seed: the last few trials that were asked for."""
_MOST = 8
_MOST_GROUPS = 2**15
"""Beyond, the weights of 1,000 replicates take too much memory."""


def _groups(trials: str, plan: Plan, items: Items) -> Groups:
    met = groups(plan, [items.unit])
    if met.n > _MOST_GROUPS:
        return met
    seed = _seed(trials)
    if seed not in _WEIGHTS:
        needed = np.stack([sums(met.of[0], of, met.n) for of in (items.bonafide, items.spoof)], 1)
        drawn = [met.replicate(seed, number, needed).weights for number in range(REPLICATES)]
        while len(_WEIGHTS) >= _MOST:
            del _WEIGHTS[next(iter(_WEIGHTS))]
        _WEIGHTS[seed] = np.array(drawn, dtype=np.uint16)
    return _Remembered(*met)


def _trials(names: list[str], items: Items, plan: Plan) -> str:
    """Return a digest of what decides the draws: a draw that lacks a class is made again."""
    classes = [
        np.bincount(np.searchsorted(plan.unit, items.unit[of > 0]), minlength=len(plan.unit)) > 0
        for of in (items.bonafide, items.spoof)
    ]
    rows: list[Integers] = [of.astype(np.int64) for of in (*classes, *plan.levels)]
    told = hashlib.sha256(plan.name.encode())
    for unit, *of in zip(plan.unit.tolist(), *(row.tolist() for row in rows), strict=True):
        told.update(f"\n{names[unit]}\t{of}".encode())
    return told.hexdigest()[:16]


def _seed(trials: str) -> int:
    """Return a seed of its own for each set of trials: two corpora are drawn independently."""
    return int(trials, 16)
