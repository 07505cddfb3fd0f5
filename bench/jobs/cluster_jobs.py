"""Which job of a cluster this process belongs to, and whether a job is over.

Slurm's own commands are asked (`squeue`, `sacct`, `scontrol`), each with a time limit. Where they
are missing or do not answer, nothing is known.
"""

from __future__ import annotations

import os
import subprocess
from typing import NamedTuple

_SLURM = "slurm:"
_ANSWER_S = 10.0
"""How long a command may take. A controller that is busy answers within seconds."""
_UNKNOWN_JOB = "Invalid job id"
_LASTING = frozenset(
    {
        *("PENDING", "CONFIGURING", "RUNNING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING"),
        *("COMPLETING", "STAGE_OUT", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD"),
        *("SPECIAL_EXIT", "LAUNCH_FAILED"),
    }
)
"""States of a job that runs or that Slurm will start; in every other state it is over."""


class JobState(NamedTuple):
    """What a cluster says of a job."""

    state: str
    """As Slurm writes it: `RUNNING`, `TIMEOUT`; "" where the cluster no longer knows the job."""
    restarts: int = 0
    """How often it was requeued and started again."""

    @property
    def is_over(self) -> bool:
        """Whether the job has ended and will not be started again."""
        return self.state not in _LASTING


def current_job() -> str:
    """Return the job of this process, `slurm:1234` or `slurm:1230_4` of an array; "" without."""
    if array := os.environ.get("SLURM_ARRAY_JOB_ID"):
        return f"{_SLURM}{array}_{os.environ.get('SLURM_ARRAY_TASK_ID', '')}".rstrip("_")
    number = os.environ.get("SLURM_JOB_ID", "")
    return f"{_SLURM}{number}" if number else ""


def current_restarts() -> int:
    """Return how often the job of this process was requeued and started again."""
    text = os.environ.get("SLURM_RESTART_COUNT", "")
    return int(text) if text.isdecimal() else 0


def is_job_over(job: str, restarts: int | None = None) -> bool | None:
    """Return whether a job has ended; None where that is not known.

    With `restarts`, the number of restarts of the job when it was seen, a job that was requeued
    since then is over as well: what it ran then no longer runs.
    """
    state = read_job_state(job)
    if state is None:
        return None
    return state.is_over or (restarts is not None and state.restarts > restarts)


def read_job_state(job: str) -> JobState | None:
    """Return what the cluster says of a job (`slurm:1230_4`); None where it says nothing.

    A job that the controller does not know and that has no accounting ended long ago: Slurm forgets
    a job some minutes after its end (`MinJobAge`).
    """
    number = job.removeprefix(_SLURM)
    if number == job or not number.replace("_", "").isdecimal():
        return None
    fields = "--Format=State:30,RestartCnt:10"
    queue = _run_command(
        *("squeue", "--noheader", "--all", "--states=all", f"--jobs={number}", fields)
    )
    if queue is not None and queue.returncode == 0 and queue.stdout.strip():
        return _choose_state(queue.stdout)
    accounting = _run_command(
        *("sacct", "--noheader", "--parsable2", "--allocations", "--format=State"),
        f"--jobs={number}",
    )
    if accounting is not None and accounting.returncode == 0 and accounting.stdout.strip():
        return _choose_state(accounting.stdout)
    control = _run_command("scontrol", "--oneliner", "show", "job", number)
    if control is None:
        return None
    if control.returncode == 0:
        pairs = (word.partition("=") for word in control.stdout.split())
        values = {name: value for name, _, value in pairs}
        if "JobState" in values:
            return JobState(values["JobState"], _parse_count(values.get("Restarts", "")))
    return JobState("") if _UNKNOWN_JOB in control.stderr else None


def _choose_state(text: str) -> JobState:
    """Return the state that lines give, of a whole array the one of a member that is not over.

    A line is a state (`CANCELLED by 1000` has further words) and perhaps the number of restarts.
    """
    lines = [line.split() for line in text.splitlines() if line.strip()]
    states = [JobState(words[0], _parse_count("".join(words[1:]))) for words in lines]
    return next((state for state in states if not state.is_over), states[0])


def _parse_count(text: str) -> int:
    return int(text) if text.isdecimal() else 0


def _run_command(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Return how a command ended; None where it is missing or takes too long."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_ANSWER_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
