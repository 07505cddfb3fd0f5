"""The public function gives what `bench score` gives, and its options reach the evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import evaluate
from bench.cards.corpus_cards import read_corpus_card
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from tests.errors import raises_code
from tests.evaluation.listed import listed, written


@pytest.fixture
def keys(miniatures: Path) -> Path:
    return miniatures / "mini" / "asvspoof2019la"


@pytest.fixture
def scores(keys: Path, tmp_path: Path) -> Path:
    return written(tmp_path, listed(keys.parent, "asvspoof2019la"))


def test_results_are_those_of_bench_score(scores: Path, keys: Path) -> None:
    judge = Evaluator(
        EvaluationRequest(read_corpus_card("19LA"), "eval", keys, by=(("attack",),), replicates=9)
    )
    report = evaluate(scores, "19LA", keys, by=[["attack"]], replicates=9)
    assert report == judge.evaluate_scores(judge.read_scores(scores))
    assert report.results["eer"].low <= report.results["eer"].value


def test_scores_that_are_higher_for_spoof(scores: Path, keys: Path, tmp_path: Path) -> None:
    table = listed(keys.parent, "asvspoof2019la").assign(score=lambda of: -of["score"])
    inverted = written(tmp_path, table, "inverted.txt")
    report = evaluate(inverted, "asvspoof2019la", keys, higher_is_spoof=True, replicates=0)
    assert report.results == evaluate(scores, "asvspoof2019la", str(keys), replicates=0).results
    with raises_code("scores.no-such-column"):
        evaluate(str(scores), "19LA", keys, column="9")
