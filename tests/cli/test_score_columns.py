"""`bench score` of a file with columns of its own: which are taken, and what the options say."""

from __future__ import annotations

import numpy as np
import pytest

CARD = """
name     = "Made"
short    = "MADE"
task     = "detection"
reader   = "protocol"
story    = "Sixty made utterances."
citation = "x"
licence  = "x"
page     = "https://example.org/x"
place    = "x"
sources  = ["x"]

[protocol]
file      = "list.csv"
separator = "comma"
header    = "id,label"
columns   = "utterance label"
labels    = { bonafide = "bonafide", spoof = "spoof" }
audio     = "{utterance}.wav"

[splits.test]
utterances = 60
bonafide   = 20
spoof      = 40
"""
IS_BONAFIDE = np.arange(60) % 3 == 0
SCORES = np.round(np.random.default_rng(7).normal(size=60) + 2.0 * IS_BONAFIDE, 4)
LABELS = np.where(IS_BONAFIDE, "bonafide", "spoof")
DECIDED = np.where(SCORES > 1, "bonafide", "spoof")


@pytest.fixture
def judged(bench, tmp_path):
    """Judge a file of lines `ID,...` by the made corpus; return how it ended."""
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets/made.toml").write_text(CARD)
    (tmp_path / "data").mkdir()
    keys = "".join(f"u{i},{label}\n" for i, label in enumerate(LABELS))
    (tmp_path / "data/list.csv").write_text(f"id,label\n{keys}")
    (tmp_path / "bench.toml").write_text('extend = ["."]\n[corpora]\nmade = "data"\n')

    def judge(header, *columns, options=()):
        cells = [",".join(map(str, row)) for row in zip(*columns, strict=True)]
        rows = "".join(f"u{i},{row}\n" for i, row in enumerate(cells))
        (tmp_path / "s.csv").write_text(f"{header}\n" * bool(header) + rows)
        return bench("score", "s.csv", "--corpus", "made", "--replicates", "5", *options)

    return judge


def rate(done):
    assert done.returncode == 0, done.stderr
    return next(line.split("|")[2] for line in done.stdout.splitlines() if "| EER" in line)


@pytest.mark.rows
def test_columns_beside_the_score_change_nothing(judged):
    plain = rate(judged("", SCORES))
    digits, decided = IS_BONAFIDE.astype(int), (SCORES > 1).astype(int)
    assert rate(judged("id,p_bonafide,label,pred", SCORES, digits, decided)) == plain
    assert rate(judged("", SCORES, digits)) == plain


def test_the_label_is_refused_as_the_score(judged):
    done = judged("", SCORES, IS_BONAFIDE.astype(int), options=("--column", "3"))
    assert done.returncode == 2
    assert "this is the label" in done.stderr
    assert "EER" not in done.stdout


def test_labels_are_compared_unless_they_are_said_to_be_none(judged):
    others = np.where(np.arange(60) % 7, LABELS, "bonafide")
    for options in ((), ("--label-column", "3")):
        done = judged("", SCORES, others, options=options)
        assert done.returncode == 2
        assert "another label here than in the keys" in done.stderr
    assert rate(judged("", SCORES, others, options=("--no-labels",)))
    options = ("--label-column", "prediction")
    assert judged("id,score,prediction", SCORES, others, options=options).returncode == 2


def test_scores_that_are_higher_for_spoof_by_name(judged):
    assert "say --higher-is-spoof" in judged("id,fake_prob", -SCORES).stderr
    assert rate(judged("id,fake_prob", -SCORES, options=("--higher-is-spoof",)))
