"""Run the command as a person does: in a folder of its own, with an environment of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from bench.cli import main

TINY = [
    *("--set", "training.epochs=3"),
    *("--set", "training.batch_size=4"),
    *("--set", "train.clip_s=1.28"),
    *("--set", "frontend={blocks=2, dim=16, heads=2, feed_forward=16, channels=8}"),
]


@pytest.fixture
def tiny() -> list[str]:
    """Arguments that make a row of table 4 train in seconds."""
    return TINY


@pytest.fixture
def environment(miniatures: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of a machine with miniatures and an empty store."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "mini").symlink_to(miniatures / "mini")
    own = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    own.pop("MLFLOW_TRACKING_URI", None)
    return own | {"BENCH_WORK": str(work), "BENCH_DEVICE": "cpu", "BENCH_WORKERS": "0"}


@pytest.fixture
def command() -> list[str]:
    """The command `bench` of this environment."""
    return [sys.executable, "-m", "bench"]


class Done(NamedTuple):
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def bench(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Done]:
    """Run `bench` with arguments to its end, in this process: torch is imported once."""

    def run(*arguments: str) -> Done:
        with monkeypatch.context() as patched:
            for name, value in environment.items():
                patched.setenv(name, value)
            patched.delenv("MLFLOW_TRACKING_URI", raising=False)
            patched.chdir(tmp_path)
            patched.setattr(sys, "argv", ["bench", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capsys.readouterr()
        return Done(int(ended.value.code or 0), printed.out, printed.err)

    return run
