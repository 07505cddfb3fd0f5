"""Traps of the field that concern score files, each on real scores or in its real form.

Numbers are those of the lists of traps that the suite was planned by: scores and labels 1 to 8,
protocols 9 and 13, and what corpora's formats hold ready.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.evaluation.checks import check_utterances
from bench.evaluation.findings import refuse_errors
from bench.metrics.det import eer_by_class, eer_official
from tests.errors import raises_code
from tests.evaluation.listed import read


@pytest.fixture(scope="module")
def protocol(official):
    path = official / "asvspoof2019_la/protocols/ASVspoof2019.LA.cm.eval.trl.txt"
    names = ["speaker", "utterance", "-", "attack", "label"]
    return pd.read_csv(path, sep=" ", header=None, names=names)


@pytest.fixture(scope="module")
def aasist(official):
    """AASIST-L's lines `UTT ATTACK KEY SCORE` as a table."""
    path = official / "asvspoof2019_la/scores/AASIST-L_eval.txt"
    return pd.read_csv(path, sep=" ", header=None, names=["utt", "attack", "key", "score"])


@pytest.fixture
def judged(tmp_path, protocol):
    """Write a table as lines, read and check it."""

    def judge(table, trials=protocol, others=dict, **how):
        path = tmp_path / "scores.txt"
        table.to_csv(path, sep=" ", header=False, index=False)
        return check_utterances(read(path), trials, others, **how)

    return judge


def found(checked):
    return {(finding.severity, finding.code) for finding in checked.findings}


def rate(checked, trials, formula=eer_by_class):
    bonafide = (trials["label"] == "bonafide").to_numpy()
    use = checked.present
    return formula(checked.score[use & bonafide], checked.score[use & ~bonafide]).eer


def test_the_untouched_file_has_nothing_to_find(judged, aasist, protocol):
    checked = judged(aasist)
    assert checked.findings == ()
    assert round(100 * rate(checked, protocol), 9) == 0.990923080


def test_trap_1_inverted_scores_are_refused_never_flipped(judged, aasist, protocol):
    """As AIR's released OC-Softmax file: 97.82 % as it is, 2.178 % negated."""
    inverted = aasist.assign(score=-aasist["score"])
    checked = judged(inverted)
    assert found(checked) == {("error", "scores.inverted")}
    assert "EER 99.01%" in checked.findings[0].message
    assert "turned round, EER 0.99%" in checked.findings[0].message
    with raises_code("scores.inverted"):
        refuse_errors("scores.txt", checked.findings)
    assert judged(inverted, negate=True).findings == ()
    as_is = judged(inverted, as_is=True)
    assert found(as_is) == {("warning", "scores.inverted")}
    assert rate(as_is, protocol) > 0.99


def test_trap_1_labels_the_other_way_round(judged, aasist):
    swapped = aasist.assign(key=aasist["key"].map({"spoof": "bonafide", "bonafide": "spoof"}))
    checked = judged(swapped)
    assert found(checked) == {("error", "scores.label-conflict")}
    assert checked.findings[0].count == 71_237


def test_trap_2_spellings_of_labels(judged, aasist):
    hyphen = aasist.assign(key=aasist["key"].replace("bonafide", "bona-fide"))
    assert judged(hyphen).findings == ()


def test_trap_2_digits_are_no_labels(tmp_path, aasist):
    """0 is spoof here and bona fide there: only the keys say which."""
    path = tmp_path / "scores.csv"
    digits = aasist["key"].map({"spoof": 0, "bonafide": 1})
    aasist.assign(key=digits)[["utt", "key", "score"]].to_csv(path, index=False)
    assert read(path).bonafide is None


@pytest.mark.rows
def test_digits_beside_shuffled_scores(tmp_path, aasist, protocol):
    """0/1 is what most scripts write: whatever it means, it says that rows were shuffled."""
    path = tmp_path / "scores.csv"
    for bonafide in (0, 1):
        table = pd.DataFrame({"utt": aasist["utt"], "score": aasist["score"]})
        table["label"] = np.where(aasist["key"] == "bonafide", bonafide, 1 - bonafide)
        table.to_csv(path, index=False)
        assert check_utterances(read(path), protocol).findings == ()
        table["utt"] = np.roll(table["utt"], 1)
        table.to_csv(path, index=False)
        checked = check_utterances(read(path), protocol)
        assert ("error", "scores.label-conflict") in found(checked)
        table.drop(columns="label").to_csv(path, index=False)
        assert ("error", "scores.label-conflict") not in found(
            check_utterances(read(path), protocol)
        )


def test_trap_3_constant_scores(judged, aasist, protocol):
    checked = judged(aasist.assign(score=0.25))
    assert found(checked) == {("error", "scores.constant")}
    as_is = judged(aasist.assign(score=0.25), as_is=True)
    assert found(as_is) == {("warning", "scores.constant")}
    assert rate(as_is, protocol) == 0.5
    assert rate(as_is, protocol, eer_official) == 1.0


def test_trap_3_scores_rounded_to_integers(judged, aasist):
    rounded = aasist.assign(score=aasist["score"].round().astype(int))
    assert found(judged(rounded)) == {
        ("warning", "scores.few-valued"),
        ("warning", "scores.ties-at-eer"),
    }


def test_trap_4_ties_part_the_formulas(judged, aasist, protocol):
    rounded = aasist.assign(score=aasist["score"].round())
    checked = judged(rounded)
    (ties,) = (f for f in checked.findings if f.code == "scores.ties-at-eer")
    assert f"{rate(checked, protocol):.4%}" in ties.message
    assert f"{rate(checked, protocol, eer_official):.4%}" in ties.message
    assert rate(checked, protocol, eer_official) > rate(checked, protocol)


