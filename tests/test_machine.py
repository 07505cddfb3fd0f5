"""What the machine refuses is one message, with the path and what to do, and an exit code."""

from __future__ import annotations

import errno
import os
import pickle
import resource
import sqlite3
import subprocess
import sys
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow
import pytest
import soundfile
import sqlalchemy.exc
import torch
from matplotlib.figure import Figure
from mlflow.exceptions import MlflowException

from bench import synthetic
from bench._io import atomic_files, machine
from bench.error_codes import read_error_codes
from bench.errors import RowFailed
from bench.reports import plot_style, sweep_report
from bench.training import checkpoints


def of(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/data/x")


LOCKED = sqlite3.OperationalError("database is locked")


def test_an_error_of_the_machine_is_explained(subtests):
    cases = [
        (of(errno.ENOSPC), "machine.disk-full", 1, "/data/x: there is no space left on the disk"),
        (of(errno.EDQUOT), "machine.disk-full", 1, "/data/x: "),
        (of(errno.EFBIG), "machine.limit", 1, "`ulimit -f`"),
        (of(errno.EIO), "machine.disk-failing", 1, "/data/x: "),
        (of(errno.ENOLCK), "machine.no-locks", 1, "put `work` in bench.toml on a local disk"),
        (of(errno.EMFILE), "machine.limit", 1, "`ulimit -n`"),
        (of(errno.EACCES), "machine.permission", 2, "/data/x: permission denied"),
        (of(errno.EPERM), "machine.permission", 2, "/data/x: "),
        (of(errno.EROFS), "machine.permission", 2, "read-only"),
        (of(errno.ENOENT), "file.missing", 2, "/data/x: "),
        (of(errno.ENOTDIR), "file.wrong-kind", 2, "/data/x: "),
        (of(errno.EISDIR), "file.wrong-kind", 2, "/data/x: "),
        (of(errno.EEXIST), "file.exists", 2, "/data/x: "),
        (of(errno.ELOOP), "file.bad-path", 2, "/data/x: "),
        (of(errno.ENAMETOOLONG), "file.bad-path", 2, "/data/x: "),
        (of(errno.EXDEV), "machine.refused", 1, "/data/x: "),
        (OSError(errno.ENOSPC, "No space left on device"), "machine.disk-full", 1, "MB free"),
        (OSError("the server hung up"), "machine.refused", 1, "the server hung up"),
        (MemoryError(), "machine.no-memory", 1, "there is not enough memory"),
        (pyarrow.ArrowMemoryError("malloc of size 9 failed"), "machine.no-memory", 1, "size 9"),
        (b"caf\xe9", "file.encoding", 2, "not in UTF-8 near 'caf"),
        (sqlite3.OperationalError("database or disk is full"), "machine.disk-full", 1, "database"),
        (LOCKED, "machine.database-locked", 1, "the database: "),
        (sqlalchemy.exc.OperationalError("x", {}, LOCKED), "machine.database-locked", 1, ""),
        (
            sqlalchemy.exc.OperationalError("x", {}, Exception("gone\nx")),
            "machine.database-failed",
            1,
            "the database: gone",
        ),
        (
            MlflowException("(sqlite3.OperationalError) disk I/O error\n[SQL: x"),
            "machine.disk-failing",
            1,
            "the tracking store: ",
        ),
        (
            MlflowException("(sqlite3.OperationalError) attempt to write a readonly database"),
            "machine.permission",
            2,
            "the tracking store: ",
        ),
        (
            soundfile.LibsndfileError(2, "Error opening '/data/a b.wav': "),
            "machine.refused",
            1,
            "/data/a b.wav: audio cannot be read or written (disk full",
        ),
        (
            torch.OutOfMemoryError("CUDA out of memory. Tried\nmore"),
            "machine.gpu-memory",
            1,
            "GPU's memory is full (CUDA",
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "machine.no-memory", 1, ""),
        (
            RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 32"),
            "machine.disk-full",
            1,
            "",
        ),
        (
            RuntimeError("DataLoader worker (pid 3) is killed by signal: Bus error."),
            "machine.no-memory",
            1,
            "set fewer `workers`",
        ),
        (BrokenProcessPool("A process was terminated abruptly"), "machine.no-memory", 1, ""),
    ]
    for error, code, exit_code, words in cases:
        with subtests.test(error=error):
            if isinstance(error, bytes):
                with pytest.raises(UnicodeDecodeError) as raised:
                    error.decode()
                error = raised.value
            explained = machine.explain_error(error)
            assert explained is not None
            assert (explained.code, explained.exit_code) == (code, exit_code)
            assert code in read_error_codes()
            assert words in explained.message
            assert "\n" not in explained.message


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("shapes differ"), TypeError("x")])
def test_a_fault_of_ours_is_not(error):
    assert machine.explain_error(error) is None


def test_space_is_told_of_the_folders_that_are_there(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    message = machine.explain_os_error(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))).message
    assert f"({tmp_path}: " in message
    assert message.count("MB free") == 1


