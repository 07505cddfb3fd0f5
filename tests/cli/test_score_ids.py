"""`bench score` on ids, labels and lists of what is wrong with them, from outside."""

from __future__ import annotations

import csv
import shutil

import pytest

CARD = """
name     = "Ids unique only by path"
short    = "PATHS"
task     = "detection"
reader   = "protocol"
story    = "As Fake-or-Real and SONAR are."
citation = "x"
licence  = "x"
page     = "https://example.org/x"
place    = "x"
sources  = ["x"]

[protocol]
file      = "list.csv"
separator = "comma"
header    = "file_name,label,attack"
columns   = "utterance label attack"
audio     = "{utterance}"

[splits.test]
utterances = 60
[splits.train]
utterances = 2
file       = "train.csv"
"""
FILES = [f"{kind}/file{i}.wav" for i in range(30) for kind in ("real", "fake")]


@pytest.fixture
def tree(tmp_path):
    """A corpus of 60 files, of which only the folder tells two of one name apart."""
    (tmp_path / "bench.toml").write_text('extend = ["."]\n[corpora]\npaths = "data"\n')
    for folder in ("datasets", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "datasets/paths.toml").write_text(CARD)
    rows = "".join(
        f"{name},{'bonafide,-' if name.startswith('real') else f'spoof,A{i % 3}'}\n"
        for i, name in enumerate(FILES)
    )
    (tmp_path / "data/list.csv").write_text(f"file_name,label,attack\n{rows}")
    (tmp_path / "data/train.csv").write_text("t/file1.wav,bonafide,-\nt/file2.wav,spoof,A0\n")
    return tmp_path


def put(tree, names):
    score = [(1 if "real" in name else -1) + (i % 7) / 5 for i, name in enumerate(names)]
    lines = (f"{name} {value}\n" for name, value in zip(names, score, strict=True))
    (tree / "scores.txt").write_text("".join(lines))


def listed(path):
    with path.open(newline="", encoding="utf-8") as file:
        heading, *rows = csv.reader(file)
    assert heading == ["finding", "id"]
    found: dict[str, list[str]] = {}
    for code, name in rows:
        found.setdefault(code, []).append(name)
    return found


def test_files_that_only_their_folder_tells_apart(bench, tree):
    put(tree, [f"/somewhere/{name}" for name in FILES])
    shown = bench("score", "scores.txt", "--corpus", "paths", "--replicates", "10")
    assert shown.returncode == 0, shown.stderr
    assert "60 trials: 30 bona fide, 30 spoof" in shown.stdout


def test_the_case_of_ids_by_path(bench, shared, tmp_path):
    shutil.copytree(shared / "cases/path-ids", tmp_path, dirs_exist_ok=True)
    shown = bench("score", "scores.txt", "--corpus", "mini", "--replicates", "10")
    assert shown.returncode == 0, shown.stderr
    assert "EER    |   0.000000 %" in shown.stdout


def test_a_list_of_everything_of_a_file_that_is_refused(bench, tree):
    names = [*FILES[20:], *FILES[20:28], "t/file1.wav", *(f'odd "{i}", file' for i in range(9))]
    (tree / "scores.txt").write_text("".join(f"{u}\t{i / 7}\n" for i, u in enumerate(names)))
    shown = bench("score", "scores.txt", "--corpus", "paths", "--problems-file", "all.csv")
    assert shown.returncode == 2
    assert "20 of 60 trials have no score" in shown.stderr
    first = "real/file0, fake/file0, real/file1, fake/file1, real/file2, ... "
    assert f"{first}(`bench score --problems-file FILE` writes all)" in shown.stderr
    found = listed(tree / "all.csv")
    assert found["scores.missing"] == [name.removesuffix(".wav") for name in FILES[:20]]
    assert found["scores.unknown-ids"] == [f'odd "{i}", file' for i in range(9)]
    assert sorted(found["scores.duplicated"]) == sorted(FILES[20:28])
    assert found["scores.other-split"] == ["t/file1.wav"]


def test_a_list_of_everything_of_a_file_that_is_judged(bench, tree):
    put(tree, FILES[6:])
    asked = ("score", "scores.txt", "--corpus", "paths", "--allow-missing", "--replicates", "10")
    shown = bench(*asked, "--problems-file", "all.csv")
    assert shown.returncode == 0, shown.stderr
    assert listed(tree / "all.csv") == {
        "scores.missing": [name.removesuffix(".wav") for name in FILES[:6]]
    }
    assert "(`bench score --problems-file FILE` writes all)" in shown.stdout
    put(tree, FILES)
    assert bench(*asked, "--problems-file", "all.csv").returncode == 0
    assert listed(tree / "all.csv") == {}


def test_a_list_that_cannot_be_written_is_said(bench, tree):
    put(tree, FILES[1:])
    (tree / "file").write_text("")
    shown = bench("score", "scores.txt", "--corpus", "paths", "--problems-file", "file/all.csv")
    assert shown.returncode == 2
    assert shown.stderr.startswith("error: file/all.csv: cannot be written")


def test_the_label_as_score_is_refused(bench, shared, tmp_path):
    shutil.copytree(shared / "cases/columns", tmp_path, dirs_exist_ok=True)
    shown = bench("score", "label01.txt", "--corpus", "tiny", "--column", "3")
    assert shown.returncode == 2
    assert "this is the label" in shown.stderr


def test_labels_of_digits_that_contradict_the_keys(bench, shared, tmp_path):
    """Ids shuffled against scores and labels; the keys are what another case's labels say."""
    cases = shared / "cases/forms"
    with (cases / "antideepfake-19la-noprefix.csv").open(newline="") as file:
        truth = {row["ID"]: row["Label"] == "1" for row in csv.DictReader(file)}
    (tmp_path / "ASVspoof2019.LA.cm.eval.trl.txt").write_text(
        "".join(
            f"LA_0001 {name} - {'- bonafide' if real else 'A07 spoof'}\n"
            for name, real in truth.items()
        )
    )
    asked = ("--corpus", "19LA", "--keys", str(tmp_path), "--replicates", "10")
    shown = bench(
        "score", str(cases / "label01-contradicts.csv"), *asked, "--problems-file", "all.csv"
    )
    assert shown.returncode == 2
    assert "have another label here than in the keys" in shown.stderr
    assert len(listed(tmp_path / "all.csv")["scores.label-conflict"]) > 10