def test_trap_5_one_class_only(judged, shared):
    """All bona fide of ASVspoof 5 dev, scored by a one-class system."""
    path = shared / "protocols/asvspoof5/OCS_dev_bonafide_scores_gender.txt"
    scores = read(path)
    trials = pd.DataFrame({"utterance": scores.names.to_pylist(), "label": "bonafide"})
    checked = check_utterances(scores, trials)
    assert found(checked) >= {("warning", "scores.single-class")}
    assert checked.present.sum() == 31_334
    assert not {code for severity, code in found(checked) if severity == "error"}


def test_trap_6_two_logits_are_a_question(tmp_path, aasist):
    path = tmp_path / "scores.txt"
    pair = aasist.assign(spoof=-aasist["score"])[["utt", "spoof", "score"]].head(2000)
    pair.to_csv(path, sep=" ", header=False, index=False)
    with raises_code("scores.which-column"):
        read(path)
    np.testing.assert_allclose(read(path, column="3-2").score, 2 * aasist["score"].head(2000))


def test_trap_6_probabilities_are_no_likelihood_ratios(judged, aasist, protocol):
    probability = aasist.assign(score=1 / (1 + np.exp(-aasist["score"])))
    checked = judged(probability, llr=True)
    assert ("warning", "scores.probabilities") in found(checked)
    assert round(100 * rate(checked, protocol), 9) == 0.990923080


def test_trap_6_saturated_probabilities(judged, aasist):
    """A softmax in half precision: the highest ones are all 1."""
    half = aasist.assign(score=(1 / (1 + np.exp(-3 * aasist["score"]))).astype(np.float16))
    codes = {code for _, code in found(judged(half, llr=True))}
    assert codes >= {"scores.probabilities", "scores.low-precision"}


def test_trap_7_a_file_in_append_mode(judged, aasist, protocol):
    checked = judged(pd.concat([aasist, aasist]))
    assert found(checked) == {("warning", "scores.duplicated")}
    assert "holds everything 2 times" in checked.findings[0].message
    assert round(100 * rate(checked, protocol), 9) == 0.990923080


def test_trap_7_a_second_run_in_the_same_file(judged, aasist):
    again = aasist.assign(score=aasist["score"] + 0.001)
    checked = judged(pd.concat([aasist, again]))
    assert found(checked) == {("error", "scores.duplicated")}
    assert "another run appended to it" in checked.findings[0].message


def test_trap_8_files_that_were_skipped(judged, aasist):
    half = aasist.iloc[::2]
    checked = judged(half)
    assert found(checked) == {("error", "scores.missing")}
    assert checked.findings[0].count == 35_618
    assert set(checked.findings[0].examples) <= set(aasist["utt"].iloc[1::2])
    allowed = judged(half, allow_missing=True)
    assert found(allowed) == {("warning", "scores.missing")}
    assert allowed.present.sum() == 35_619


def test_trap_9_other_subsets_in_one_file(judged, aasist, protocol):
    """2021's lists mix three subsets; only the one asked for counts."""
    progress, evaluation = protocol.iloc[:13_932], protocol.iloc[13_932:]
    checked = judged(
        aasist,
        evaluation.reset_index(drop=True),
        lambda: {"progress": progress["utterance"].tolist(), "hidden": []},
    )
    assert found(checked) == {("note", "scores.other-split")}
    assert "13,932 ids of progress" in checked.findings[0].message
    assert checked.present.sum() == 71_237 - 13_932


def test_trap_13_in_the_wild(tmp_path):
    """Ids are written with and without .wav; the list itself is no score file."""
    trials = pd.DataFrame({"utterance": ["0", "1", "2"], "label": ["spoof", "spoof", "bonafide"]})
    path = tmp_path / "scores.txt"
    path.write_text("0.wav -1.5\n1.wav -1\n2.wav 3\n")
    assert check_utterances(read(path), trials).present.all()
    path.write_text("file,speaker,label\n0.wav,Alec Guinness,spoof\n1.wav,Alec Guinness,spoof\n")
    with raises_code("scores.not-scores"):
        read(path)


def test_19la_and_21la_ids_look_alike_and_are_disjoint(judged, aasist, official):
    path = official / "asvspoof2021_la/ASVspoof2021.LA.cm.eval.trl.txt"
    trials = pd.DataFrame({"utterance": path.read_text().split(), "label": "spoof"})
    checked = judged(aasist, trials)
    assert found(checked) == {("error", "scores.another-corpus")}
    assert "19LA" in checked.findings[0].message


def test_enrolment_files_were_scored_too(judged, aasist):
    """19LA's folder of eval holds 696 files that no protocol lists."""
    more = pd.DataFrame(
        {
            "utt": [f"LA_E_A{i:07d}" for i in range(696)],
            "attack": "-",
            "key": "bonafide",
            "score": 9.5,
        }
    )
    checked = judged(pd.concat([aasist, more]))
    assert found(checked) == {("warning", "scores.unknown-ids")}
    assert checked.findings[0].count == 696


def test_lists_of_ids_are_no_score_files(official):
    for name in (
        "asvspoof2021_la/ASVspoof2021.LA.cm.eval.trl.txt",
        "asvspoof2019_la/protocols/ASVspoof2019.LA.cm.eval.trl.txt",
        "asvspoof2021_la/LA-C012-eval.npy",
        "asvspoof2019_la/audio/LA_E_6163791.flac",
    ):
        with pytest.raises(BenchError, match=name.rpartition("/")[2]):
            read(official / name)
