"""`bench score` and `bench compare` of standard input, named pipes and `<(...)`, which can be read
once only.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from tests.evaluation.listed import listed, written


@pytest.fixture
def scores(miniatures, tmp_path):
    """A score file of the miniature 2019 LA."""
    return written(tmp_path, listed(miniatures / "mini", "asvspoof2019la"))


@pytest.fixture
def eer(bench, scores):
    """What the file's own verdict says."""
    return figure(bench("score", str(scores), *HOW))


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    """The folder of temporary files, which has to be empty in the end."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    yield place
    assert not [*place.iterdir()]


HOW = ("--corpus", "19LA", "--smoke", "--replicates", "5", "--json")


def figure(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["results"]["eer"]["value"]


def feed(monkeypatch, path: Path):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))


def fifo(path: Path, content: bytes) -> threading.Thread:
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=(content,))
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
def test_standard_input(bench, monkeypatch, scores, eer, name):
    feed(monkeypatch, scores)
    done = bench("score", name, *HOW)
    assert figure(done) == eer
    found = json.loads(done.stdout)
    assert found["name"] == "stdin"
    assert Path(found["files"][0]).parent.name == "stdin-asvspoof2019la-eval"
    feed(monkeypatch, scores)
    named = json.loads(bench("score", "/dev/stdin,column=2", *HOW, "--name", "Mine").stdout)
    assert named["name"] == "Mine"


def test_a_named_pipe(bench, tmp_path, scores, eer):
    thread = fifo(tmp_path / "scores.fifo", gzip.compress(scores.read_bytes()))
    done = bench("score", str(tmp_path / "scores.fifo"), *HOW)
    thread.join()
    assert figure(done) == eer
    assert json.loads(done.stdout)["scores"] == str(tmp_path / "scores.fifo")


def test_compare_with_standard_input(bench, monkeypatch, tmp_path, scores):
    other, text = tmp_path / "other.txt", scores.read_text()
    other.write_text("".join(f"{u} {-float(s)}\n" for u, s in map(str.split, text.splitlines())))
    feed(monkeypatch, other)
    done = bench("compare", "/dev/stdin,higher-is-spoof", str(scores), *HOW)
    assert done.returncode == 0, done.stderr
    assert "stdin" in done.stdout
    assert all(of["a"] == of["b"] for of in json.loads(done.stdout)["compared"])


def test_standard_input_is_read_once(bench, monkeypatch, scores):
    feed(monkeypatch, scores)
    done = bench("compare", "-", "-", *HOW)
    assert done.returncode == 2
    assert done.code == "option.read-twice"


def test_errors_call_it_by_what_was_said(bench, monkeypatch, tmp_path, scratch):
    (tmp_path / "bad.txt").write_text("LA_E_1 0.5\nLA_E_2\n")
    feed(monkeypatch, tmp_path / "bad.txt")
    done = bench("score", "-", *HOW)
    assert done.returncode == 2
    assert "stdin:2: 'LA_E_2': 1 column, not 2" in done.stderr
    assert str(scratch) not in done.stderr


def test_empty_standard_input(bench, monkeypatch, tmp_path):
    (tmp_path / "empty.txt").write_text("")
    feed(monkeypatch, tmp_path / "empty.txt")
    done = bench("score", "-", *HOW)
    assert done.returncode == 2
    assert "stdin: is empty" in done.stderr


@pytest.mark.slow
def test_process_substitution(environment, command, tmp_path, scores, scratch):
    (tmp_path / "a.gz").write_bytes(gzip.compress(scores.read_bytes()))
    line = f"{' '.join(command)} compare <(zcat {tmp_path}/a.gz) <(cat {scores}) {' '.join(HOW)}"
    done = subprocess.run(
        ["bash", "-c", line],
        env=environment | {"TMPDIR": str(scratch), "PYTHONPATH": os.pathsep.join(sys.path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["a"].startswith("pipe-")
    assert found["a"] != found["b"]
