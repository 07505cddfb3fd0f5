"""Who works at a tracked run: which process, on which machine, in which job of a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.jobs import cluster_jobs, holders, process, submissions

PROCESS, JOB, LEASE, LOG = "process", "job", "lease", "log"
"""Tags of a run: who runs it or ran it last, and the log of that."""
WORKER_TAGS = (PROCESS, "host", JOB, LEASE, LOG, "submission")


def worker_tags(lease: str = "") -> dict[str, str]:
    """Return the tags that say who runs a run now; `lease` is what this process holds for it."""
    here, unit = process.this_process(), submissions.current_unit()
    tags = {
        PROCESS: str(here),
        "host": here.host,
        JOB: cluster_jobs.current_job(),
        LEASE: lease,
        LOG: unit.log if unit else "",
        "submission": str(unit.submission) if unit else "",
    }
    return {name: value for name, value in tags.items() if value}


def is_worker_alive(tags: Mapping[str, str]) -> bool | None:
    """Return whether the process that a run's tags name still works; None where it is not known.

    Of a process of another machine its lease says so, where that is seen from here, or the cluster
    of its job. A run without a process has nobody who works at it.
    """
    if PROCESS not in tags:
        return False
    worker = process.parse_process(tags[PROCESS])
    if worker.host == process.this_process().host:
        return process.is_alive(worker)
    if LEASE in tags:
        path = Path(tags[LEASE])
        holder = holders.read_holder(path)
        if holder is not None and holder.worker == worker:
            return holder.judge(path) != "free"
    is_over = cluster_jobs.is_job_over(tags[JOB]) if JOB in tags else None
    return None if is_over is None else not is_over
