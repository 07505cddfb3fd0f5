"""`bench compare` from outside: files that are read in different ways, and what they are called."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.evaluation.listed import frames
from tests.evaluation.made import scored, text


@pytest.fixture
def files(tmp_path, trials):
    """The same scores in one column, inverted, as two logits, and beside others."""
    scores = np.round(scored(trials)[0], 6)
    ids = trials["utterance"]
    text(tmp_path / "plain.txt", ids, scores)
    text(tmp_path / "inverted.txt", ids, -scores)
    for name, columns in (("logits", (scores + 3, 0 * scores + 3)), ("two", (-scores, scores))):
        pairs = zip(ids, *columns, strict=True)
        lines = "".join(f"{u} {a:.6f} {b:.6f}\n" for u, a, b in pairs)
        (tmp_path / f"{name}.txt").write_text(lines)
    return tmp_path


def found(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    "other",
    [
        "inverted.txt,higher-is-spoof",
        "logits.txt,column=2-3",
        "two.txt,column=3",
        "two.txt,column=2,higher-is-spoof",
        "two.txt,id-column=1,column=3,name=Theirs",
    ],
)
def test_files_that_are_read_in_different_ways_are_compared(bench, files, keys, other):
    order = (f"{files / other}", str(files / "plain.txt"), *keys, "--json")
    said = found(bench("compare", *order))
    assert said["names"] == ["Theirs" if "name" in other else other.partition(",")[0], "plain.txt"]
    for line in said["compared"]:
        assert line["a"] == pytest.approx(line["b"], abs=1e-9)
        assert 0 < line["a"] < 100


def test_options_hold_for_both_files_and_what_stands_after_one_goes_first(bench, files, keys):
    a, b = f"{files / 'two.txt'},column=3", f"{files / 'two.txt'},higher-is-spoof"
    said = found(bench("compare", a, b, "--column", "2", *keys, "--json"))
    assert said["notes"] == ["both files hold the same scores"]
    assert all(line["difference"]["value"] == 0 for line in said["compared"])


def test_mistakes_after_a_file_are_one_message(bench, files, keys, subtests):
    readings = [
        ("colum=3", "did you mean 'column'?"),
        ("column", "column=VALUE"),
        ("higher-is-spoof=yes", "higher-is-spoof"),
        ("resolution=short", "resolution=short"),
        ("order=mine", "order=mine"),
    ]
    for said, message in readings:
        for verb in ["score", "compare"]:
            with subtests.test(said=said, verb=verb):
                plain = str(files / "plain.txt")
                done = bench(verb, f"{plain},{said}", *[plain] * (verb == "compare"), *keys)
                assert (done.returncode, done.code) == (2, "option.invalid")
                assert message in done.stderr


def test_a_file_whose_own_name_holds_a_comma_is_that_file(bench, files, keys, trials):
    scores, _ = scored(trials)
    own = text(files / "a,column=9.txt", trials["utterance"], scores)
    for order in ((str(own), f"{own},column=2"), (f"{own},name=X", str(own))):
        assert found(bench("compare", *order, *keys, "--json"))["a"] == str(own)
    gone = bench("compare", str(files / "b,column=2.txt"), str(own), *keys)
    assert (gone.returncode, gone.code) == (2, "file.missing")
    assert f"{files / 'b'}: " in gone.stderr


def test_files_of_one_name_are_told_apart_by_their_folders(bench, files, keys, trials):
    scores, _ = scored(trials, seed=1)
    paths = []
    for name in ("LFCC-GMM", "RawNet2"):
        (files / name).mkdir()
        paths.append(text(files / name / "score.txt", trials["utterance"], scores))
        scores = scores / 2 + scored(trials, seed=3)[0]
    done = bench("compare", *map(str, paths), *keys)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("# LFCC-GMM/score.txt (A) and RawNet2/score.txt (B) on ")
    assert "the same scores" not in done.stdout
    alone = bench("compare", str(paths[0]), str(paths[0]), *keys)
    assert "- both files hold the same scores" in alone.stdout


def test_frames_that_are_the_same_are_said_to_be(bench, environment, files):
    mini = files / "work/mini"
    one, other = (frames(mini, files, 0.02, name) for name in ("f.txt", "g.txt"))
    order = ("--corpus", "PS", "--smoke", "--replicates", "5")
    assert (
        "- both files hold the same scores" in bench("compare", str(one), str(other), *order).stdout
    )
    coarse = frames(mini, files, 0.04, "h.txt")
    assert "the same scores" not in bench("compare", str(one), str(coarse), *order).stdout
