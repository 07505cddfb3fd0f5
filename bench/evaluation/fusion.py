"""Score fusion and calibration: learnt on the trials of one split, applied to those of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench._io import atomic_files
from bench.errors import BenchError, name_source
from bench.evaluation.detection import items_of, pool_trials
from bench.evaluation.evaluator import Evaluator
from bench.evaluation.matched_scores import MatchedScores
from bench.metrics.dcf import DcfCosts
from bench.metrics.logistic import LinearMap, fit_logistic
from bench.metrics.measure import ScoreMetric
from bench.metrics.measured import MetricResult, measure_items
from bench.metrics.registry import select_metrics
from bench.metrics.tally import Bools, Integers
from bench.specs.corpus import CorpusCard

COMPARED = ("eer", "min_dcf", "act_dcf", "min_cllr", "cllr")
"""The metrics that are given before and after."""


class JoinedScores(NamedTuple):
    """The scores of several systems on the trials that all of them have."""

    scores: NDArray[np.float64]
    """(trials, systems)"""
    is_spoof: Bools
    row: Integers
    """Of the trials in the keys' table."""


@dataclass(frozen=True)
class LearntMap:
    """A map to log-likelihood ratios, and what it was learnt from."""

    map: LinearMap
    prior: float
    """Of bona fide."""
    corpus: str
    split: str
    bonafide: int
    """Trials learnt from."""
    spoof: int


def effective_prior(card: CorpusCard) -> float:
    """Return the prior of bona fide that a corpus's organisers decide by; 0.5 if they name none.

    It is the prior at which costs of 1 give the same decisions as the organisers' prior and costs:
    (1 - p) Cmiss / ((1 - p) Cmiss + p Cfa), which is 0.655 for ASVspoof 5.
    """
    if "dcf" not in card.official:
        return 0.5
    costs = DcfCosts()
    bonafide = (1 - costs.spoof_prior) * costs.miss
    return bonafide / (bonafide + costs.spoof_prior * costs.false_alarm)


def require_other_trials(learning: Evaluator, applying: Evaluator) -> None:
    """Raise BenchError where a map would be learnt from trials that it is applied to."""
    one, other = learning.request, applying.request
    if one.card.key != other.card.key:
        return
    where = f"{one.card.short} {one.split}"
    if one.split == other.split:
        raise BenchError(
            "fusion.same-trials",
            f"learnt from and applied to {where}: results on trials that were learnt from are too "
            f"good: name another split (--train-split) or corpus (--train-corpus)",
        )
    shared = {*learning.subset.table["utterance"]} & {*applying.subset.table["utterance"]}
    if shared:
        raise BenchError(
            "fusion.same-trials",
            f"{len(shared):,} trials are in {where} and in {other.split}, such as "
            f"{min(shared)!r}: name another split to learn from (--train-split)",
        )


def join_scores(systems: Sequence[MatchedScores]) -> JoinedScores:
    """Return the scores of the trials that every system scored, joined by id.

    All are of one split. BenchError for scores of frames, and where no trial is left.
    """
    for matched in systems:
        if matched.file.kind == "frames":
            raise BenchError(
                "fusion.frames",
                f"{matched.file.path}: holds scores of frames; fusion and calibration take one "
                "score for each utterance",
            )
    present = np.logical_and.reduce([matched.checked.present for matched in systems])
    row = np.flatnonzero(present)
    if not len(row):
        raise BenchError("fusion.no-trials", "no trial has a score in all of the files")
    scores = np.column_stack([matched.checked.score[row] for matched in systems])
    return JoinedScores(scores, systems[0].select_trials(row).is_spoof, row)


def learn_map(learning: Evaluator, systems: Sequence[MatchedScores], prior: float) -> LearntMap:
    """Return the map that is best on the trials of `systems`; BenchError where there is none."""
    joined, asked = join_scores(systems), learning.request
    with name_source(f"{asked.card.short} {asked.split}, which is learnt from"):
        fitted = fit_logistic(joined.scores, joined.is_spoof, prior)
    spoof = int(joined.is_spoof.sum())
    return LearntMap(
        fitted, prior, asked.card.key, asked.split, len(joined.is_spoof) - spoof, spoof
    )


def write_ratios(path: Path, learnt: LearntMap, systems: Sequence[MatchedScores]) -> int:
    """Write the log-likelihood ratios of the trials of `systems`, a line each: `id ratio`.

    Return how many trials of the split have none.
    """
    joined = join_scores(systems)
    names = systems[0].table["utterance"].to_numpy(dtype=object)[joined.row]
    ratios = learnt.map.apply_to(joined.scores)
    lines = (f"{name} {ratio!r}\n" for name, ratio in zip(names, ratios.tolist(), strict=True))
    try:
        atomic_files.write_text(path, "".join(lines))
    except OSError as error:
        raise BenchError("file.unwritable", f"{path}: cannot be written: {error}") from error
    return len(systems[0].subset) - len(names)


def compute_compared(applying: Evaluator, matched: MatchedScores) -> Mapping[str, MetricResult]:
    """Return the metrics of `COMPARED` by name; none where there are trials of one class only.

    The costs are those of ASVspoof 5, whatever the corpus.
    """
    trials = matched.trials
    if trials.is_spoof.all() or not trials.is_spoof.any():
        return {}
    metrics = select_metrics(ScoreMetric)
    measures = {name: metrics[name].measure for name in COMPARED}
    resampling = applying.make_resampling(of_frames=False)
    return measure_items(items_of(trials, pool_trials(trials)), measures, resampling)
