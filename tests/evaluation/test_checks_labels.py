"""Labels that a score file has of its own, against the keys; and labels taken for scores."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench.evaluation.checks import check_frames, check_utterances
from bench.evaluation.forms import ScoreFile
from tests.evaluation.checked import codes, keys_of, only, scorefile, the

N = 300


@pytest.fixture(scope="module")
def keys():
    labels = np.where(np.arange(N) % 3 == 0, "bonafide", "spoof")
    return pd.DataFrame({"utterance": [f"u{i}" for i in range(N)], "label": labels})


@pytest.fixture(scope="module")
def truth(keys):
    return (keys["label"] == "bonafide").to_numpy()


@pytest.fixture(scope="module")
def score(truth):
    return np.random.default_rng(0).normal(size=N) + 3 * truth


@pytest.mark.parametrize("one_is_bonafide", [True, False])
class TestDigits:
    def test_agreement_in_either_meaning_needs_no_word(self, keys, truth, score, one_is_bonafide):
        binary = (truth == one_is_bonafide).astype(np.int64)
        assert (
            check_utterances(scorefile(keys["utterance"], score, binary=binary), keys).findings
            == ()
        )

    def test_one_that_contradicts(self, keys, truth, score, one_is_bonafide):
        binary = (truth == one_is_bonafide).astype(np.int64)
        binary[7] ^= 1
        finding = only(check_utterances(scorefile(keys["utterance"], score, binary=binary), keys))
        assert (finding.severity, finding.code, finding.count) == (
            "error",
            "scores.label-conflict",
            1,
        )
        assert finding.examples == ("u7",)
        assert "a shuffled list?" in finding.message
        assert "--no-labels" in finding.message

    def test_a_shuffled_list(self, keys, truth, score, one_is_bonafide):
        """Scores and labels in one order, ids in another: 43.75 % for 12.5 %."""
        ids = np.random.default_rng(1).permutation(keys["utterance"])
        binary = (truth == one_is_bonafide).astype(np.int64)
        finding = the(
            check_utterances(scorefile(ids, score, binary=binary), keys), "scores.label-conflict"
        )
        assert finding.severity == "error"
        assert 100 < finding.count < 200

    def test_a_shuffled_list_of_a_perfect_system(self, keys, truth, one_is_bonafide):
        """Its labels follow from the scores, as decisions do, but have nothing to do with keys."""
        ids = np.random.default_rng(1).permutation(keys["utterance"])
        binary = (truth == one_is_bonafide).astype(np.int64)
        checked = check_utterances(
            scorefile(ids, truth + np.linspace(0, 0.5, N), binary=binary), keys
        )
        assert "scores.label-conflict" in codes(checked, "error")

    def test_a_decision_is_no_label(self, keys, score, one_is_bonafide):
        binary = ((score > 1.5) == one_is_bonafide).astype(np.int64)
        finding = only(check_utterances(scorefile(keys["utterance"], score, binary=binary), keys))
        assert (finding.severity, finding.code) == ("note", "scores.decision")


def test_words_that_are_decisions(keys, score):
    finding = only(
        check_utterances(scorefile(keys["utterance"], score, bonafide=score > 1.5), keys)
    )
    assert (finding.severity, finding.code) == ("note", "scores.decision")


@pytest.mark.parametrize("high", [1.0, -1.0])
def test_a_label_is_no_score(keys, truth, high):
    values = np.where(truth, high, 0.0)
    finding = the(check_utterances(scorefile(keys["utterance"], values), keys), "scores.are-labels")
    assert finding.severity == "error"
    assert "this is the label" in finding.message
    as_is = check_utterances(scorefile(keys["utterance"], values), keys, as_is=True)
    assert the(as_is, "scores.are-labels").severity == "warning"


def test_a_decision_as_score_is_only_few_valued(keys, truth):
    values = truth.astype(float)
    values[5] = 1 - values[5]
    checked = check_utterances(scorefile(keys["utterance"], values), keys)
    assert codes(checked, "error") == []
    assert "scores.few-valued" in codes(checked)


def test_two_trials_cannot_tell(keys):
    checked = check_utterances(scorefile(["u0", "u1"], [1, 0]), keys.iloc[:2])
    assert "scores.are-labels" not in codes(checked)


def test_labels_of_frames_are_no_scores():
    keys = pd.DataFrame({"utterance": ["a", "b"], "label": ["spoof", "bonafide"]})
    reference = {"a": [False, True, True, False], "b": [False] * 4}
    from pathlib import Path

    from bench.data.subset import FrameVectors, Subset
    from bench.evaluation.reference import build_reference as reference_from

    timing = FrameVectors(0.02, {name: np.array(of) for name, of in reference.items()})
    table = keys.assign(path="", speaker="", attack="", duration_s=np.nan)
    truth = reference_from(Subset("made", "eval", Path(), table, timing))
    score = 1.0 - np.array([*reference["a"], *reference["b"]])
    made = scorefile(["a"] * 4 + ["b"] * 4, score)
    start = np.tile(np.arange(4) * 320, 2)
    file = ScoreFile(made.path, made.names, made.row, score, "made", start=start, end=start + 320)
    assert the(check_frames(file, keys, truth), "scores.are-labels").severity == "error"


def test_predictions_that_are_all_right_are_the_label():
    """Confidences of a column that equals the keys would give an EER of 0 %."""
    ids = [f"u{i}" for i in range(20)]
    truth = np.arange(20) % 2 == 0
    confidence = np.linspace(0.6, 0.99, 20)
    score = np.where(truth, confidence, 1 - confidence)
    made = dataclasses.replace(scorefile(ids, score), predicted=truth)
    finding = the(check_utterances(made, keys_of(ids)), "scores.are-labels")
    assert finding.severity == "error"
    assert "--label-column" in finding.message
    assert (
        the(check_utterances(made, keys_of(ids), as_is=True), "scores.are-labels").severity
        == "warning"
    )
    wrong = truth ^ (np.arange(20) == 7)
    assert "scores.are-labels" not in codes(
        check_utterances(dataclasses.replace(made, predicted=wrong), keys_of(ids))
    )
