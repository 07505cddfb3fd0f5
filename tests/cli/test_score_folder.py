"""`bench score` without --corpus, and of a folder: the corpus is known by the ids."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.config import Config
from bench.data import corpora
from tests.evaluation.made import scored, text

FEW = ("--smoke", "--replicates", "5")


@pytest.fixture
def files(environment, tmp_path):
    """Scores of two miniatures in a folder, and beside it scores of no corpus."""
    config = Config(work=Path(environment["BENCH_WORK"]))
    place = tmp_path / "scores"
    place.mkdir()
    for name in ("19LA", "ITW"):
        card = corpora.read_corpus_card(name)
        table = corpora.read_corpus_split(name, card.evaluation_split, config, "smoke").table
        text(place / f"on-{name}.txt", table["utterance"], scored(table)[0])
    text(tmp_path / "strange.txt", ["x1", "x2", "x3"], [0.1, 0.2, 0.3])
    return place


@pytest.mark.rows
def test_a_file_is_judged_on_the_corpus_that_its_ids_are_of(bench, files):
    for name, key in (("19LA", "asvspoof2019la"), ("ITW", "inthewild")):
        done = bench("score", str(files / f"on-{name}.txt"), *FEW, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["corpus"] == key
        assert f"by its ids of {key}" in done.stderr


@pytest.mark.rows
def test_a_folder_is_one_system_on_the_corpora_of_its_files(bench, files):
    done = bench("score", str(files), *FEW, "--track", "cross", "--name", "MyDet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("tracked: cross/detection, row MyDet") == 2
    (files / "strange.txt").write_text("x1 0.1\nx2 0.2\n")
    part = bench("score", str(files), *FEW)
    assert part.returncode == 1
    assert part.stdout.count("# SMOKE: ") == 2, "the others are judged"
    assert "strange.txt: its ids, such as 'x1', fit no corpus whose keys are here" in part.stderr
    assert "1 of 3 files failed: strange.txt" in part.stderr


def test_what_cannot_be_known_by_ids_is_said(bench, files, tmp_path, keys):
    own = str(files / "on-19LA.txt")
    assert "there are no keys of any corpus on this machine" in bench("score", own).stderr
    for more in (keys[2:], ("--order", "protocol", "--smoke")):
        done = bench("score", own, *more)
        assert (done.returncode, done.code) == (2, "option.missing")
        assert "--corpus NAME" in done.stderr
    strange = bench("score", str(tmp_path / "strange.txt"), *FEW)
    assert strange.returncode == 2
    assert "fit no corpus whose keys are here" in strange.stderr
    assert bench("score", str(files), *FEW, "--json").code == "option.conflict"
