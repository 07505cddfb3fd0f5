"""Slurm's own commands: sbatch, squeue, sacct, scontrol and scancel, each with a time limit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.errors import BenchError

_ANSWER_S = 60.0
_QUEUE_FORMAT = "%i|%T|%N|%L|%r"
_MAX_ARRAY = re.compile(r"^MaxArraySize\s*=\s*(\d+)", re.MULTILINE)
_DEFAULT_MAX_ARRAY = 1001
WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "SPECIAL_EXIT"})
CANCELLED = "CANCELLED"
ACTIVE = frozenset({"RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "STAGE_OUT"})


class QueuedJob(NamedTuple):
    """What Slurm says of one job, or of one member of an array."""

    state: str
    """`PENDING`, `RUNNING`, `TIMEOUT`, ..."""
    node: str = ""
    time_left: str = ""
    """As Slurm writes it: `23:10:00`, `2-03:00:00`."""
    reason: str = ""
    """Why it waits, or how it ended."""


def require_slurm() -> None:
    """Raise BenchError where sbatch is missing."""
    if shutil.which("sbatch") is None:
        raise BenchError(
            "cluster.no-slurm",
            "sbatch: is not installed here: use a machine that submits jobs (a login node), or "
            "`--print-commands` for another scheduler",
        )


def ask_slurm(*command: str, text: str | None = None) -> str:
    """Return what a command prints; BenchError, with its own words, where it fails."""
    # A job gets this process's variables, but its folder of temporary files goes with it.
    variables = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    try:
        done = subprocess.run(
            command,
            input=text if text is not None else "",
            capture_output=True,
            env=variables,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_S,
            check=False,
        )
    except FileNotFoundError as error:
        raise BenchError("cluster.no-slurm", f"{command[0]}: is not installed here") from error
    except subprocess.TimeoutExpired as error:
        raise BenchError(
            "cluster.refused", f"{command[0]}: did not answer within {_ANSWER_S:.0f} s"
        ) from error
    if done.returncode:
        words = " ".join(done.stderr.split()) or f"exit code {done.returncode}"
        raise BenchError("cluster.refused", f"{command[0]}: {words}")
    return done.stdout


def submit_script(script: str, options: Sequence[str] = ()) -> str:
    """Submit the text of a script; return the number of its job."""
    printed = ask_slurm("sbatch", "--parsable", *options, text=script)
    return printed.strip().partition(";")[0]  # behind it the cluster's name, where it has one


def read_max_array() -> int:
    """Return how many members an array may have here."""
    match = _MAX_ARRAY.search(ask_slurm("scontrol", "show", "config"))
    return int(match[1]) if match else _DEFAULT_MAX_ARRAY


def requeue_job(job: str) -> None:
    """Put a running job (`1230_4`) back into the queue; BenchError where that is refused."""
    ask_slurm("scontrol", "requeue", job)


def cancel_jobs(jobs: Sequence[str]) -> None:
    """Cancel jobs, whether they wait or run; those that are over are left alone."""
    ask_slurm("scancel", "--quiet", *jobs)


def list_jobs(numbers: Iterable[str]) -> dict[str, QueuedJob]:
    """Return by number (`1230`, `1230_4`) what Slurm knows of jobs and of the arrays' members.

    Of those that are over, what the accounting says, where there is one. Jobs that Slurm has
    forgotten are left out. BenchError where it does not answer.
    """
    wanted = set(numbers)
    if not wanted:
        return {}
    printed = ask_slurm(
        *("squeue", "--noheader", "--array", "--all", "--states=all", f"--format={_QUEUE_FORMAT}")
    )
    jobs = _keep_wanted(_parse_lines(printed), wanted)
    try:
        fields = "--format=JobID,State,NodeList,ExitCode,Reason"
        accounted = ask_slurm(
            *("sacct", "--noheader", "--parsable2", "--allocations", fields),
            f"--jobs={','.join(sorted(wanted))}",
        )
    except BenchError:  # there is no accounting
        return jobs
    return {**_keep_wanted(_parse_lines(accounted), wanted), **jobs}


def _parse_lines(printed: str) -> dict[str, QueuedJob]:
    """Return jobs by number; of lines of one job the first counts."""
    jobs: dict[str, QueuedJob] = {}
    for line in printed.splitlines():
        number, state, node, left, reason = (line.split("|") + [""] * 5)[:5]
        jobs.setdefault(number, QueuedJob(state.partition(" ")[0], node, left, reason))
    return jobs


def _keep_wanted(jobs: Mapping[str, QueuedJob], wanted: set[str]) -> dict[str, QueuedJob]:
    return {
        number: job
        for number, job in jobs.items()
        if number in wanted or number.partition("_")[0] in wanted
    }
