"""Run the command as a person does: in a folder of its own, with an environment of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from bench import cli
from bench.cli import json_output, main
from tests.output_schema import validated

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
    return dict(os.environ) | {"BENCH_WORK": str(work), "BENCH_DEVICE": "cpu", "BENCH_WORKERS": "0"}


@pytest.fixture
def command() -> list[str]:
    """The command `bench` of this environment."""
    return [sys.executable, "-m", "bench"]


@pytest.fixture
def start(
    start_process: Callable[..., subprocess.Popen[str]],
    command: list[str],
    environment: dict[str, str],
    tmp_path: Path,
) -> Callable[..., subprocess.Popen[str]]:
    """Start `bench` with arguments as a process of its own; what is left of it ends with the test.

    `given` is for `subprocess.Popen`.
    """

    def begin(*arguments: str, **given: Any) -> subprocess.Popen[str]:
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started = {"env": environment, "cwd": tmp_path, **piped, **given}
        return start_process([*command, *arguments], **started)

    return begin


class Done(NamedTuple):
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str
    code: str | None = None
    """Stable code of the error that ended it (`bench.error_codes`)."""


@pytest.fixture
def bench(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Done]:
    """Run `bench` with arguments to its end, in this process: torch is imported once. What it
    prints with `--json` should be as the schema says.
    """

    def run(*arguments: str) -> Done:
        codes: list[str] = []

        def note_code(code: str, message: str, exit_code: int) -> None:
            codes.append(code)
            json_output.print_error(code, message, exit_code)

        with monkeypatch.context() as patched:
            patched.setattr(cli, "print_error", note_code)
            for name, value in environment.items():
                patched.setenv(name, value)
            patched.delenv("MLFLOW_TRACKING_URI", raising=False)
            patched.chdir(tmp_path)
            patched.setattr(sys, "argv", ["bench", *arguments])
            with pytest.raises(SystemExit) as ended:
                main()
        printed = capsys.readouterr()
        if "--json" in arguments:
            validated(printed.out)
        return Done(int(ended.value.code or 0), printed.out, printed.err, *codes)

    return run


@pytest.fixture
def trials(tmp_path):
    """Four hundred trials of 2019 LA eval, as `keys` has them in the official form."""
    n = 400
    attacks = np.array(["-", "A07", "A08", "A09"])[np.arange(n) % 4]
    table = pd.DataFrame(
        {
            "utterance": [f"LA_E_{i:07d}" for i in range(n)],
            "speaker": [f"LA_{i % 7:04d}" for i in range(n)],
            "attack": attacks,
            "label": np.where(attacks == "-", "bonafide", "spoof"),
        }
    )
    (tmp_path / "keys").mkdir()
    rows = table.itertuples()
    (tmp_path / "keys/ASVspoof2019.LA.cm.eval.trl.txt").write_text(
        "".join(f"{r.speaker} {r.utterance} - {r.attack} {r.label}\n" for r in rows)
    )
    asv = [f"bonafide target {i}.5" for i in range(40)]
    asv += [f"bonafide nontarget {i - 30}" for i in range(40)]
    asv += [f"{attack} spoof {i}" for attack in ("A07", "A08", "A09") for i in range(20)]
    (tmp_path / "keys/ASVspoof2019.LA.asv.eval.gi.trl.scores.txt").write_text("\n".join(asv))
    return table


@pytest.fixture
def keys(tmp_path, trials):
    """Arguments that judge by `trials`."""
    return ["--corpus", "19LA", "--keys", str(tmp_path / "keys"), "--replicates", "50"]


@pytest.fixture
def run_apart(bench, environment: dict[str, str], tmp_path: Path):
    """Run a command in a work folder of its own, on the same miniatures; return the folder."""

    def run(name: str, *words: str) -> Path:
        work = tmp_path / name
        work.mkdir()
        (work / "mini").symlink_to(Path(environment["BENCH_WORK"]) / "mini")
        before = environment["BENCH_WORK"]
        environment["BENCH_WORK"] = str(work)
        done = bench(*words)
        environment["BENCH_WORK"] = before
        assert done.returncode == 0, done.stderr
        return work

    return run
