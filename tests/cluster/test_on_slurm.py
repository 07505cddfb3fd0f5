"""`bench run --on slurm` on a real Slurm: rows finish, whatever happens to their jobs."""

from __future__ import annotations

import shutil
import signal
import subprocess

import pytest

from tests.cluster.lab import Lab, read_figures
from tests.cluster.real_slurm import wait_until

pytestmark = pytest.mark.slurm

ORDER = ["run", "table4", "--smoke"]


@pytest.mark.slow
def test_rows_finish_as_an_array(lab: Lab, tiny, undisturbed):
    order = [*ORDER, "--rows", "S0,S4", *tiny]
    sent = lab.submit(*order)
    lab.wait_for_end()
    rows = lab.states(*order)
    assert {row["state"] for row in rows.values()} == {"finished"}, rows
    assert [sent.read_state(unit).state for unit in sent.units] == ["finished", "finished"]
    assert read_figures(lab.work) == undisturbed(*order)
    assert "nothing to submit" in lab.bench(*order, "--on", "slurm").stdout


@pytest.mark.slow
def test_a_row_survives_the_time_limit_a_killed_member_and_a_lost_node(lab: Lab, tiny, undisturbed):
    order = [*ORDER, "--rows", "S0", *tiny, "--set", "training.epochs=10"]
    order += ["--set", "training.patience=10"]
    sent = lab.submit(*order)
    job = lab.wait_for_epoch(sent, 1)
    # What Slurm sends before the time limit; then the job goes back into the queue.
    lab.slurm.ask("scancel", "--batch", "--signal=USR1", job)
    lab.wait_for_attempt(sent, 2)

    lab.wait_for_epoch(sent, 3)
    lab.kill_member(sent)  # the closing job submits it again
    lab.wait_for_attempt(sent, 3)

    lab.wait_for_epoch(sent, 5)
    node = sent.read_state(sent.units[0]).node
    lab.slurm.stop_node(node)
    try:
        lab.slurm.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
        lab.wait_for_attempt(sent, 4)
        lab.wait_for_end()
    finally:
        lab.slurm.start_node(node)
    state = sent.read_state(sent.units[0])
    assert (state.state, state.stalls) == ("finished", 0)
    assert read_figures(lab.work) == undisturbed(*order)


@pytest.mark.slow
def test_a_row_is_begun_here_goes_on_in_a_job_and_ends_here(
    lab: Lab, command, environment, tiny, tmp_path, undisturbed
):
    order = [*ORDER, "--rows", "S0", *tiny, "--set", "training.epochs=6"]
    order += ["--set", "training.patience=6"]
    begun = subprocess.Popen([*command, *order], env=environment, cwd=tmp_path)
    wait_until(lambda: [*lab.work.rglob("last.pt")], "the first checkpoint", 300)
    begun.send_signal(signal.SIGTERM)
    assert begun.wait(timeout=100) == 75

    sent = lab.submit(*order)
    lab.wait_for_epoch(sent, 3)
    assert lab.states(*order)["S0"]["state"] == "running"
    cancelled = lab.bench(*order, "--cancel", "--yes")
    assert cancelled.returncode == 0, cancelled.stderr
    lab.wait_for_end()
    assert lab.states(*order)["S0"]["state"] in ("cancelled", "stopped")

    done = lab.bench(*order)
    assert done.returncode == 0, done.stderr
    assert read_figures(lab.work) == undisturbed(*order)


@pytest.mark.rows
def test_a_job_refuses_code_that_was_changed_and_the_check_says_so(lab: Lab, tiny):
    order = [*ORDER, "--rows", "S0", *tiny]
    lab.slurm.ask("scontrol", "update", "PartitionName=main", "State=DOWN")
    try:
        sent = lab.submit(*order)
        changed = sent.snapshot / "bench" / "units.py"
        changed.write_text(changed.read_text() + "# changed\n")
    finally:
        lab.slurm.ask("scontrol", "update", "PartitionName=main", "State=UP")
    lab.wait_for_end()
    row = lab.states(*order)["S0"]
    assert row["state"] == "refused"
    assert "was changed since it was submitted" in row["message"]
    shutil.rmtree(sent.snapshot)


@pytest.mark.slow
def test_all_nine_rows_finish_as_arrays_and_give_the_report_of_a_local_run(lab: Lab, undisturbed):
    sent = lab.submit(*ORDER)
    assert [len(array.members) for array in sent.arrays] == [4, 4, 1]
    followed = lab.bench(*ORDER, "--status", "--follow")
    assert followed.returncode == 0, followed.stdout
    lab.wait_for_end()
    assert read_figures(lab.work) == undisturbed(*ORDER)
