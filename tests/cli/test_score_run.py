"""`bench score --row`: a trained row scores a split, by the path of its own evaluations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.config import Config
from bench.evaluation import score_file
from bench.tracking.store import Store
from tests.tracked_frames import scored_frame


@pytest.fixture
def trained(bench, environment, tiny):
    done = bench("run", "table4", "--smoke", "--rows", "S0", *tiny)
    assert done.returncode == 0, done.stderr
    return Path(environment["BENCH_WORK"])


@pytest.mark.slow
def test_a_rows_scores_of_its_own_evaluation_and_of_other_corpora(bench, tiny, trained, tmp_path):
    common = ["--smoke", "--replicates", "10", *tiny]
    done = bench("score", "--row", "S0", "--corpus", "PS", *common, "--output-dir", "made")
    assert done.returncode == 0, done.stderr
    assert "weights of" in done.stderr
    assert "kept.pt" in done.stderr
    assert "as in the evaluation partialspoof" in done.stderr
    assert "SMOKE" in done.stdout
    found = score_file.read_scores(tmp_path / "made" / "scores.parquet")
    (own,) = trained.glob("runs/*/seed-666/scores/partialspoof-*.parquet")
    assert found.equals(score_file.read_scores(own)), "to the last digit, and in the same order"

    whole = bench("score", "--row", "S0", "--corpus", "19LA", *common, "--json")
    assert whole.returncode == 0, whole.stderr
    assert "whole utterances, whole scored, as in the evaluation partialspoof" in whole.stderr
    content = json.loads(whole.stdout)
    assert (content["table"], content["row"], content["seed"]) == ("sal/table4", "S0", 666)
    assert content["set"] == tiny[1::2]
    # Settings that were changed have a folder of their own.
    (scores,) = trained.glob("scored/table4-S0-????????-asvspoof2019la-eval/scores.parquet")
    assert len(score_file.read_scores(scores)) == len(
        set(score_file.read_scores(scores)["utterance"])
    )
    assert scored_frame(Store(Config(work=trained)), "sal/table4", "smoke").empty, (
        "unless --track says so"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--row"),
        (["--row", "S55"], "did you mean 'S5'?"),
        (["--row", "S0,S1"], "should be one row of sal/table4"),
        (["--row", "S0", "--split", "evla"], "did you mean 'eval'?"),
        (["--row", "S0", "--smoke"], "is not finished in sqlite"),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_message(bench, arguments, message):
    done = bench("score", *arguments, "--corpus", "PS")
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
