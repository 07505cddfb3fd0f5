"""How miniatures are written: the same for the same recipe, whole or not at all, what is due."""

from __future__ import annotations

import shutil
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from minis import TINIEST, files

from bench.cards.corpus_cards import read_corpus_card
from bench.data.check import check_corpus
from bench.errors import BenchError
from bench.synthetic import (
    CORPORA,
    DEFAULT,
    LARGE,
    SIZES,
    had,
    llamapartialspoof,
    partialspoof,
    write_miniatures,
)
from bench.synthetic import make as making
from bench.synthetic.clip import split_speakers
from bench.synthetic.source_filter import SourceFilter
from tests.errors import raises_code

pytestmark = pytest.mark.rows

KEYS = ["partialspoof", "had", "llamapartialspoof"]


@pytest.fixture(scope="module")
def tiniest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three miniatures. Tests that change files copy them first."""
    folder = tmp_path_factory.mktemp("tiniest")
    write_miniatures(folder, seed=1, size=TINIEST, only=KEYS)
    return folder


def test_the_same_seed_gives_the_same_bytes(tiniest: Path, tmp_path: Path):
    write_miniatures(tmp_path, seed=1, size=TINIEST, only=KEYS)
    assert files(tmp_path) == files(tiniest)


@pytest.mark.slow  # two fresh processes import torch
def test_two_processes_give_the_same_bytes_as_one(
    tiniest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(making, "FEWEST_TO_SHARE", 0)
    write_miniatures(tmp_path, seed=1, size=TINIEST, only=KEYS)
    assert files(tmp_path) == files(tiniest)


def test_versions_of_a_recording_are_what_each_is_alone(tiniest: Path, tmp_path: Path):
    """Several clips are made of one source; each is the same as if it were made by itself."""
    speakers = split_speakers([SourceFilter(i + 1, 1) for i in range(20)], 1)
    (tmp_path / "R01TTS.0.a").mkdir()
    (tmp_path / "R01TTS.0.b").mkdir()
    clips = llamapartialspoof.plan(speakers, TINIEST, 1)
    assert Counter(clip.source for clip in clips).most_common(1)[0][1] == 5
    for clip in clips:
        making.make_recording([clip], tmp_path, TINIEST, 1)
        alone = (tmp_path / clip.path).read_bytes()
        assert alone == (tiniest / "llamapartialspoof" / clip.path).read_bytes()


def test_the_same_recipe_again_does_nothing_and_another_replaces(tiniest: Path, tmp_path: Path):
    shutil.copytree(tiniest, tmp_path, dirs_exist_ok=True)
    assert write_miniatures(tmp_path, seed=1, size=TINIEST, only=KEYS) == []
    shutil.rmtree(tmp_path / "llamapartialspoof")
    shutil.copytree(tmp_path / "had", tmp_path / "llamapartialspoof")
    marker = tmp_path / "llamapartialspoof/MINIATURE.toml"
    marker.write_text(marker.read_text().replace("version = ", "version = 1"))
    told: list[tuple[str, int, int]] = []
    written = write_miniatures(tmp_path, None, 1, TINIEST, lambda *at: told.append(at), KEYS)
    assert written == [tmp_path / "llamapartialspoof"]
    assert files(tmp_path) == files(tiniest)
    assert told == [("llamapartialspoof", i, 6) for i in range(1, 7)]


def test_another_seed_gives_other_audio(tiniest: Path, tmp_path: Path):
    for key in KEYS[:2]:
        shutil.copytree(tiniest / key, tmp_path / key)
    written = write_miniatures(tmp_path, seed=2, size=TINIEST, only=KEYS)
    assert written == [tmp_path / key for key in KEYS]
    before, after = (
        {data for name, data in files(root).items() if name.endswith(".wav")}
        for root in (tiniest, tmp_path)
    )
    assert len(before) == len(after) > 10
    assert not before & after


@pytest.mark.parametrize("key", KEYS)
def test_what_is_no_miniature_is_left_alone(tmp_path: Path, key: str):
    precious = tmp_path / key / "precious.txt"
    precious.parent.mkdir()
    precious.write_text("mine")
    with raises_code("mini.no-miniature", f"{key}: "):
        write_miniatures(tmp_path, seed=1, size=TINIEST, only=KEYS)
    assert files(tmp_path) == {f"{key}/precious.txt": b"mine"}
    assert [p.name for p in tmp_path.iterdir()] == [key]


def test_a_failure_leaves_what_was_there(
    tiniest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(tiniest / "had", tmp_path / "had")
    before = files(tmp_path)

    def fail(root: Path, made: object) -> None:
        raise OSError(f"disk full at {root} with {made}")

    monkeypatch.setattr(had, "annotate", fail)
    monkeypatch.setattr(partialspoof, "plan", lambda *_: [])
    monkeypatch.setattr(partialspoof, "annotate", lambda root, _: root.mkdir())
    with pytest.raises(OSError, match="disk full"):
        write_miniatures(tmp_path, seed=2, size=TINIEST, only=KEYS)
    assert {name: data for name, data in files(tmp_path).items() if "had" in name} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["had", "partialspoof"]


def test_from_real_recordings(shared: Path, tmp_path: Path):
    speech = shared / "speech" / "librispeech"
    assert len(write_miniatures(tmp_path, speech, size=TINIEST, only=KEYS)) == 3
    assert write_miniatures(tmp_path, speech, size=TINIEST, only=KEYS) == []
    marker = tomllib.loads((tmp_path / "had/MINIATURE.toml").read_text())
    named = [name for split in marker["speakers"].values() for name in split.values()]
    assert sorted(named) == sorted(p.name for p in speech.iterdir() if p.is_dir())
    assert str(speech) not in (tmp_path / "had/MINIATURE.toml").read_text()
    for key in KEYS:
        first = next(iter(read_corpus_card(key).splits))
        report = check_corpus(
            read_corpus_card(key), tmp_path / key, first, lambda *_: None, form="smoke"
        )
        assert report.issues == ()


def test_only_what_is_asked_for_is_made(tiniest: Path, tmp_path: Path):
    assert write_miniatures(tmp_path, seed=1, size=TINIEST, only=["had"]) == [tmp_path / "had"]
    assert [p.name for p in tmp_path.iterdir()] == ["had"]
    assert files(tmp_path / "had") == files(tiniest / "had")
    with raises_code("mini.unknown-corpus", "did you mean 'had'"):
        write_miniatures(tmp_path, seed=1, size=TINIEST, only=["hat"])


def test_the_sizes_have_as_many_clips_as_they_say():
    speakers = split_speakers([SourceFilter(i + 1, 0) for i in range(20)], 0)
    for size, count in ((DEFAULT, 1232), (LARGE, 4390)):
        assert sum(len(corpus.plan(speakers, size, 0)) for corpus in CORPORA) == count
    assert SIZES == {"demo": DEFAULT, "large": LARGE}


def test_another_recipe_is_refused_before_anything_is_written(tiniest: Path, tmp_path: Path):
    place = tmp_path / "mini"
    shutil.copytree(tiniest, place)
    before = files(place)
    with pytest.raises(BenchError, match=r"partialspoof \(seed 1, not 2, another size\)") as error:
        write_miniatures(
            place, seed=2, size=LARGE, only=["partialspoof", "inthewild"], replace=False
        )
    assert "--replace" in str(error.value)
    assert files(place) == before


def test_what_is_replaced_is_said_when_each_is_ready(tiniest: Path, tmp_path: Path):
    place = tmp_path / "mini"
    shutil.copytree(tiniest / "partialspoof", place / "partialspoof")
    marker = place / "partialspoof/MINIATURE.toml"
    marker.write_text(marker.read_text().replace("version = 3", "version = 2"))
    told: list[tuple[str, str, bool]] = []

    def ready(path: Path, before: str) -> None:
        told.append((path.name, before, (path / "MINIATURE.toml").is_file()))

    wanted = ["had", "partialspoof"]
    write_miniatures(place, seed=1, size=TINIEST, only=wanted, ready=ready, replace=False)
    assert told == [
        ("partialspoof", "one with the recipe of an earlier version", True),
        ("had", "", True),
    ]
    write_miniatures(place, seed=1, size=TINIEST, only=wanted, ready=ready, replace=False)
    assert len(told) == 2
