"""Which launcher started this process beside others of one command: srun, torchrun, or none.

Slurm sets `SLURM_NTASKS` and the like in every shell of a job. Only what srun itself sets for the
tasks of a step says that there are others, and only the configuration says that they are one run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import NamedTuple


class Launcher(NamedTuple):
    """What a launcher says of the processes that it started."""

    name: str
    """`srun` or `torchrun`."""
    processes: int
    """How many, on all nodes together."""
    nodes: int
    rank: int
    """The number of this one, from 0."""
    address: str
    """The host of process 0."""


def read_launcher(environment: Mapping[str, str] | None = None) -> Launcher | None:
    """Return what started this process together with others; None where it was started alone."""
    stated = os.environ if environment is None else environment
    launcher = None
    if "TORCHELASTIC_RUN_ID" in stated:
        processes = int(stated["WORLD_SIZE"])
        nodes = processes // max(1, int(stated["LOCAL_WORLD_SIZE"]))
        address = stated.get("MASTER_ADDR", "127.0.0.1")
        launcher = Launcher("torchrun", processes, nodes, int(stated["RANK"]), address)
    elif "SLURM_STEP_NUM_TASKS" in stated and not _is_typed():
        processes, nodes = (
            int(stated[name]) for name in ("SLURM_STEP_NUM_TASKS", "SLURM_STEP_NUM_NODES")
        )
        address = "127.0.0.1" if nodes == 1 else _first_host(stated["SLURM_STEP_NODELIST"])
        launcher = Launcher("srun", processes, nodes, int(stated["SLURM_PROCID"]), address)
    return launcher if launcher and launcher.processes > 1 else None


def _is_typed() -> bool:
    """Return whether a person typed the command: srun then started the shell (`srun --pty bash`).

    A variable does not say so for certain: jobs inherit those of the shell that submits them.
    """
    return sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()


def _first_host(nodes: str) -> str:
    """Return the first host of a list as Slurm writes it.

    >>> [_first_host(nodes) for nodes in ("n07", "gpu[03-05,9],x1", "a-[1,2]-ib,b")]
    ['n07', 'gpu03', 'a-1-ib']
    """
    first, bracket, rest = nodes.partition("[")
    if "," in first or not bracket:
        return first.partition(",")[0]
    numbers, _, ending = rest.partition("]")
    number = numbers.partition(",")[0].partition("-")[0]
    return f"{first}{number}{ending.partition(',')[0]}"


def prepare_slurm(launcher: Launcher, environment: MutableMapping[str, str]) -> None:
    """State what Lightning reads of a step of srun, which may be smaller than its job.

    Each step has a port of its own, the same for all its processes.
    """
    job, step = (int(environment.get(name, "0")) for name in ("SLURM_JOB_ID", "SLURM_STEP_ID"))
    environment.setdefault("MASTER_ADDR", launcher.address)
    environment.setdefault("MASTER_PORT", str(15000 + (job + 101 * step) % 15000))
    environment["SLURM_NTASKS"] = str(launcher.processes)
    environment["SLURM_NNODES"] = str(launcher.nodes)
    environment["SLURM_NTASKS_PER_NODE"] = str(launcher.processes // launcher.nodes)
