"""Figures of an evaluation of utterances: the ones that `bench score` has, under a run's names."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.cards.corpus_cards import read_corpus_card
from bench.config import Config
from bench.data import corpora
from bench.data.subset import Subset
from bench.evaluation import row_evaluation, score_file
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.metrics.catalogue import find_metric
from bench.specs.run import HeldOutData
from tests.errors import raises_code

EVAL = HeldOutData(corpus="asvspoof2019la", split="eval", resolution_s=None, by=("attack",))
ASV = "ASVspoof2019_LA_asv_scores/ASVspoof2019.LA.asv.eval.gi.trl.scores.txt"


@pytest.fixture(autouse=True)
def replicates(monkeypatch: pytest.MonkeyPatch) -> int:
    """Few of them: what is tested is whose figures these are."""
    monkeypatch.setattr(row_evaluation, "_REPLICATES", 40)
    return 40


@pytest.fixture
def root(miniatures: Path, tmp_path: Path) -> Path:
    """A copy of the miniature whose speaker verification accepts every spoof but A09's."""
    place = tmp_path / "mini" / "asvspoof2019la"
    shutil.copytree(miniatures / "mini" / "asvspoof2019la", place)
    lines = [line.split() for line in (place / ASV).read_text().splitlines()]
    changed = {True: "-99.0", False: "99.0"}
    scores = [
        f"{attack} {key} {changed[attack == 'A09'] if key == 'spoof' else score}\n"
        for attack, key, score in lines
    ]
    (place / ASV).write_text("".join(scores))
    return place


@pytest.fixture
def subset(root: Path) -> Subset:
    return corpora.read_corpus_split(
        "asvspoof2019la", "eval", Config(work=root.parent.parent), "smoke"
    )


def write(subset: Subset, path: Path, **more: np.ndarray) -> Path:
    """Write a score file as the engine does, with scores that tell little."""
    n = len(subset)
    score = np.random.default_rng(5).normal(size=n).astype(np.float32)
    score += subset.table["label"] == "bonafide"
    columns = {name: subset.table[name].tolist() for name in ("utterance", "speaker", "attack")}
    score_file.write_scores(
        path,
        columns
        | {
            "start_s": np.zeros(n),
            "end_s": np.full(n, 1.5),
            "label": subset.table["label"].tolist(),
            "score": score.to_numpy(),
            **more,
        },
    )
    return path


def test_figures_are_those_of_bench_score_on_the_same_file(root, subset, tmp_path):
    path = write(subset, tmp_path / "scores.parquet")
    found = row_evaluation.evaluate_row(path, EVAL, subset)
    judge = Evaluator(
        EvaluationRequest(
            read_corpus_card("asvspoof2019la"), "eval", root, by=(("attack",),), replicates=40
        )
    )
    verdict = judge.evaluate_scores(judge.read_scores(path))
    assert {name: f for name, f in found.items() if "." not in name} == verdict.results
    assert set(verdict.results) >= {"eer", "auc", "min_tdcf"}
    by_attack = {
        f"{line.levels[0]}.{name}": figure
        for line in verdict.breakdowns[0].lines
        for name, figure in line.results.items()
        if line.levels != ("Pooled",)
    }
    assert {name: f for name, f in found.items() if "." in name} == by_attack
    attacks = set(subset.table["attack"]) - {""}
    assert {name.partition(".")[0] for name in by_attack} == attacks
    assert all(figure.low <= figure.value <= figure.high for figure in found.values())
    # Speaker verification lets none of A09 through: its t-DCF has nothing to normalise by.
    assert "A09.eer" in found
    assert {name for name in found if "min_tdcf" in name} == {
        "min_tdcf",
        *(f"{attack}.min_tdcf" for attack in attacks - {"A09"}),
    }


def test_both_scores_have_figures_where_there_are_logits(root, subset, tmp_path):
    """BreathNet's and Nes2Net's tables are of different scores: both stand beside each other."""
    logit = np.random.default_rng(1).normal(size=(2, len(subset))).astype(np.float32)
    both = {"logit_bonafide": logit[0], "logit_spoof": logit[1]}
    found = row_evaluation.evaluate_row(
        write(subset, tmp_path / "both.parquet", **both), EVAL, subset
    )
    plain = row_evaluation.evaluate_row(write(subset, tmp_path / "plain.parquet"), EVAL, subset)
    added = {name: found[name] for name in found.keys() - plain.keys()}
    assert plain.items() <= found.items()
    assert added.keys() == {"eer_bonafide_logit", "min_tdcf_bonafide_logit"}
    alone = row_evaluation.evaluate_row(
        write(subset, tmp_path / "alone.parquet", score=logit[0]), EVAL, subset
    )
    assert {name.removesuffix("_bonafide_logit"): of for name, of in added.items()} == {
        name: alone[name] for name in ("eer", "min_tdcf")
    }
    for name in added:
        assert find_metric(f"asvspoof2019la.{name}").label.endswith(" of the bona fide logit")


def test_a_corpus_with_costs_has_them_of_both_scores(miniatures, tmp_path):
    data = HeldOutData(corpus="asvspoof5", split="eval", resolution_s=None)
    subset = corpora.read_corpus_split("asvspoof5", "eval", Config(work=miniatures), "smoke")
    logit = np.random.default_rng(1).normal(size=(2, len(subset))).astype(np.float32)
    both = {"logit_bonafide": logit[0], "logit_spoof": logit[1]}
    found = row_evaluation.evaluate_row(
        write(subset, tmp_path / "both.parquet", **both), data, subset
    )
    costs = {"eer", "min_dcf", "act_dcf", "cllr", "min_cllr"}
    assert {f"{name}_bonafide_logit" for name in costs} < found.keys()
    assert found["cllr_bonafide_logit"].value != found["cllr"].value


