"""Which cluster job this process belongs to, and whether a job is over."""

from __future__ import annotations

import time

from bench.jobs import cluster_jobs

UNKNOWN = "slurm_load_jobs error: Invalid job id specified"
NO_ACCOUNTING = "Slurm accounting storage is disabled"


def test_a_process_knows_its_job(monkeypatch, subtests):
    cases = {
        "": {},
        "slurm:1234": {"SLURM_JOB_ID": "1234"},
        "slurm:1230_4": {
            "SLURM_JOB_ID": "1234",
            "SLURM_ARRAY_JOB_ID": "1230",
            "SLURM_ARRAY_TASK_ID": "4",
        },
        "slurm:1230_0": {"SLURM_ARRAY_JOB_ID": "1230", "SLURM_ARRAY_TASK_ID": "0"},
    }
    for expected, variables in cases.items():
        with subtests.test(expected=expected), monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            assert cluster_jobs.current_job() == expected


def test_restarts_are_counted(monkeypatch):
    assert cluster_jobs.current_restarts() == 0
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert cluster_jobs.current_restarts() == 2


def test_the_queue_says_whether_a_job_is_over(slurm, subtests):
    cases = {
        "RUNNING": False,
        "PENDING": False,
        "COMPLETING": False,
        "REQUEUE_HOLD": False,
        "SUSPENDED": False,
        "COMPLETED": True,
        "TIMEOUT": True,
        "NODE_FAIL": True,
        "PREEMPTED": True,
        "CANCELLED": True,
    }
    for state, expected in cases.items():
        with subtests.test(state=state):
            slurm.answer("squeue", f"{state:30}0         \n")
            assert cluster_jobs.is_job_over("slurm:1230_4") is expected
    assert "--jobs=1230_4" in slurm.read_calls()[0]


def test_an_array_is_over_with_its_last_member(slurm):
    slurm.answer("squeue", "COMPLETED 0\nFAILED 0\nRUNNING 1\n")
    assert cluster_jobs.is_job_over("slurm:1230") is False
    slurm.answer("squeue", "COMPLETED 0\nFAILED 0\n")
    assert cluster_jobs.is_job_over("slurm:1230") is True


def test_a_job_that_was_requeued_is_over_for_whom_it_ran_before(slurm):
    slurm.answer("squeue", "RUNNING                       1         \n")
    assert cluster_jobs.is_job_over("slurm:7") is False
    assert cluster_jobs.is_job_over("slurm:7", restarts=0) is True
    assert cluster_jobs.is_job_over("slurm:7", restarts=1) is False


def test_accounting_is_asked_where_the_queue_has_forgotten_the_job(slurm):
    slurm.answer("squeue", errors=UNKNOWN, code=1)
    slurm.answer("sacct", "CANCELLED by 1000\n")
    assert cluster_jobs.read_job_state("slurm:7") == ("CANCELLED", 0)
    slurm.answer("sacct", "RUNNING\n")
    assert cluster_jobs.is_job_over("slurm:7") is False


def test_the_controller_is_asked_where_there_is_no_accounting(slurm, subtests):
    slurm.answer("squeue", errors="squeue: error: no such option", code=1)
    slurm.answer("sacct", errors=NO_ACCOUNTING, code=1)
    line = "JobId=9 ArrayJobId=7 ArrayTaskId=4 JobName=a=b {} Restarts=2 BatchFlag=1\n"
    with subtests.test("running"):
        slurm.answer("scontrol", line.format("JobState=RUNNING Reason=None"))
        assert cluster_jobs.read_job_state("slurm:7_4") == ("RUNNING", 2)
    with subtests.test("over"):
        slurm.answer("scontrol", line.format("JobState=FAILED Reason=None"))
        assert cluster_jobs.is_job_over("slurm:7_4") is True
    with subtests.test("long ago"):
        slurm.answer("scontrol", errors=UNKNOWN, code=1)
        assert cluster_jobs.is_job_over("slurm:7_4") is True


def test_nothing_is_known_where_nobody_answers(slurm, subtests, monkeypatch):
    with subtests.test("no command"):
        assert cluster_jobs.is_job_over("slurm:7") is None
    with subtests.test("controller away"):
        for name in ("squeue", "sacct", "scontrol"):
            slurm.answer(name, errors=f"{name}: error: Unable to contact slurm controller", code=1)
        assert cluster_jobs.is_job_over("slurm:7") is None
    with subtests.test("controller hangs"):
        monkeypatch.setattr(cluster_jobs, "_ANSWER_S", 0.1)
        for name in ("squeue", "sacct", "scontrol"):
            slurm.hang(name)
        before = time.monotonic()
        assert cluster_jobs.is_job_over("slurm:7") is None
        assert time.monotonic() - before < 5
    with subtests.test("no job of Slurm"):
        for job in ("", "pbs:7", "slurm:", "slurm:7; rm -rf /", "slurm:--all"):
            assert cluster_jobs.is_job_over(job) is None
