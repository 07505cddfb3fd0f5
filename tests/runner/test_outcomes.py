"""How a row ended: with a code that scripts can read, and the traceback of a fault of ours."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from bench.cli.run_output import describe_outcome
from bench.config import Config
from bench.errors import BenchError, Busy
from bench.reports.stored_results import StoredResults
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

    monkeypatch.setattr(RowRun, "train_and_evaluate", fail)
    (outcome,) = run_rows(card, config, ["alone"], Watcher())
    (ended,) = describe_outcome(RunRequest(card, ["alone"], None, "smoke"), outcome)["runs"]
    assert (ended["state"], ended["code"]) == (state, code)
    assert outcome.by_disk == (code == "machine.disk-full")
    logs = [*config.work.rglob("error.txt")]
    assert len(logs) == (code == "row.failed")
    if logs:
        assert "ValueError: a fault of ours" in logs[0].read_text(encoding="utf-8")
        assert str(logs[0]) in ended["message"]


def test_a_finished_row_has_no_code_and_what_fails_afterwards_is_said(
    card, config: Config, monkeypatch
):
    trained = SimpleNamespace(selection=SimpleNamespace(dev={"dev.eer": 0.5}))
    monkeypatch.setattr(RowRun, "train_and_evaluate", lambda self: ("0123", trained))

    def fail(self: StoredResults, table: object, run_id: str) -> None:
        raise ValueError(f"no draws of {run_id}")

    monkeypatch.setattr(StoredResults, "draw_replicates", fail)
    watcher = Watcher()
    (outcome,) = run_rows(card, config, ["alone"], watcher)
    (ended,) = describe_outcome(RunRequest(card, ["alone"], None, "smoke"), outcome)["runs"]
    assert (ended["state"], ended["code"], ended["message"]) == ("finished", None, "")
    (log,) = config.work.rglob("error.txt")
    assert (
        f"finished, but ValueError: no draws of 0123 (whole traceback: {log})" in watcher.said[-1]
    )
