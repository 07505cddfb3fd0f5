"""`make clean` leaves the work folder; `make clean-work` removes it only when it is told to."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    shutil.copy(root / "Makefile", tmp_path)
    (tmp_path / "work" / "runs").mkdir(parents=True)
    (tmp_path / "work" / "mlflow.db").write_bytes(b"store")
    (tmp_path / "dist").mkdir()
    return tmp_path


def make(folder: Path, target: str, answer: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a target; its standard input is a terminal where there is an answer."""
    command = ["make", "--no-print-directory", target]
    if answer is None:
        return subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    ours, theirs = os.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        return subprocess.run(command, cwd=folder, stdin=theirs, capture_output=True, text=True)
    finally:
        os.close(ours)
        os.close(theirs)


def test_clean_leaves_the_work_folder(checkout: Path) -> None:
    assert make(checkout, "clean").returncode == 0
    assert (checkout / "work" / "mlflow.db").is_file()
    assert not (checkout / "dist").exists()


def test_clean_work_without_a_terminal_removes_nothing(checkout: Path) -> None:
    done = make(checkout, "clean-work")
    assert done.returncode != 0
    assert "work/mlflow.db" in done.stdout
    assert "no terminal" in done.stderr
    assert (checkout / "work" / "mlflow.db").is_file()


@pytest.mark.parametrize(("answer", "stays"), [("", True), ("n", True), ("y", False)])
def test_clean_work_asks(checkout: Path, answer: str, stays: bool) -> None:
    done = make(checkout, "clean-work", answer)
    assert done.returncode == 0, done.stderr
    assert (checkout / "work").is_dir() is stays


def test_clean_work_follows_no_link(checkout: Path) -> None:
    (checkout / "work").rename(checkout / "data")
    (checkout / "work").symlink_to(checkout / "data")
    assert make(checkout, "clean-work", "y").returncode != 0
    assert (checkout / "data" / "mlflow.db").is_file()
