"""Files that are replaced while a row is run: it fails, and what was computed is set aside."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.config import Config
from bench.runner import input_changes
from bench.training import contents, file_names
from tests.errors import raises_code


class Split(SimpleNamespace):
    """A split of audio files, as far as they are looked at."""

    def __len__(self) -> int:
        return len(self.paths)

    def audio_path(self, row: int) -> Path:
        return self.paths[row]


@pytest.fixture
def row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A row's data and folder, with the files that its training and scoring left."""
    splits = {}
    for name in ("train", "dev", "evaluate.a", "evaluate.b"):
        path = tmp_path / f"{name}.wav"
        path.write_bytes(b"audio")
        info = path.stat()
        states = np.array([[info.st_size, info.st_mtime_ns, 1, 1]])
        splits[name] = SimpleNamespace(subset=Split(paths=[path]), states=states)
    evaluate = {name[-1]: loaded for name, loaded in splits.items() if "." in name}
    data = SimpleNamespace(splits=splits, evaluate=evaluate, training={"weights w": "1"})
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("last.pt", "kept.pt", file_names.PROGRESS, file_names.SELECTION, "a", "b"):
        (folder / name).write_text("")
    monkeypatch.setattr(input_changes, "score_path", lambda folder, name, *_: folder / name)
    monkeypatch.setattr(contents, "training_contents", lambda *_: dict(data.now))
    data.now = dict(data.training)
    run = SimpleNamespace(evaluate={"a": None, "b": None}, is_trained=True)
    return SimpleNamespace(data=data, folder=folder, run=run, audio=tmp_path)


def check(row: Any, *, trained_before: bool = False) -> None:
    input_changes.require_unchanged(
        row.run, row.data, row.folder, Config(), trained_before=trained_before
    )


def aside(row: Any) -> set[str]:
    return {path.name.removesuffix(".damaged") for path in row.folder.glob("*.damaged")}


EVERYTHING = {"last.pt", "kept.pt", file_names.PROGRESS, file_names.SELECTION, "a", "b"}


def test_nothing_changed(row):
    check(row)
    assert aside(row) == set()


@pytest.mark.parametrize("split", ["train", "dev"])
def test_what_was_learnt_from_changed(row, split):
    (row.audio / f"{split}.wav").write_bytes(b"other")
    with raises_code("row.input-changed", f"{split}.wav"):
        check(row)
    assert aside(row) == EVERYTHING


def test_one_evaluation_changed(row):
    (row.audio / "evaluate.a.wav").unlink()
    with raises_code("row.input-changed", "evaluate.a.wav"):
        check(row)
    assert aside(row) == {"a"}


def test_a_training_that_was_finished_before_stays(row):
    (row.audio / "train.wav").write_bytes(b"other")
    row.data.now = {"weights w": "2"}
    check(row, trained_before=True)
    assert aside(row) == set()


def test_weights_were_replaced(row):
    row.data.now = {"weights w": "2"}
    with raises_code("row.input-changed", "weights w"):
        check(row)
    assert aside(row) == EVERYTHING


def test_only_size_and_time_are_looked_at(row):
    path = row.audio / "train.wav"
    before = path.stat().st_mtime_ns
    path.write_bytes(b"audio")
    os.utime(path, ns=(before, before))
    check(row)
    assert aside(row) == set()
