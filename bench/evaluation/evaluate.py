"""Evaluate a score file from Python, as `bench score` does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.cards.corpus_cards import read_corpus_card
from bench.evaluation.judge import EvaluationRequest, Evaluator
from bench.evaluation.reading import ReadOptions
from bench.evaluation.verdict import ScoreReport


def evaluate(
    scores: str | Path,
    corpus: str,
    keys: str | Path,
    *,
    split: str = "",
    by: Sequence[Sequence[str]] = (),
    column: str | None = None,
    id_column: str | None = None,
    resolution_s: float | None = None,
    higher_is_spoof: bool = False,
    allow_missing: bool = False,
    allow_inverted: bool = False,
    replicates: int = 1000,
) -> ScoreReport:
    """Return all results of a score file by the official protocol of a corpus.

    `scores` is a file in any form that `bench score` reads, `corpus` a corpus's key or short name
    (`19LA`), `keys` its folder or any folder with its protocol and label files, `split` its
    evaluation split unless given. `by` are breakdowns, each by one or more columns of the keys.
    `column`, `id_column` and `resolution_s` (seconds in a frame) say what the file does not say.
    `replicates` are those of the bootstrap intervals; 0 gives none.

    Results are fractions: `evaluate(...).figures["eer"].value`, with `low` and `high`. BenchError,
    with every reason, where no result can be given.
    """
    corpus_card = read_corpus_card(corpus)
    request = EvaluationRequest(
        corpus_card,
        split or corpus_card.evaluation_split,
        Path(keys),
        by=tuple(map(tuple, by)),
        allow_missing=allow_missing,
        as_is=allow_inverted,
        reading=ReadOptions(
            column=column,
            id_column=id_column,
            resolution_s=resolution_s,
            negate=higher_is_spoof,
        ),
        replicates=replicates,
    )
    judge = Evaluator(request)
    return judge.evaluate_scores(judge.read_scores(Path(scores)))
