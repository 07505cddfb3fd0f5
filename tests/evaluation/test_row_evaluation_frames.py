"""Frames that a run scored have one figure and one interval, in its report and by `bench score`."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from bench.cards.corpus_cards import read_corpus_card
from bench.data import corpora
from bench.evaluation import row_evaluation, score_file
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.specs.run import HeldOutData
from bench.training.clips import label_frames
from bench.training.scoring import FrameScores, score_columns
from tests.evaluation.listed import LISTS

REPLICATES = 10
"""Few: bounds of miniatures are mostly the exact ones, which hide the draws."""


@pytest.fixture
def keys(miniatures, tmp_path):
    """Return the keys of a miniature, the lines of its list in another order than that of ids."""

    def keys(corpus):
        place = tmp_path / corpus
        no_audio = shutil.ignore_patterns("*.wav", "*.flac")
        shutil.copytree(miniatures / "mini" / corpus, place, ignore=no_audio)
        listed = place / LISTS[corpus][0]
        lines = listed.read_text(encoding="utf-8").splitlines()
        mixed = [lines[n] for n in np.random.default_rng(0).permutation(len(lines))]
        listed.write_text("\n".join([*mixed, ""]), encoding="utf-8")
        return place

    return keys


def written_by_a_run(path, subset, data):
    """Write scores that tell little as the engine does."""
    labels = label_frames(subset, data)
    rng = np.random.default_rng(3)
    found = {}
    for row, spoof in enumerate(labels):
        logit = (rng.normal(size=len(spoof)) - 0.7 * spoof).astype(np.float32)
        logits = np.stack([logit, np.zeros_like(logit)], axis=1)
        found[row] = FrameScores(logit, logits, len(spoof) * data.resolution_s)
    share = SimpleNamespace(subset=subset, labels=labels, data=data)
    score_file.write_scores(path, score_columns(share, found))


@pytest.mark.parametrize(
    ("corpus", "split", "resolution_s", "plan"),
    [
        ("partialspoof", "eval", 0.16, "speaker"),
        ("partialspoof", "eval", 0.02, "speaker"),
        ("llamapartialspoof", "crossfade", 0.16, "speaker+attack"),
        ("had", "dev", 0.16, "utterance"),
    ],
)
def test_a_runs_frames_have_the_intervals_of_bench_score(
    keys, tmp_path, monkeypatch, corpus, split, resolution_s, plan
):
    monkeypatch.setattr(row_evaluation, "_REPLICATES", REPLICATES)
    place, path = keys(corpus), tmp_path / "scores.parquet"
    subset = corpora.read_keys(read_corpus_card(corpus), split, place, resolution_s)
    data = HeldOutData(corpus=corpus, split=split, resolution_s=resolution_s)
    written_by_a_run(path, subset, data)
    of_run = row_evaluation.evaluate_row(path, data, subset)
    judge = Evaluator(
        EvaluationRequest(
            read_corpus_card(corpus), split, place, form="smoke", replicates=REPLICATES
        )
    )
    of_score = judge.evaluate_scores(judge.read_scores(path)).results
    both = of_run.keys() & of_score.keys()
    named = {"eer", "f1", "f1_spoof", "event_f1", "utterance_eer", "range_eer", "eer_320ms"}
    assert named <= both
    assert {name: of_run[name] for name in both} == {name: of_score[name] for name in both}
    assert of_run["eer"].plan == plan
    ids = subset.table["utterance"].tolist()
    assert ids != sorted(ids), "in the order of ids there is nothing to tell apart"
