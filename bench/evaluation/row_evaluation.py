"""The figures of an evaluation, computed from its score file and nothing else."""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false

# pyarrow ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from bench.cards.corpus_cards import card
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.evaluation.detection import (
    Trials,
    by_cell,
    compute_breakdown,
    compute_by_logit,
    compute_pooled,
    factors_of,
)
from bench.evaluation.official import official
from bench.metrics import scores as score_file
from bench.metrics.breakdown import POOLED
from bench.metrics.plans import AUTO, Resampling
from bench.metrics.registry import clean_level
from bench.metrics.scores import Figure
from bench.specs.run import HeldOutData

_REPLICATES, _SEED = 1000, 0
"""Of every interval that a run logs; `bench score` has the same unless told otherwise."""


def figures(path: Path, data: HeldOutData, subset: Subset) -> dict[str, Figure]:
    """Return the figures of the score file at `path` by name; fractions.

    Of frames, those of `bench.metrics.scores.figures`. Of whole utterances, the EER, AUC and the
    corpus's official figures, where the file has logits the same but AUC by the bona fide logit
    (`eer_bonafide_logit`), and for each breakdown of `data.by` those that are defined where
    levels meet (`A07.alaw.eer`) and at each of them (`A07.eer`, `alaw.eer`). Characters that no
    tracked figure may have in its name are `-` in a level's.
    """
    if data.resolution_s is not None:
        return score_file.figures(path, _REPLICATES, _SEED)
    table = _read_scores(path, subset)
    trials = _to_trials(table, subset, "score")
    corpus = card(data.corpus)
    measures = official(corpus, data.split, subset.root)
    resampling = Resampling(factors_of(subset.table), AUTO, _REPLICATES, _SEED)
    results = compute_pooled(trials, measures, resampling)
    if score_file.has_logits(table):
        results |= compute_by_logit(
            _to_trials(table, subset, "logit_bonafide"), measures, resampling
        )
    of_cell = by_cell(trials, measures, resampling, results)
    for fields in data.by:
        for line in compute_breakdown(trials, corpus.roles, fields.split(","), of_cell).lines:
            levels = [level for level in line.levels if level != POOLED]
            cell = ".".join(clean_level(level) for level in levels)
            if cell:  # all together is there already
                results |= {f"{cell}.{name}": figure for name, figure in line.figures.items()}
    return results


def lacking(evaluations: Iterable[tuple[HeldOutData, Subset]]) -> Iterator[str]:
    """Say which official figures of utterances cannot be computed, and why; a file for them that is
    broken is a BenchError.
    """
    for data, subset in evaluations:
        if data.resolution_s is None:
            reason = official(card(data.corpus), data.split, subset.root).lacking
            if reason:
                yield reason


def _read_scores(path: Path, subset: Subset) -> pa.Table:
    scored = score_file.read(path)
    if scored["utterance"].to_pylist() != subset.table["utterance"].tolist():
        raise BenchError(
            "scores.other-utterances",
            f"{path}: has other utterances than {subset.corpus} {subset.split}: remove the file to "
            "have it scored again",
        )
    return scored


def _to_trials(scored: pa.Table, subset: Subset, column: str) -> Trials:
    items = score_file.pooled_items(scored, column)
    return Trials(items.score, items.spoof > 0, subset.table, np.arange(len(subset)))
