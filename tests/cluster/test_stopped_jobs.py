"""Jobs that Slurm or a person ends: rows go on, or wait until they are asked for again."""

from __future__ import annotations

import re

import pytest

from bench.config import Config
from bench.tracking.store import Store
from tests.cluster.lab import WAIT_S, Lab, read_figures
from tests.cluster.real_slurm import wait_until

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

ORDER = ["run", "table4", "--smoke", "--rows", "S0"]


def give_epochs(number: int) -> list[str]:
    return ["--set", f"training.epochs={number}", "--set", f"training.patience={number}"]


def count_restarts(lab: Lab, job: str) -> int:
    match = re.search(r"Restarts=(\d+)", lab.slurm.ask("scontrol", "show", "job", job))
    assert match is not None
    return int(match[1])


def test_a_job_reaches_its_time_limit_and_goes_on_to_equal_figures(lab: Lab, tiny, undisturbed):
    order = [*ORDER, *tiny, *give_epochs(12)]
    sent = lab.submit(*order, slurm=["time=3", "lines=--signal=B:USR1@90"])
    job = lab.wait_for_epoch(sent, 1)
    lab.reach_limit(sent)
    lab.wait_for_attempt(sent, 2)
    lab.slurm.ask("scontrol", "update", f"JobId={job}", "TimeLimit=60")
    lab.require_finished(sent)
    state = sent.read_state(sent.units[0])
    assert (state.attempts, state.stalls, count_restarts(lab, job)) == (2, 0, 1)
    assert read_figures(lab.work) == undisturbed(*order)


def test_a_row_is_preempted_then_cancelled_then_run_again(lab: Lab, tiny, undisturbed):
    order = [*ORDER, *tiny, *give_epochs(12)]
    sent = lab.submit(*order)
    job = lab.wait_for_epoch(sent, 1)
    lab.slurm.take_nodes()
    wait_until(lambda: lab.states(*order)["S0"]["state"] == "requeued", "requeued", WAIT_S)
    lab.wait_for_attempt(sent, 2)
    assert count_restarts(lab, job) == 1

    lab.wait_for_epoch(sent, 3)
    lab.slurm.ask("scancel", job)
    lab.wait_for_end()
    assert lab.states(*order)["S0"]["state"] == "cancelled"
    assert sent.read_state(sent.units[0]).attempts == 2, "nobody submits it but a person"

    lab.require_finished(lab.submit(*order, "--retry-failed"))
    figures = undisturbed(*order)
    assert read_figures(lab.work) == figures

    repeat = lab.submit(*order, "--again")
    assert "nothing to submit" in lab.bench(*order, "--again", "--on", "slurm").stdout
    job = lab.wait_for_epoch(repeat, 1)
    assert lab.states(*order)["S0"]["state"] == "running"
    lab.slurm.ask("scancel", "--batch", "--signal=USR1", job)
    lab.wait_for_attempt(repeat, 2)
    lab.require_finished(repeat)
    assert repeat.read_state(repeat.units[0]).stalls == 0
    runs = Store(Config(work=lab.work)).search_runs("sal/table4", {"kind": "row"})
    assert [run.info.status for run in runs] == ["FINISHED", "FINISHED"]
    assert sorted(run.data.tags["again"] for run in runs) == ["0", "1"]
    for run in runs:
        assert {name: run.data.metrics[name] for name in figures["S0"]} == figures["S0"]