def test_figures_draw_speakers_and_attacks(root, subset, tmp_path):
    found = row_evaluation.evaluate_row(write(subset, tmp_path / "scores.parquet"), EVAL, subset)
    assert found["eer"].plan == found["min_tdcf"].plan == "speaker+attack"
    assert {of.plan for name, of in found.items() if "." in name} == {"speaker"}
    assert found["eer"].utterance_low < found["eer"].utterance_high


def test_frames_have_the_figures_of_frames(subset, tmp_path):
    path = write(subset, tmp_path / "scores.parquet")
    frames = HeldOutData(corpus="asvspoof2019la", split="eval", resolution_s=0.02)
    assert row_evaluation.evaluate_row(path, frames, subset) == row_evaluation.evaluate_file(
        path, 40
    )


def test_an_attacks_name_becomes_one_that_can_be_tracked(subset, tmp_path):
    path = write(subset, tmp_path / "scores.parquet")
    table = subset.table.assign(attack=subset.table["attack"].astype(object))
    table.loc[table["attack"] == "A08", "attack"] = "A08.v2+VC é"
    found = row_evaluation.evaluate_row(path, EVAL, dataclasses.replace(subset, table=table))
    assert "A08-v2-VC--.eer" in found


def test_where_fields_meet_and_at_each_there_are_figures(subset, tmp_path):
    path = write(subset, tmp_path / "scores.parquet")
    both = EVAL.model_copy(update={"by": ("attack,speaker",)})
    found = row_evaluation.evaluate_row(path, both, subset)
    one = row_evaluation.evaluate_row(path, EVAL, subset)
    assert one.items() <= found.items()
    speakers = [name for name in set(subset.table["speaker"]) if f"{name}.eer" in found]
    assert speakers
    assert any(f"{attack}.{name}.eer" in found for attack in ("A07", "A08") for name in speakers)
    alone = row_evaluation.evaluate_row(path, EVAL.model_copy(update={"by": ()}), subset)
    assert alone == {name: figure for name, figure in found.items() if "." not in name}


def test_what_min_tdcf_lacks_is_said_before_training(root, subset):
    assert list(row_evaluation.list_lacking([(EVAL, subset)])) == []
    assert (
        list(
            row_evaluation.list_lacking([(EVAL.model_copy(update={"resolution_s": 0.02}), subset)])
        )
        == []
    )
    lines = (root / ASV).read_text().splitlines()
    rejected = [
        line if " spoof " not in line else line.rpartition(" ")[0] + " -99" for line in lines
    ]
    (root / ASV).write_text("\n".join(rejected) + "\n")
    (said,) = row_evaluation.list_lacking([(EVAL, subset)])
    assert "not defined, since by ASVspoof2019.LA.asv.eval.gi.trl.scores.txt no spoof" in said
    (root / ASV).unlink()
    (said,) = row_evaluation.list_lacking([(EVAL, subset)])
    assert f"not computed; it needs {ASV}, which is not at" in said


def test_figures_without_speaker_verification_are_the_rest(root, subset, tmp_path):
    path = write(subset, tmp_path / "scores.parquet")
    before = row_evaluation.evaluate_row(path, EVAL, subset)
    (root / ASV).unlink()
    after = row_evaluation.evaluate_row(path, EVAL, subset)
    assert after == {name: f for name, f in before.items() if "min_tdcf" not in name}


def test_scores_of_other_utterances_are_refused(subset, tmp_path):
    path = write(subset, tmp_path / "scores.parquet")
    fewer = dataclasses.replace(subset, table=subset.table.iloc[1:].reset_index(drop=True))
    with raises_code("scores.other-utterances"):
        row_evaluation.evaluate_row(path, EVAL, fewer)


@pytest.mark.rows
def test_a_real_systems_figures_are_the_organisers(official, tmp_path, monkeypatch):
    """AASIST-L on ASVspoof 2019 LA, against what the official package printed for it."""
    monkeypatch.setattr(row_evaluation, "_REPLICATES", 2)
    root = official / "asvspoof2019_la"
    keys = corpora.read_keys(read_corpus_card("asvspoof2019la"), "eval", root)
    lines = (root / "scores" / "AASIST-L_eval.txt").read_text().splitlines()
    score = {line.split()[0]: float(line.split()[3]) for line in lines}
    names = ("utterance", "speaker", "attack", "label")
    columns = {name: keys.table[name].tolist() for name in names}
    scores = np.array([score[name] for name in columns["utterance"]], dtype=np.float32)
    times = {"start_s": np.zeros(len(keys)), "end_s": np.ones(len(keys))}
    score_file.write_scores(tmp_path / "scores.parquet", columns | times | {"score": scores})
    found = row_evaluation.evaluate_row(tmp_path / "scores.parquet", EVAL, keys)
    text = (root / "scores" / "AASIST-L_official_t-DCF_EER.txt").read_text()
    printed = {attack: eer for attack, eer in re.findall(r"EER(?: (A\d\d))?\s+= ([\d.]+) %", text)}
    assert len(printed) == 14
    for attack, eer in printed.items():
        name = f"{attack}.eer" if attack else "eer"
        assert f"{100 * found[name].value:.9f}" == eer
    assert re.search(r"min-tDCF\s+= ([\d.]+)", text)[1] == f"{found['min_tdcf'].value:.9f}"
