"""Breaths are searched once for each file, kept, and never mixed up or lost."""

from __future__ import annotations

import dataclasses
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.config import Config
from bench.data import parallel
from bench.data.audio import read_wave
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.models import breath
from bench.models.breath import build_marker, cache, dsp
from bench.models.breath.marks import Intervals
from bench.specs.breath.dsp import Dsp
from bench.specs.corpus import Audio
from tests.errors import raises_code
from tests.models.breath.made_breaths import RATE, made, subset, write

SPEC = Dsp(kind="dsp")
NAMES = ["e", "b", "d", "a", "c"]


@pytest.fixture
def own(tmp_path: Path) -> Subset:
    """Five recordings of two phrases, a breath between them."""
    write(tmp_path, NAMES)
    return subset(tmp_path, NAMES)


@pytest.fixture
def searched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Shards and chunks of two utterances; the names of the files as they are searched."""
    monkeypatch.setattr(cache, "SHARD", 2)
    monkeypatch.setattr(parallel, "CHUNK", 2)
    names: list[str] = []

    def noted(path: Path, audio: Audio) -> np.ndarray:
        names.append(path.stem)
        return read_wave(path, audio)

    monkeypatch.setattr(dsp, "read_wave", noted)
    return names


def found(own: Subset, spec: Dsp = SPEC, say=None, workers: int = 0) -> list[list]:
    config = Config(work=own.root / "work", workers=workers)
    kept = build_marker(own, spec, Audio(), config, say)
    assert isinstance(kept, Intervals)
    return [kept.row_intervals(row).tolist() for row in range(len(own))]


def alone(own: Subset) -> list[list]:
    """Return what the detector says of each file."""
    waves = (read_wave(own.audio_path(row), Audio()) for row in range(len(own)))
    return [dsp.detect_breaths(wave, SPEC).tolist() for wave in waves]


def test_each_row_gets_its_own_breaths_once(own, searched):
    assert found(own) == alone(own)
    assert all(len(times) == 1 for times in found(own))
    assert searched == sorted(NAMES)


def test_kept_breaths_are_searched_once_in_any_order(own, searched):
    wanted = dict(zip(NAMES, found(own), strict=True))
    again = subset(own.root, sorted(NAMES))
    assert found(again) == [wanted[name] for name in sorted(NAMES)]
    assert len(searched) == len(NAMES)


def test_breaths_of_other_audio_are_searched_anew(own, searched):
    found(own)
    first, second = (own.audio_path(row) for row in (0, 1))
    second.write_bytes(first.read_bytes())
    assert found(own)[0] == found(own)[1]
    assert searched[len(NAMES) :] == ["a", "b"], "its shard alone"


def test_another_setting_version_or_split_is_searched_anew(own, searched, monkeypatch):
    found(own)
    found(own, SPEC.model_copy(update={"max_level": 0.6}))
    assert len(searched) == 10
    monkeypatch.setattr(dsp, "RESULTS_VERSION", 99)
    found(own)
    assert len(searched) == 15
    found(dataclasses.replace(own, split="dev"))
    assert len(searched) == 20
    found(dataclasses.replace(own, table=own.table.assign(label="spoof")))
    assert len(searched) == 25
    found(own)
    assert len(searched) == 25


@pytest.mark.parametrize("fault", ["missing", "empty", "truncated", "silent"])
def test_an_unreadable_file_is_named_and_what_was_found_before_is_kept(own, searched, fault):
    path = own.root / "d.wav"
    whole = path.read_bytes()
    if fault == "silent":
        soundfile.write(path, np.zeros(0), RATE)
    else:
        path.write_bytes(whole[: {"missing": 0, "empty": 0, "truncated": 5000}[fault]])
    if fault == "missing":
        path.unlink()
    with pytest.raises(BenchError, match=rf"{path}: "):
        found(own)
    path.write_bytes(whole)
    del searched[:]
    assert found(own) == alone(own)
    assert searched == ["c", "d", "e"]


def test_a_killed_search_goes_on_where_it_was(own, searched, monkeypatch):
    def killed(paths: Sequence[Path]) -> Iterator[np.ndarray]:
        yield from dsp.find_files(SPEC, Audio(), 0, paths[:3])
        raise KeyboardInterrupt

    described = {"version": str(dsp.RESULTS_VERSION), **SPEC.model_dump()}
    with pytest.raises(KeyboardInterrupt):
        cache.find_intervals(own, described, killed, own.root / "work", print)
    assert searched == ["a", "b", "c"]
    assert found(own) == alone(own)
    assert searched[3:] == ["c", "d", "e"]


def test_of_two_at_once_one_searches_and_the_other_waits(own, searched):
    waits, searches = threading.Event(), threading.Event()
    results: dict[str, object] = {}

    def slow(paths: Sequence[Path]) -> Iterator[np.ndarray]:
        searches.set()
        assert waits.wait(10)
        yield from dsp.find_files(SPEC, Audio(), 0, paths)

    def first() -> None:
        described = {"version": str(dsp.RESULTS_VERSION), **SPEC.model_dump()}
        results["first"] = cache.find_intervals(own, described, slow, own.root / "work", print)

    def said(text: str) -> None:
        holder = f"process {os.getpid()} on {socket.gethostname()}"
        assert f"{holder} is searching for these breaths, waiting for it" in text
        waits.set()

    thread = threading.Thread(target=first)
    thread.start()
    assert searches.wait(10)
    assert found(own, say=said) == alone(own)
    thread.join()
    assert searched == sorted(NAMES)


def test_a_damaged_shard_is_named(own, searched):
    found(own)
    (shard, *others) = sorted((own.root / "work").rglob("*.npz"))
    assert len(others) == 2
    shard.write_bytes(shard.read_bytes()[:50])
    with raises_code("breath.cache-damaged") as error:
        found(own)
    assert str(shard) in str(error.value)
    shard.write_bytes(others[-1].read_bytes())
    with raises_code("breath.cache-damaged") as error:
        found(own)
    assert str(shard) in str(error.value)


def test_a_full_disk_is_named(own, monkeypatch):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with raises_code("machine.disk-full") as error:
        found(own)
    assert "No space left" in str(error.value)
    monkeypatch.undo()
    assert found(own) == alone(own)


def test_says_how_far_it_is(own, searched, monkeypatch):
    monkeypatch.setattr(cache, "_SAY_EACH_S", 0.0)
    said: list[str] = []
    found(own, say=said.append)
    assert [text.rpartition(" files")[0] for text in said] == [
        f"breaths of own train: {i} of 5" for i in range(1, 6)
    ]
    assert said[-1].endswith(" a second")


@pytest.mark.rows
def test_several_processes_find_the_same_and_name_the_file_that_fails(own, monkeypatch):
    monkeypatch.setattr(parallel, "CHUNK", 2)
    paths = [own.audio_path(row) for row in range(len(own))]
    results = dsp.find_files(SPEC, Audio(), 2, [*paths, own.root / "none.wav"])
    for wanted in alone(own)[:4]:
        assert next(results).tolist() == wanted
    with pytest.raises(BenchError, match=rf"{own.root}/none.wav: cannot be read"):
        next(results)


def test_an_empty_subset_has_no_breath(tmp_path):
    assert found(subset(tmp_path, [])) == []


def test_a_version_belongs_to_what_is_found():
    """Where this fails, the detector finds other breaths: raise its `RESULTS_VERSION`."""
    times = dsp.detect_breaths(made(0).wave, SPEC)
    assert dsp.RESULTS_VERSION == 1
    np.testing.assert_allclose(times, [[1.5075, 1.8775], [3.2275, 3.6575]], atol=1e-4)


@pytest.mark.rows
def test_only_respiro_needs_torch():
    code = "import sys, bench.models.breath; print('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    shown = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment
    )
    assert shown.stdout == "False\n"
    assert not hasattr(breath, "torch")
