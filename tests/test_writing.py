"""Files appear whole or not at all, with the umask's mode; what killed writers left is removed."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bench._io import atomic_files
from bench.cli import configuration
from bench.evaluation import score_file as scores
from bench.training import checkpoints
from tests.errors import raises_code

ROW = {
    "utterance": ["a"],
    "speaker": ["b"],
    "attack": [""],
    "start_s": [0.0],
    "end_s": [1.0],
    "label": ["bonafide"],
    "score": [0.5],
}
WRITERS = {
    "bytes": lambda path: atomic_files.write_bytes(path, b"new"),
    "text": lambda path: atomic_files.write_text(path, "new"),
    "scores": lambda path: scores.write_scores(path, ROW),
    "checkpoint": lambda path: checkpoints.save_checkpoint({"epoch": 1}, path),
}


@pytest.fixture
def umask():
    """Set the umask for a test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


def modes(path):
    return stat.S_IMODE(path.stat().st_mode)


def old(path, make=False):
    if make:
        path.touch()
    os.utime(path, (0, 0))
    return path


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_a_files_mode_is_the_umasks(writer, mask, mode, tmp_path, umask):
    umask(mask)
    path = tmp_path / "made" / "file"
    WRITERS[writer](path)
    assert modes(path) == mode
    assert list(path.parent.iterdir()) == [path], "nothing is left beside it"


def test_what_was_there_stays_where_writing_fails(tmp_path):
    path = tmp_path / "file"
    path.write_text("before")

    def fail(error):
        with atomic_files.open_whole(path) as file:
            file.write(b"ha")
            raise error

    for error in (KeyboardInterrupt(), OSError(28, "No space left on device")):
        with pytest.raises(type(error)):
            fail(error)
        assert path.read_text() == "before"
        assert list(tmp_path.iterdir()) == [path]


def test_a_name_as_long_as_the_system_takes_can_be_written(tmp_path):
    for name in ("x" * 255, "ü" * 127):
        atomic_files.write_text(tmp_path / name, name)
        assert (tmp_path / name).read_text("utf-8") == name


WRITER = """
import sys
from pathlib import Path
from bench._io import atomic_files
base = Path(sys.argv[1])
with atomic_files.open_whole(base / "file") as file, atomic_files.scratch_folder(base / "folder"):
    file.write(b"half")
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / ".file.notes.part").write_text("a user's own")
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        left = {old(path) for path in tmp_path.iterdir() if path.name != ".file.notes.part"}
        assert len(left) == 2
        assert atomic_files.remove_leftovers([tmp_path]) == [], "its writer lives"
        os.kill(writer.pid, signal.SIGKILL)
    young = tmp_path / ".other.0123abcd.part"
    young.write_text("its writer has not taken its lock yet")
    assert set(atomic_files.remove_leftovers([tmp_path, tmp_path / "gone"])) == left
    assert set(tmp_path.iterdir()) == {tmp_path / ".file.notes.part", young}


def test_another_users_leftovers_are_left(tmp_path, monkeypatch):
    part = tmp_path / ".other.0123abcd.part"
    part.touch()
    old(part)
    monkeypatch.setattr(atomic_files.os, "geteuid", lambda: os.getuid() + 1)
    assert atomic_files.remove_leftovers([tmp_path]) == []
    monkeypatch.undo()
    assert atomic_files.remove_leftovers([tmp_path]) == [part]


def test_a_link_is_not_followed(tmp_path):
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").touch()
    (tmp_path / ".other.0123abcd.part").symlink_to(target)
    old(target)
    assert atomic_files.remove_leftovers([tmp_path]) == []
    assert (target / "kept").exists()


def test_a_scratch_folder_is_gone_afterwards(tmp_path, umask):
    with atomic_files.scratch_folder() as folder:
        np.save(folder / "a.npy", np.zeros(3))
        assert modes(folder) == 0o700
    assert not folder.exists()
    umask(0o002)
    with atomic_files.scratch_folder(tmp_path / "deep" / "made") as folder:
        (folder / "new").mkdir()
        assert modes(folder) == 0o775
        (folder / "new").rename(tmp_path / "deep" / "made")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["made"]


def test_temporary_files_are_in_a_folder_of_the_process(monkeypatch):
    monkeypatch.setenv("TMPDIR", before := tempfile.gettempdir())
    with atomic_files.temporary_folder():
        made = tempfile.mkdtemp()
        assert os.environ["TMPDIR"] == str(Path(made).parent) != before
        assert Path(made).parent.parent == Path(before)
    assert not os.path.exists(made)
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == before


def test_there_is_room_for_names_of_sockets(monkeypatch, tmp_path):
    long = tmp_path / ("long" * 10)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    with atomic_files.temporary_folder():
        assert tempfile.gettempdir() == str(long)


TEMPORARY = """
import sys, tempfile
from bench._io import atomic_files
tempfile.tempdir = sys.argv[1]
with atomic_files.temporary_folder():
    print(tempfile.mkdtemp(), flush=True)
    sys.stdin.read()
"""


def test_temporary_files_of_a_killed_process_are_removed():
    with tempfile.TemporaryDirectory(dir="/tmp") as base:
        command = [sys.executable, "-c", TEMPORARY, base]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            made = Path(process.stdout.readline().decode().strip())
            os.utime(made.parent, (0, 0))
            assert atomic_files.remove_leftovers([Path(base)]) == []
            os.kill(process.pid, signal.SIGKILL)
        assert made.is_dir()
        assert atomic_files.remove_leftovers([Path(base)]) == [made.parent]
        assert not made.exists()


def test_a_verb_that_writes_clears_the_work_folder_first(monkeypatch, tmp_path):
    work = tmp_path / "work"
    seed = work / "runs" / "0123" / "seed-1"
    own = {"runs/0123/seed-1", "runs/0123/seed-1/scores", "draws/r", "mini", "scored/a", "."}
    others = {"artifacts/sal/table4/r/artifacts", "mini/partialspoof", "outbox/x"}
    for place in (*own, *others):
        (work / place).mkdir(parents=True, exist_ok=True)
        old(work / place / ".a.01234567.part", make=True)
    (seed / "last.pt").touch()
    monkeypatch.setenv("BENCH_WORK", str(work))
    monkeypatch.chdir(tmp_path)
    reports = tmp_path / "reports"
    reports.mkdir()
    old(reports / ".b.01234567.part", make=True)
    assert configuration.to_write(reports).work == work
    left = {str(path.parent.relative_to(work)) for path in work.rglob(".*.part")}
    assert left == others
    assert list(reports.iterdir()) == []
    assert (seed / "last.pt").exists()


def test_a_list_is_written_over_nothing_but_a_list(tmp_path):
    scores = tmp_path / "scores.txt"
    scores.write_text("u1 0.5\n")
    with raises_code("file.exists"):
        atomic_files.write_list(scores, "finding,id\nmissing,u2\n", "finding,id")
    assert scores.read_text() == "u1 0.5\n"
    place = tmp_path / "all.csv"
    for text in ("finding,id\nmissing,u2\n", "finding,id\n"):
        atomic_files.write_list(place, text, "finding,id")
        assert place.read_text() == text
