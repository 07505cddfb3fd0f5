"""What the suite offers to Python programs beside its command line.

These functions and classes, and those of `bench.metrics.__all__`, keep their names and arguments
from one release to the next; everything else is internal and may change without notice. They are
taken from `bench` itself: `bench.evaluate(...)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cards import corpus_cards, table_cards
from bench.cards.table_cards import read_table
from bench.config import Config, read_config
from bench.data import corpora
from bench.errors import BenchError
from bench.evaluation.comparison import Comparison, compare_score_files
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.score_report import ScoreReport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.data.subset import Subset
    from bench.runner.trained_models import TrainedModel


def evaluate(
    scores: str | Path,
    corpus: str,
    keys: str | Path | None = None,
    *,
    split: str | None = None,
    by: Sequence[Sequence[str]] = (),
    column: str | None = None,
    id_column: str | None = None,
    resolution_s: float | None = None,
    higher_is_spoof: bool = False,
    allow_missing: bool = False,
    allow_inverted: bool = False,
    replicates: int = 1000,
    seed: int = 0,
) -> ScoreReport:
    """Return all results of a score file by the official protocol of a corpus, as `bench score`.

    `scores` is a file in any form that `bench score` reads. `corpus` is a corpus's key or short
    name (`19LA`), `split` one of its splits (default: its evaluation set), and `keys` its folder,
    or any folder with its protocol and label files (default: the folder in bench.toml). `by` lists
    breakdowns, each by one or more columns of the keys. `column`, `id_column` and `resolution_s`
    (seconds in a frame) say what the file does not say. `replicates` is the number of bootstrap
    replicates, drawn from `seed`; 0 gives no intervals.

    Results are fractions: `evaluate(...).results["eer"].value`, with `low` and `high`. Raise
    BenchError, with every reason, where no result can be given.
    """
    card = corpus_cards.read_corpus_card(corpus)
    reading = ReadOptions(
        column=column, id_column=id_column, resolution_s=resolution_s, negate=higher_is_spoof
    )
    request = EvaluationRequest(
        card,
        split or card.evaluation_split,
        _keys_path(card.key, keys),
        by=tuple(map(tuple, by)),
        allow_missing=allow_missing,
        as_is=allow_inverted,
        reading=reading,
        replicates=replicates,
        seed=seed,
    )
    evaluator = Evaluator(request)
    return evaluator.evaluate_scores(evaluator.read_scores(Path(scores)))


def compare(
    scores_a: str | Path,
    scores_b: str | Path,
    corpus: str,
    keys: str | Path | None = None,
    *,
    split: str | None = None,
    by: Sequence[str] = (),
    replicates: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Return the paired differences of two score files on the same trials, as `bench compare`.

    Arguments as for `evaluate`; `by` is one breakdown. Differences are fractions, A minus B, with
    95 % intervals and p-values. Raise BenchError where the files have no trial in common.
    """
    card = corpus_cards.read_corpus_card(corpus)
    request = EvaluationRequest(
        card,
        split or card.evaluation_split,
        _keys_path(card.key, keys),
        by=(tuple(by),) if by else (),
        replicates=replicates,
        seed=seed,
    )
    evaluator = Evaluator(request)
    one, other = (evaluator.read_scores(Path(path)) for path in (scores_a, scores_b))
    return compare_score_files(evaluator, one, other)


def read_corpus(
    corpus: str,
    split: str | None = None,
    *,
    resolution_s: float | None = None,
    smoke: bool = False,
    config: Config | None = None,
) -> Subset:
    """Return one split of a corpus: a table of utterances with their labels and audio files.

    `corpus` is a key or short name, `split` its evaluation set unless given. `resolution_s`
    chooses among official labels of frames (default: the finest). The corpus is read from where
    bench.toml says, or `config`; with `smoke` its miniature is. Raise BenchError with all faults
    where the corpus is not there or not sound.
    """
    card = corpus_cards.read_corpus_card(corpus)
    form = "smoke" if smoke else "paper"
    where = config or read_config()
    return corpora.read_corpus_split(
        card.key, split or card.evaluation_split, where, form, resolution_s
    )


def load_model(
    table: str,
    row: str,
    *,
    seed: int | None = None,
    smoke: bool = False,
    config: Config | None = None,
) -> TrainedModel:
    """Return a trained row: its settings (`run`), `seed` and network (`system`, a torch module).

    `table` and `row` are named as `bench run` names them; `seed` is the row's first unless given.
    Weights come from the work folder or the tracking store of bench.toml, or of `config`. Raise
    BenchError where the row is not trained; `bench score --row` scores a corpus with it.
    """
    from bench.runner.request import RunRequest
    from bench.runner.trained_models import find_model
    from bench.tracking.store import Store

    card = read_table(table)
    rows = table_cards.select_rows(card, row)
    if len(rows) != 1:
        raise BenchError("table.row-unknown", f"{row!r}: should name one row, not {len(rows)}")
    where = config or read_config()
    request = RunRequest(card, rows, None, "smoke" if smoke else "paper")
    return find_model(request, seed, where, Store(where))


def _keys_path(corpus: str, keys: str | Path | None) -> Path:
    return read_config().corpus_root(corpus, "paper") if keys is None else Path(keys)
