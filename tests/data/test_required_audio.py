"""What is asked of a split's audio before a run begins, and how often."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import layouts
import numpy as np
import pytest
import soundfile

from bench.cards.corpus_cards import read_corpus_card
from bench.data import audio, required_audio
from bench.data.audio import open_audio
from bench.data.readers import find_reader
from bench.data.required_audio import read_durations, require_audio
from bench.data.subset import Subset
from bench.errors import BenchError
from tests.errors import raises_code

LA = read_corpus_card("19LA")
FILES = 4


@pytest.fixture
def trials(tmp_path: Path) -> Subset:
    root = layouts.asvspoof2019la(tmp_path / "LA")
    return find_reader(LA)(LA, root, "eval", None)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are looked at."""
    names: list[str] = []
    monkeypatch.setattr(
        required_audio, "open_audio", lambda path: (names.append(path.stem), open_audio(path))[1]
    )
    return names


def ask(trials: Subset, tmp_path: Path) -> None:
    require_audio(trials, LA.audio, tmp_path / "work", "paper")


def test_sound_files_are_opened_once(trials, opened, tmp_path):
    ask(trials, tmp_path)
    assert sorted(opened) == sorted(trials.table["utterance"])
    ask(trials, tmp_path)
    assert len(opened) == FILES


def test_lengths_are_kept_and_no_file_is_opened_for_them(trials, opened, tmp_path, monkeypatch):
    for row in range(FILES):
        soundfile.write(trials.audio_path(row), np.zeros(4000 + row), 16_000)
    for _ in range(2):
        states = require_audio(trials, LA.audio, tmp_path / "work", "paper")
    monkeypatch.setattr(audio, "open_audio", lambda path: pytest.fail(f"{path} was opened"))
    known = replace(trials, heard_s=read_durations(states))
    lengths = [(4000 + row) / 16_000 for row in range(FILES)]
    assert [known.audio_duration(row) for row in range(FILES)] == lengths
    some = known.choose_rows(np.array([2, 0]))
    assert [some.audio_duration(row) for row in range(2)] == [lengths[2], lengths[0]]
    assert some.audio_path(0) == known.audio_path(2)


def test_a_changed_file_is_opened_again_and_no_other(trials, opened, tmp_path):
    ask(trials, tmp_path)
    del opened[:]
    path = trials.audio_path(2)
    soundfile.write(path, np.zeros(5000), 16_000)
    ask(trials, tmp_path)
    assert opened == [path.stem]
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(BenchError, match=rf"{path}: cannot be decoded"):
        ask(trials, tmp_path)


def test_a_file_of_equal_size_and_another_time_is_another_one(trials, opened, tmp_path):
    ask(trials, tmp_path)
    del opened[:]
    path = trials.audio_path(2)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes(len(whole) - 100))
    os.utime(path, ns=(0, 0))
    with pytest.raises(BenchError, match=rf"{path}: cannot be decoded"):
        ask(trials, tmp_path)


def test_a_faulty_file_is_refused_each_time_and_the_others_are_remembered(trials, opened, tmp_path):
    path = trials.audio_path(1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-50])
    said = (
        rf"asvspoof2019la eval: 1 of 4 audio files cannot be used, the first: {path}: cannot be "
        r"decoded.*\(`bench data check asvspoof2019la --split eval --problems-file FILE` names "
        r"all\)"
    )
    for number in (FILES, 1, 1):
        del opened[:]
        with pytest.raises(BenchError, match=said):
            ask(trials, tmp_path)
        assert len(opened) == number
    path.write_bytes(whole)
    ask(trials, tmp_path)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:42]), "cannot be decoded"),
        (lambda path: path.unlink() or path.mkdir(), "cannot be read: Is a directory"),
        # One that cannot be asked for its size and time.
        (lambda path: path.unlink() or path.symlink_to(path), "cannot be read: Too many levels"),
        (lambda path: layouts.wav(path, 0.3, rate=8000), "is at 8000 Hz"),
        (lambda path: layouts.wav(path, 0.3, channels=2), "has 2 channels"),
        (
            lambda path: soundfile.write(path, np.zeros(0), 16_000, format="WAV"),
            "holds no audio",
        ),
    ],
)
def test_each_fault_is_named(trials, tmp_path, make, said):
    make(trials.audio_path(3))
    for _ in range(2):
        with pytest.raises(BenchError, match=rf"{trials.audio_path(3)}: {said}"):
            ask(trials, tmp_path)


def test_a_missing_file_is_missing_whatever_is_remembered(trials, tmp_path):
    ask(trials, tmp_path)
    trials.audio_path(0).unlink()
    advice = "bench data check asvspoof2019la --split eval --smoke --problems-file FILE"
    with pytest.raises(BenchError, match=rf"1 of 4 protocol lines have no audio.*{advice}"):
        require_audio(trials, LA.audio, tmp_path / "work", "smoke")


def test_another_place_or_another_rule_is_asked_anew(trials, opened, tmp_path):
    ask(trials, tmp_path)
    os.rename(trials.root, tmp_path / "moved")
    ask(Subset("asvspoof2019la", "eval", tmp_path / "moved", trials.table, None), tmp_path)
    assert len(opened) == 2 * FILES
    moved = Subset("asvspoof2019la", "eval", tmp_path / "moved", trials.table, None)
    slow = LA.audio.model_copy(update={"sample_rate_hz": 8000})
    with raises_code("corpus.audio-unusable", "16000 Hz", "8000 Hz"):
        require_audio(moved, slow, tmp_path / "work", "paper")


def test_what_is_remembered_may_be_torn_or_impossible_to_keep(trials, opened, tmp_path):
    ask(trials, tmp_path)
    (kept,) = (tmp_path / "work" / "checked").iterdir()
    kept.write_bytes(kept.read_bytes()[:-3])
    ask(trials, tmp_path)
    assert len(opened) == 2 * FILES
    (tmp_path / "blocked").touch()
    require_audio(trials, LA.audio, tmp_path / "blocked", "paper")
    assert len(opened) == 3 * FILES
