"""How a row ended: with a code that scripts can read, and the traceback of a fault of ours."""

from __future__ import annotations

import errno

import pytest

from bench.cli.run_output import describe_outcome
from bench.config import Config
from bench.errors import BenchError, Busy
from bench.runner.request import RunRequest
from bench.runner.row_run import RowRun
from tests.runner.stages import Watcher, run_rows


@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (Busy("row.busy", "it is being run by 4711"), "busy", "row.busy"),
        (BenchError("training.not-finite", "the loss is nan"), "failed", "training.not-finite"),
        (OSError(errno.ENOSPC, "No space left on device"), "failed", "machine.disk-full"),
        (ValueError("a fault of ours"), "failed", "row.failed"),
    ],
)
def test_a_row_that_does_not_finish_has_a_code(
    card, config: Config, monkeypatch, error, state, code
):
    def fail(self: RowRun) -> None:
        raise error

    monkeypatch.setattr(RowRun, "train_and_score", fail)
    (outcome,) = run_rows(card, config, ["alone"], Watcher())
    (ended,) = describe_outcome(RunRequest(card, ["alone"], None, "smoke"), outcome)["runs"]
    assert (ended["state"], ended["code"]) == (state, code)
    assert outcome.by_disk == (code == "machine.disk-full")
    logs = [*config.work.rglob("error.txt")]
    assert len(logs) == (code == "row.failed")
    if logs:
        assert "ValueError: a fault of ours" in logs[0].read_text(encoding="utf-8")
        assert str(logs[0]) in ended["message"]
