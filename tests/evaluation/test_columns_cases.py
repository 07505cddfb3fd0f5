"""The small inputs of ../shared/cases that failed once, each with what its MANIFEST asks for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.metrics.det import eer_by_class
from tests.errors import raises_code
from tests.evaluation.listed import read

PLAIN_TINY, PLAIN_MINI = 0.05625, 0.125


@pytest.fixture(scope="module")
def cases(shared):
    place = shared / "cases"
    if not place.is_dir():
        pytest.skip("the folder ../shared/cases is not here")
    return place


@pytest.fixture(scope="module")
def truth(cases):
    """Whether an id is bona fide: by the key of `columns`, and by the right labels of `forms`."""
    tiny = pd.read_csv(cases / "columns/data/list.csv")
    mini = pd.read_csv(cases / "forms/antideepfake-19la-noprefix.csv")
    return {
        **dict(zip(tiny["id"], tiny["label"] == "bonafide", strict=True)),
        **dict(zip(mini["ID"], mini["Label"] == 1, strict=True)),
    }


def rate(found, truth):
    ids = [name.removesuffix(".flac") for name in found.names.to_pylist()]
    is_bonafide = np.array([truth[ids[i]] for i in found.row])
    return eer_by_class(found.score[is_bonafide], found.score[~is_bonafide]).eer


def test_judged(cases, truth, subtests):
    files = [
        ("columns/plain.txt", PLAIN_TINY, "scores from column 2"),
        ("columns/label01.txt", PLAIN_TINY, "scores from column 2, labels from column 3"),
        ("columns/pred01.csv", PLAIN_TINY, "scores from 'p_bonafide', labels from 'label'"),
        ("columns/prediction_words.csv", PLAIN_TINY, "'prediction' is a prediction, not used"),
        ("columns/attack_bonafide_first.txt", PLAIN_TINY, "labels from column 3"),
        ("columns/time.csv", PLAIN_TINY, "not used: 'time'"),
        ("forms/plain.txt", PLAIN_MINI, "scores from column 2"),
        ("forms/antideepfake-19la-noprefix.csv", PLAIN_MINI, "order: fake, real)"),
        ("forms/id-score-decision.txt", PLAIN_MINI, "column 3 is a decision by the scores"),
        ("forms/utterance-name-bona-spoof.score", PLAIN_MINI, "difference column 2 - column 3"),
    ]
    for name, expected, said in files:
        with subtests.test(name=name):
            found = read(cases / name)
            assert found.kind == "utterances"
            assert said in found.taken
            assert rate(found, truth) == pytest.approx(expected, abs=1e-12)


def test_an_attack_column_whatever_its_length(cases, truth, tmp_path):
    """Its first 40 lines, all bona fide, 30 times."""
    lines = (cases / "columns/attack_bonafide_first.txt").read_text().splitlines()
    path = tmp_path / "s.txt"
    path.write_text("".join(f"{line}\n" for line in lines[:40] * 30 + lines[40:]))
    found = read(path)
    assert found.bonafide.sum() == 1200
    assert "labels from column 3" in found.taken


def test_a_prediction_in_words(cases, truth):
    found = read(cases / "forms/prediction-in-words.csv")
    assert found.bonafide is None
    assert "'prediction' is a prediction, not used" in found.taken


@pytest.mark.parametrize("column", ["3", "2-3"])
@pytest.mark.parametrize("name", ["columns/label01.txt", "forms/id-score-decision.txt"])
def test_the_label_is_no_score(cases, name, column):
    with raises_code("scores.not-scores"):
        read(cases / name, column=column)


def test_labels_that_contradict_the_keys_are_handed_on(cases, truth):
    found = read(cases / "forms/label01-contradicts.csv")
    ids = found.names.to_pylist()
    own = [truth[ids[i]] for i in found.row]
    assert 0 < np.mean(found.binary == own) < 1


def test_higher_for_spoof(cases, truth):
    path = cases / "forms/fake_prob-near-chance.csv"
    with raises_code("scores.higher-for-spoof"):
        read(path)
    found = read(path, negate=True)
    assert "scores from 'fake_prob'" in found.taken


def test_row_numbers(cases, tmp_path):
    path = cases / "forms/itw-row-numbers.csv"
    with raises_code("scores.no-ids"):
        read(path)
    assert read(path, id_column="index").warnings == ()
    bare = tmp_path / "s.csv"
    bare.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    assert [code for code, _ in read(bare).warnings] == ["scores.row-numbers"]


def test_frames_by_index(cases):
    path = cases / "frames/name-index-bona-spoof.score"
    with pytest.raises(BenchError, match="say --resolution"):
        read(path)
    found = read(path, resolution_s=0.02)
    assert found.kind == "frames"
    assert found.names.to_pylist() == ["utt001"]
    assert found.start.tolist() == [320 * i for i in range(400)]
    assert found.score[0] == pytest.approx(0.282635 - 0.717365)
