"""The figures of a score file in bootstrap replicates that are common to all systems on the same
trials.

Replicates depend on the trials alone: on which utterances there are, and of which classes each has
frames. So those of two systems can be drawn apart, years apart and on different machines, and be
compared one by one: the difference of two systems in a replicate is that of a paired bootstrap.
"""

# pyarrow ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.metrics import scores
from bench.metrics.bootstrap import replicated
from bench.metrics.breakdown import Cell
from bench.metrics.items import Items
from bench.metrics.plans import Groups, Replicate, by_utterance, groups, sums
from bench.metrics.ratios import Ratios, replicated_ratios
from bench.metrics.tally import Bools, Floats
from bench.scoring.official import Official

REPLICATES = 1000


_NOTHING = np.zeros(0, dtype=np.int64)
# None of these depends on a cell or on the organisers' ASV system.
_MEASURES = Official(("dcf",), None).measures(
    Cell({}, _NOTHING, _NOTHING), ("eer", "auc", "min_dcf", "act_dcf", "cllr", "min_cllr")
)
_RATIOS = ("f1", "f1_spoof")


class Draws(NamedTuple):
    """One figure of one system in every replicate."""

    trials: str
    """Sixteen digits of the trials and their classes: those with equal ones were drawn alike. ""
    where the figure cannot be had from a score file."""
    values: Floats
    """(REPLICATES,): fractions, NaN where the figure is not defined; none where `trials` is ""."""


CANNOT = Draws("", np.zeros(0))


def draws(path: Path, figures: Collection[str]) -> dict[str, Draws]:
    """Return each of `figures` of the score file at `path`, in replicates that draw utterances.

    Figures are those of `bench.metrics.scores.figures` and the official ones of whole utterances
    (`bench.scoring.official`), all trials together (`eer`) or bona fide trials against the spoofs
    of one attack (`A07.eer`). `CANNOT` stands for any other: min t-DCF needs the organisers' ASV
    scores, other breakdowns the corpus's lists. Raise BenchError as `bench.metrics.scores.read`.
    """
    table = scores.read(path)
    names, everything = scores.utterances(table), scores.pooled_items(table)
    attack = _levels(scores.attacks(table))
    found: dict[str, Draws] = {}
    for figure in figures:
        cell, _, name = figure.rpartition(".")
        items = _only(everything, attack == cell) if cell else everything
        if name in _RATIOS and not cell:
            found[figure] = _of_ratios(names, items, scores.decisions(table).only((name,)))
        elif name in _MEASURES and items.bonafide.any() and items.spoof.any():
            found[figure] = _of_items(names, items, name)
        else:
            found[figure] = CANNOT
    return found


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


def _of_items(names: list[str], items: Items, figure: str) -> Draws:
    trials = _trials(names, items)
    measures = {figure: _MEASURES[figure]}
    met = _groups(trials, items)
    found = replicated([items], measures, met, REPLICATES, _seed(trials), draws="common")
    return Draws(trials, found.values[0, 0])


def _of_ratios(names: list[str], items: Items, ratios: Ratios) -> Draws:
    trials = _trials(names, items)
    met = _groups(trials, items)._replace(of=(np.searchsorted(np.unique(items.unit), ratios.unit),))
    found = replicated_ratios([ratios], met, REPLICATES, _seed(trials))
    return Draws(trials, found[0, :, 0])


class _Remembered(Groups):
    """Groups whose replicates were drawn before: those of one table's rows are the same, and to
    draw them takes longer than to look at them.
    """

    def replicate(self, seed: int, number: int, needed: Floats) -> Replicate:
        """Return the weights that were drawn for the seed's trials; see `Groups`."""
        weights = _WEIGHTS[seed][number].astype(np.float64)
        assert (weights @ needed > 0).all(), "trials of one digest have the same classes"
        return Replicate(weights, 0)


_WEIGHTS: dict[int, NDArray[np.uint8]] = {}
"""(REPLICATES, utterances) by seed: the last few trials that were asked for."""
_MOST = 8
_MOST_UTTERANCES = 2**15
"""Beyond, the weights of 1,000 replicates take too much memory."""


def _groups(trials: str, items: Items) -> Groups:
    met = groups(by_utterance(items.unit), [items.unit])
    if met.n > _MOST_UTTERANCES:
        return met
    seed = _seed(trials)
    if seed not in _WEIGHTS:
        needed = np.stack([sums(met.of[0], of, met.n) for of in (items.bonafide, items.spoof)], 1)
        drawn = [met.replicate(seed, number, needed).weights for number in range(REPLICATES)]
        while len(_WEIGHTS) >= _MOST:
            del _WEIGHTS[next(iter(_WEIGHTS))]
        _WEIGHTS[seed] = np.array(drawn, dtype=np.uint8)
    return _Remembered(*met)


def _trials(names: list[str], items: Items) -> str:
    """Return a digest of what decides the draws: a draw that lacks a class is made again."""
    present, bonafide, spoof = (
        np.bincount(items.unit[chosen], minlength=len(names)) > 0
        for chosen in (slice(None), items.bonafide > 0, items.spoof > 0)
    )
    told = hashlib.sha256()
    for unit in np.flatnonzero(present).tolist():
        told.update(f"{names[unit]}\t{bonafide[unit]:d}{spoof[unit]:d}\n".encode())
    return told.hexdigest()[:16]


def _seed(trials: str) -> int:
    """Return a seed of its own for each set of trials: two corpora are drawn independently."""
    return int(trials, 16)
