"""A member of an array, when its command is stopped, killed, fails or makes no progress.

The command and Slurm are faked; tests/cluster/test_on_slurm.py has both for real.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cluster import submission
from bench.cluster.closing_job import find_lost
from bench.cluster.submission import Submission, SubmittedArray, SubmittedUnit, UnitState
from bench.cluster.training_progress import read_training_progress
from tests.cluster.fake_slurm import FakeSlurm
from tests.cluster.real_slurm import wait_until

COMMAND = """#!{python}
import json, os, signal, sys, time
asked = []
for number in (signal.SIGUSR1, signal.SIGTERM):
    signal.signal(number, lambda number, _: asked.append(number))
open("begun", "w").close()
end = {end!r}
while end == "wait" and not asked:
    time.sleep(0.02)
if end == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
run = dict(table="sal/table4", row="S0", seed=666, state=end, code=None, message="")
if end == "failed":
    run |= dict(code="training.diverged", message="the loss is NaN")
if end != "wait":
    print(json.dumps(dict(kind="run", runs=[run])))
sys.exit(dict(wait=75, failed=1).get(end, 0))
"""
DRIVER = """
import sys
from bench.cluster import member, member_checks
member_checks.check_code = member_checks.resolve_unit = lambda *_: None
member.Member._record_failure = lambda self, error: open("recorded", "w").write(str(error))
sys.executable = "./command"
member._BUSY_PAUSE_S = 0.01
sys.exit(member.run_member([sys.argv[1], "0"]))
"""


class Started:
    """A member that runs, in a folder of its own."""

    def __init__(self, sent: Submission, folder: Path, environment: dict[str, str]) -> None:
        self.sent, self.unit = sent, sent.units[0]
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(sent.folder)], cwd=folder, env=environment
        )

    def end(self) -> tuple[int, UnitState]:
        """Wait for its end; return the exit code and what it wrote."""
        return self.process.wait(timeout=60), self.sent.read_state(self.unit)


@pytest.fixture
def fake(tmp_path: Path) -> FakeSlurm:
    return FakeSlurm(tmp_path / "slurm")


@pytest.fixture
def start(tmp_path: Path, fake: FakeSlurm) -> Callable[..., Started]:
    """Start a member whose command ends in a way; `before` is what an earlier attempt wrote."""

    def begin(end: str, before: UnitState | None = None, *, is_cancelled: bool = False) -> Started:
        folder = submission.make_submission_folder(tmp_path / "work")
        unit = SubmittedUnit("S0@666", ("run",), ("S0",), 666, ("abc",), ("0123",))
        array = SubmittedArray((0,), "array-0.sh", job="7")
        (folder / "array-0.sh").write_text("#!/bin/bash\nexec member\n")
        (folder / "closing.sh").write_text("#!/bin/bash\nexec closing\n")
        sent = Submission(
            folder=folder,
            kind="run",
            table="sal/table4",
            form="smoke",
            overrides=(),
            variant=None,
            units=(unit,),
            arrays=(array,),
            snapshot=tmp_path,
            commit="",
            lock="",
            versions={},
            token="",
            host="",
            user="",
            submitted=time.time(),
        )
        sent.save()
        if before is not None:
            sent.write_state(unit, before)
        if is_cancelled:
            sent.mark_cancelled()
        command = tmp_path / "command"
        command.write_text(COMMAND.format(python=sys.executable, end=end))
        command.chmod(0o755)
        variables = {"SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "0", "SLURM_JOB_ID": "8"}
        variables |= {"BENCH_WORK": str(tmp_path / "work"), "SLURMD_NODENAME": "node1"}
        return Started(sent, tmp_path, {**os.environ, **fake.environment, **variables})

    return begin


def stop_with(started: Started, folder: Path, number: signal.Signals) -> tuple[int, UnitState]:
    wait_until((folder / "begun").exists, "the command")
    started.process.send_signal(number)
    return started.end()


def list_calls(fake: FakeSlurm) -> list[tuple[str, list[str]]]:
    return [(call["command"], call["arguments"]) for call in fake.calls]


@pytest.mark.rows
def test_a_finished_and_a_failed_row_are_said(start, fake):
    code, state = start("finished").end()
    assert (code, state.state, state.attempts, state.job) == (0, "finished", 1, "7_0")
    assert state.node == "node1"
    code, state = start("failed").end()
    assert (code, state.state, state.code) == (1, "failed", "training.diverged")
    assert state.message == "the loss is NaN"
    code, state = start("busy").end()
    assert (code, state.state) == (0, "busy")
    assert fake.calls == []


@pytest.mark.rows
def test_the_signal_before_the_limit_queues_the_job_again(start, fake, tmp_path):
    code, state = stop_with(start("wait"), tmp_path, signal.SIGUSR1)
    assert (code, state.state, state.stalls) == (75, "requeued", 0)
    assert list_calls(fake) == [("scontrol", ["requeue", "7_0"])]


@pytest.mark.rows
def test_a_killed_command_goes_on_in_another_attempt(start, fake):
    code, state = start("killed").end()
    assert (code, state.state, state.code) == (75, "requeued", "run.process-died")
    assert list_calls(fake) == [("scontrol", ["requeue", "7_0"])]


@pytest.mark.rows
def test_where_nodes_may_not_queue_again_the_member_is_submitted(start, fake, tmp_path):
    fake.change(refuse={"scontrol": "Access/permission denied"})
    code, state = stop_with(start("wait"), tmp_path, signal.SIGUSR1)
    assert (code, state.state) == (75, "requeued")
    (_, _), (first, options), (second, after) = list_calls(fake)
    assert (first, options) == ("sbatch", ["--parsable", "--array=0"])
    number = fake.calls[1]["job"]
    assert state.job == f"{number}_0"
    assert (second, after) == ("sbatch", ["--parsable", f"--dependency=afterany:{number}"])


@pytest.mark.rows
def test_where_nodes_may_do_neither_the_row_waits_for_the_next_command(start, fake, tmp_path):
    fake.change(refuse={"scontrol": "permission denied", "sbatch": "not from a node"})
    code, state = stop_with(start("wait"), tmp_path, signal.SIGUSR1)
    assert (code, state.state, state.code) == (75, "stopped", "cluster.refused")
    assert "not from a node" in state.message


@pytest.mark.rows
def test_a_job_that_is_ended_by_hand_does_not_come_back(start, fake, tmp_path):
    code, state = stop_with(start("wait"), tmp_path, signal.SIGTERM)
    assert (code, state.state) == (75, "stopped")
    assert fake.calls == []
    code, state = start("finished", is_cancelled=True).end()
    assert (code, state.state) == (0, "cancelled")


@pytest.mark.rows
def test_a_job_whose_limit_came_without_the_signal_is_submitted_once_more(
    start, fake, tmp_path, monkeypatch
):
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) - 1))
    code, state = stop_with(start("wait"), tmp_path, signal.SIGTERM)
    assert (code, state.state) == (75, "requeued")
    (name, options), _ = list_calls(fake)
    assert (name, options) == ("sbatch", ["--parsable", "--array=0"])


@pytest.mark.rows
def test_three_attempts_without_progress_fail_the_row(start, fake, tmp_path):
    twice = UnitState("requeued", "7_0", attempts=3, stalls=2, progress=(0, 0, 0))
    code, state = start("finished", twice).end()
    assert (code, state.state, state.code) == (1, "failed", "cluster.no-progress")
    assert "the last 3 without progress" in (tmp_path / "recorded").read_text()
    assert not (tmp_path / "begun").exists()

    behind = UnitState("requeued", "7_0", attempts=9, stalls=2, progress=(-1, 0, 0))
    code, state = start("finished", behind).end()
    assert (code, state.state, state.stalls, state.attempts) == (0, "finished", 0, 10)


def test_a_repeat_makes_progress_of_its_own(tmp_path):
    folder = tmp_path / "runs" / "0123-abc"
    for name in ("seed-6", "seed-66", "seed-6-again-1"):
        (folder / name / "scores").mkdir(parents=True)
        (folder / name / "scores" / "dev.parquet").touch()
    assert read_training_progress(tmp_path, ["0123"], 6) == (2, 0, 0)
    (folder / "seed-6-again-1" / "scores" / "eval.parquet").touch()
    assert read_training_progress(tmp_path, ["0123"], 6) == (3, 0, 0)


@pytest.mark.rows
def test_a_job_that_is_over_without_a_word_is_lost_unless_it_was_cancelled(
    start, fake, monkeypatch
):
    started = start("finished")
    started.end()
    for name, value in fake.environment.items():
        monkeypatch.setenv(name, value)
    begun = UnitState("running", "7_0")
    started.sent.write_state(started.unit, begun)
    assert [unit.name for unit, _ in find_lost(started.sent)] == ["S0@666"]
    for state in ("CANCELLED", "RUNNING", "PENDING"):
        fake.change(queue=[f"7_0|{state}||0:00|None"])
        assert find_lost(started.sent) == []
