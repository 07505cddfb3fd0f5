"""Files of trials of speaker verification in the official layouts, and reports of them."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation.sasv import SasvRequest, evaluate_sasv, render_sasv
from bench.metrics.det import eer_by_class
from bench.metrics.sasv import ADcfCosts, SasvTrials
from bench.metrics.teer import tandem_eer
from tests.errors import raises_code

KINDS = ("target", "nontarget", "spoof")
N = 60
KIND = np.arange(N) % 3
SPEAKER = [f"LA_{10 + i % 4:04d}" for i in range(N)]
UTTERANCE = [f"LA_E_{1000000 + i}" for i in range(N)]
ATTACK = [f"A{7 + i % 4:02d}" if kind == 2 else "bonafide" for i, kind in enumerate(KIND)]
ASV, CM, SASV = np.random.default_rng(0).normal(size=(3, N)).round(6) + np.stack(
    [2.0 * (KIND != 1), 2.0 * (KIND != 2), 3.0 * (KIND == 0)]
)


def lines(*columns, header=None, mark=" "):
    rows = [mark.join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join([*([header] if header else []), *rows, ""])


WORDS = [KINDS[kind] for kind in KIND]
CM_LABEL = ["spoof" if word == "spoof" else "bonafide" for word in WORDS]
GENDER = ["F"] * N
FILES = {
    "asvspoof5.tsv": lines(
        *(SPEAKER, UTTERANCE, CM, ASV, SASV),
        header="spk\tfilename\tcm-score\tasv-score\tsasv-score",
        mark="\t",
    ),
    "asvspoof5_keys.tsv": lines(
        *(SPEAKER, UTTERANCE, CM_LABEL, WORDS),
        header="spk\tfilename\tcm-label\tasv-label",
        mark="\t",
    ),
    "asvspoof5.eval.track_2.trial.tsv": lines(SPEAKER, UTTERANCE, GENDER, ATTACK, WORDS),
    "ASVspoof2019.LA.asv.eval.gi.trl.txt": lines(SPEAKER, UTTERANCE, ATTACK, WORDS),
    "adcf.txt": lines(SPEAKER, UTTERANCE, SASV, WORDS),
    "sasv.txt": lines(SPEAKER, UTTERANCE, SASV),
    "teer_asv.txt": lines(SPEAKER, UTTERANCE, CM_LABEL, WORDS, ASV),
    "teer_cm.txt": lines(SPEAKER, UTTERANCE, CM_LABEL, WORDS, CM),
    "cm.txt": lines(UTTERANCE, CM),
}


@pytest.fixture
def files(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def evaluated(folder, scores, keys=None, asv=None, cm=None, **how):
    paths = {"keys": keys, "asv": asv, "cm": cm}
    given = {name: folder / file for name, file in paths.items() if file}
    return evaluate_sasv(SasvRequest(folder / scores, **given, **{"replicates": 20, **how}))


@pytest.mark.parametrize(
    "given",
    [
        ("asvspoof5.tsv", "asvspoof5_keys.tsv"),
        ("asvspoof5.tsv", "asvspoof5.eval.track_2.trial.tsv"),
        ("adcf.txt", None, "teer_asv.txt", "teer_cm.txt"),
        ("sasv.txt", "ASVspoof2019.LA.asv.eval.gi.trl.txt", "teer_asv.txt", "cm.txt"),
    ],
)
def test_official_layouts_have_the_same_results(files, given):
    report = evaluated(files, *given)
    assert dict(report.counts) == dict.fromkeys(KINDS, N // 3)
    values = {name: result.value for name, result in report.results.items()}
    target, nontarget, spoof = (SASV[kind == KIND] for kind in range(3))
    assert values["sv_eer"] == eer_by_class(target, nontarget).eer
    assert values["spf_eer"] == eer_by_class(target, spoof).eer
    assert values["sasv_eer"] == eer_by_class(target, [*nontarget, *spoof]).eer
    assert values["t_eer"] == tandem_eer(SasvTrials(KIND, None, ASV, CM))
    assert 0 < values["a_dcf"] < 1
    result = report.results["spf_eer"]
    assert result.low <= result.value <= result.high
    nameless = given[1] in ("asvspoof5_keys.tsv", None)
    assert result.plan == ("speaker" if nameless else "speaker+attack")
    assert report.results["sasv_eer"].plan == "speaker"
    assert ("attacks too" in report.resampling) != nameless
    text = render_sasv(report)
    assert "| SASV-EER " in text
    assert "20 target, 20 nontarget, 20 spoof" in text


def test_the_order_of_the_files_does_not_matter(files):
    rows = FILES["sasv.txt"].splitlines()
    (files / "mixed.txt").write_text("\n".join([*rows[::2], *rows[1::2], ""]))
    keys = "ASVspoof2019.LA.asv.eval.gi.trl.txt"
    assert evaluated(files, "mixed.txt", keys).results == evaluated(files, "sasv.txt", keys).results


def test_parts_alone_have_a_teer_and_costs_are_stated(files):
    report = evaluated(files, "asvspoof5.tsv", "asvspoof5_keys.tsv", costs=ADcfCosts(0.1, 0.2))
    default = evaluated(files, "asvspoof5.tsv", "asvspoof5_keys.tsv")
    assert report.results["a_dcf"].value != default.results["a_dcf"].value
    assert any("nontarget_prior 0.1, spoof_prior 0.2" in note for note in report.notes)
    assert any("ASVspoof 5, track 2" in note for note in default.notes)
    only = FILES["asvspoof5.tsv"].splitlines()
    parts = "\n".join(line.rpartition("\t")[0] for line in only)
    (files / "parts.tsv").write_text(parts + "\n")
    assert set(evaluated(files, "parts.tsv", "asvspoof5_keys.tsv").results) == {"t_eer"}


def test_scores_that_mean_the_opposite_are_noticed(files):
    (files / "turned.txt").write_text(lines(SPEAKER, UTTERANCE, -SASV, WORDS))
    assert any("above 50 %" in note for note in evaluated(files, "turned.txt").notes)


FAULTS = {
    "sasv.malformed": [
        ("LA_1 u1 target\nLA_1 u2 targets\n", "'targets' is no kind of trial; did you mean"),
        ("LA_1 u1 0.5 target\nLA_1 u2 nan target\n", "'nan' is no finite number"),
        ("LA_1 u1 0.5 target\nLA_1\n", "has 1 column;"),
        ("LA_1 u1 word other\n", "should be `SPEAKER UTTERANCE SCORE [KIND]`"),
        ("\n", "holds no trial"),
    ],
    "sasv.trials-repeated": [("LA_1 u1 0.5 target\nLA_1 u1 0.6 target\n", "1 trial there twice")],
    "sasv.no-kinds": [(FILES["sasv.txt"], "give the list of trials (--keys)")],
    "sasv.kinds": [("LA_1 u1 1 target\nLA_1 u2 0 spoof\n", "has no nontarget trial")],
    "sasv.scores": [(FILES["asvspoof5.eval.track_2.trial.tsv"], "nor of both parts")],
}


def test_a_file_that_is_none_is_said_why(tmp_path, subtests):
    for code, cases in FAULTS.items():
        for text, says in cases:
            with subtests.test(code=code, says=says):
                (tmp_path / "scores.txt").write_text(text)
                with raises_code(code) as error:
                    evaluated(tmp_path, "scores.txt")
                assert says in str(error.value)
                assert "scores.txt" in str(error.value)


def test_files_of_other_trials_are_refused(files):
    rows = FILES["sasv.txt"].splitlines()
    keys = "ASVspoof2019.LA.asv.eval.gi.trl.txt"
    for text, says in (
        ("\n".join(rows[2:]), "2 of 60 trials of"),
        ("\n".join([*rows, "LA_0010 LA_E_9 0.5"]), "LA_0010 LA_E_9"),
    ):
        (files / "other.txt").write_text(text + "\n")
        with raises_code("sasv.trials-differ") as error:
            evaluated(files, "other.txt", keys)
        assert says in str(error.value)
    wrong = FILES["adcf.txt"].replace(" nontarget", " target", 1)
    (files / "wrong.txt").write_text(wrong)
    with raises_code("sasv.kind-conflict") as error:
        evaluated(files, "wrong.txt", keys)
    assert "1 trials of" in str(error.value)
