"""What trials without a score have in common, and classes of which too few have one."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.evaluation.checks import check_utterances
from tests.evaluation.checked import codes, scorefile, the

N = 1200


@pytest.fixture(scope="module")
def keys():
    """A quarter bona fide; 40 speakers, 5 attacks, 3 codecs, all crossed."""
    i = np.arange(N)
    spoof = i % 4 != 0
    table = pd.DataFrame(
        {
            "utterance": [f"u{k}" for k in i],
            "path": [f"flac/u{k}.flac" for k in i],
            "label": np.where(spoof, "spoof", "bonafide"),
            "speaker": [f"LA_{k % 41:04d}" for k in i],
            "attack": np.where(spoof, [f"A{7 + k % 5:02d}" for k in i], ""),
            "duration_s": np.nan,
            "codec": [f"C{k // 7 % 3:02d}" for k in i],
            "subset": "eval",
        }
    )
    return table.astype({"speaker": "category", "attack": "category"})


def test_a_group_that_explains_what_is_missing_is_named(keys, subtests):
    cases = [
        (lambda t: t["attack"] == "A09", "(all of attack A09; all 180 are spoof; say", "codec"),
        (lambda t: t["codec"] == "C01", "(all of codec C01; say", "spoof"),
        (lambda t: t["attack"].isin(["A07", "A09"]), "all of attacks A07, A09;", "to A09"),
        (
            lambda t: (t["speaker"] >= "LA_0010") & (t["speaker"] <= "LA_0030"),
            "all of speakers LA_0010 to LA_0030",
            "codec",
        ),
        (
            lambda t: t["speaker"].isin(["LA_0001", "LA_0003", "LA_0005", "LA_0009", "LA_0011"]),
            "all of speakers LA_0001, LA_0003, LA_0005 and 2 more",
            "attack",
        ),
        (
            lambda t: (t["attack"] == "A09") & (np.arange(N) % 3 > 0),
            "all 120 are of attack A09, of which 60 have a score",
            "all of attack",
        ),
        (lambda t: (t["codec"] == "C01") | (t.index == 0), "all of codec C01 and 1 others", "fide"),
        (lambda t: np.arange(N) % 2 == 0, "(say --allow-missing", "all"),
        (lambda t: t.index < 2, "(say --allow-missing", "all of"),
    ]
    for gone, said, unsaid in cases:
        with subtests.test(said=said, unsaid=unsaid):
            table = keys.astype({"speaker": "str"})
            kept = ~np.asarray(gone(table))
            score = np.where(keys["label"] == "bonafide", 2.0, 0.0) + np.linspace(0, 1, N)
            checked = check_utterances(scorefile(keys["utterance"][kept], score[kept]), keys)
            finding = the(checked, "scores.missing")
            assert finding.count == (~kept).sum()
            assert said in finding.message
            assert unsaid not in finding.message.split("say --allow")[0]


@pytest.mark.parametrize(("label", "word"), [("bonafide", "300 bona fide"), ("spoof", "900 spoof")])
@pytest.mark.parametrize("allowed", [False, True])
def test_a_whole_class_that_is_missing_is_an_error_of_its_own(keys, label, word, allowed):
    kept = (keys["label"] != label).to_numpy()
    ids = keys["utterance"][kept]
    checked = check_utterances(scorefile(ids, np.arange(len(ids))), keys, allow_missing=allowed)
    finding = the(checked, "scores.missing-class")
    assert finding.severity == ("warning" if allowed else "error")
    assert f"none of the {word} trials has a score" in finding.message
    assert "scores.single-class" not in codes(checked)


@pytest.mark.parametrize(
    ("bonafide", "spoof", "said"),
    [
        (15, 300, "15 bona fide trials: one trial is 6.7 %"),
        (300, 4, "4 spoof trials: one trial is 25.0 %"),
        (20, 20, ""),
    ],
)
def test_a_tiny_class_is_said(bonafide, spoof, said):
    labels = ["bonafide"] * bonafide + ["spoof"] * spoof
    ids = [f"u{i}" for i in range(len(labels))]
    keys = pd.DataFrame({"utterance": ids, "label": labels})
    checked = check_utterances(scorefile(ids, -np.arange(len(ids))), keys)
    if said:
        assert the(checked, "scores.tiny-class").message == said
    else:
        assert "scores.tiny-class" not in codes(checked)