def test_what_torch_hides_is_found():
    try:
        try:
            raise OSError(errno.EDQUOT, "Disk quota exceeded", "/data/last.pt")
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 1 vs 2")
    except RuntimeError as error:
        found = machine.explain_error(error)
    assert found is not None
    assert found.message.startswith("/data/last.pt: the quota")


def test_whether_it_was_the_disk(subtests):
    cases = [
        (of(errno.ENOSPC), True),
        (of(errno.EROFS), True),
        (of(errno.ENOENT), False),
        (MemoryError(), False),
        (RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 1 vs 2"), True),
        (RuntimeError("shapes differ"), False),
    ]
    for error, expected in cases:
        with subtests.test(error=error, expected=expected):
            assert machine.is_disk_error(error) == expected
            outer = RowFailed("file.unwritable", "the checkpoint could not be written")
            outer.__cause__ = error
            assert machine.is_disk_error(outer) == expected


def test_an_error_that_names_no_path_is_given_one():
    with pytest.raises(OSError, match="/data/y") as raised, machine.name_path(Path("/data/y")):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert pickle.loads(pickle.dumps(raised.value)).filename == "/data/y"
    with pytest.raises(OSError, match="/data/x"), machine.name_path(Path("/data/y")):
        raise of(errno.EACCES)


@pytest.fixture
def full(tmp_path):
    """A folder without space: a file system of 64 KiB."""
    place = tmp_path / "full"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no `mount` here")
    if done.returncode:
        pytest.skip("a file system can be mounted by root only")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_half_written(full):
    (full / "kept.txt").write_text("before")
    with pytest.raises(OSError, match="No space") as raised:
        atomic_files.write_bytes(full / "kept.txt", bytes(200_000))
    assert machine.explain_os_error(raised.value).message.startswith(
        f"{full / 'kept.txt'}: there is no"
    )
    message = r"last\.pt: the checkpoint could not be written: there is no space left"
    with pytest.raises(RowFailed, match=message):
        checkpoints.save_checkpoint({"system": torch.zeros(100_000)}, full / "last.pt")
    assert [path.name for path in full.iterdir()] == ["kept.txt"]
    assert (full / "kept.txt").read_text() == "before"


@contextmanager
def limited():
    """Files grow to 4 KiB at most, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


SIZE = synthetic.Size(2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, shortest_s=1.0, longest_s=1.2)
MINIATURE = {"size": SIZE, "only": ["had"]}
LONG = {"a.md": "short", "b.csv": "x" * 9000}
TRIALS = sweep_report.SweepReport("sweep-x", "y" * 9000, pd.DataFrame(), {})


def large_figure():
    figure = Figure()
    figure.subplots().plot([0, 1])
    return figure


@pytest.mark.parametrize(
    ("write", "named"),
    [
        (lambda folder: atomic_files.write_all(folder, LONG), "b.csv"),
        (lambda folder: plot_style.write_figure(folder, "figure", large_figure()), "figure.png"),
        (lambda folder: sweep_report.write_sweep_report(TRIALS, folder), "sweep-x.md"),
        (lambda folder: synthetic.write_miniatures(folder, **MINIATURE), "had"),
    ],
    ids=["report", "figure", "sweep", "miniature"],
)
def test_what_cannot_be_written_whole_is_not_begun(write, named, tmp_path):
    with pytest.raises(OSError, match="too large") as raised, limited():
        write(tmp_path / "made")
    found = machine.explain_error(raised.value)
    assert found is not None
    assert found.message.startswith(f"{tmp_path / 'made' / named}: the file may not grow further")
    assert not list((tmp_path / "made").iterdir())


def test_a_checkpoint_that_cannot_be_written_says_why(tmp_path):
    message = (
        r"last\.pt: the checkpoint could not be written: the file may.*there is no earlier one"
    )
    with pytest.raises(RowFailed, match=message), limited():
        checkpoints.save_checkpoint({"system": torch.zeros(100_000)}, tmp_path / "last.pt")
    assert not list(tmp_path.iterdir())


def test_a_miniature_that_fails_leaves_the_one_that_is_there(tmp_path):
    place = tmp_path / "had"
    assert synthetic.write_miniatures(tmp_path, **MINIATURE) == [place]
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    with pytest.raises(OSError, match="too large"), limited():
        synthetic.write_miniatures(tmp_path, seed=1, **MINIATURE)
    assert list(tmp_path.iterdir()) == [place]
    assert {path: path.read_bytes() for path in place.rglob("*") if path.is_file()} == before


@pytest.mark.rows
@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["show", "sal/table4"]], ids=" ".join)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_one_message(arguments, unbuffered):
    with open("/dev/full", "w") as output:
        done = subprocess.run(
            [sys.executable, "-m", "bench", *arguments],
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("error: standard output: there is no space left on the disk")
    assert done.stderr.count("\n") == 1


@pytest.mark.rows
def test_a_closed_pipe_is_no_error():
    command = [sys.executable, "-m", "bench", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.rows
def test_a_closed_standard_output_is_no_error():
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m bench list >&-"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.rows
def test_letters_that_a_terminal_lacks_are_written_out():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "list"],
        env={**os.environ, "PYTHONIOENCODING": "latin-1", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u03bb" in done.stdout, "\u03bb of a sweep's title"
