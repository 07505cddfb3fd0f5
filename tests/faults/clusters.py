"""Faults of jobs on a real Slurm, which the suite starts for each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from bench.cluster.submission import Submission
from tests.cluster.lab import Lab as Cluster
from tests.cluster.real_slurm import find_obstacle, running_slurm
from tests.faults.lab import LONG, RUN_LONG, Lab
from tests.faults.world import World

Disturb = Callable[[Cluster, Submission], None]


class Done(NamedTuple):
    """How a command of a world ended."""

    returncode: int
    stderr: str


def need_slurm() -> str:
    """Return why no Slurm can be started here, "" where one can."""
    return find_obstacle() or ""


def disturb_job(lab: Lab, disturb: Disturb, limit: str) -> None:
    """Submit a row, disturb its job after the first epoch, and require that nothing is lost.

    `limit` is how many minutes the job may take.
    """
    with (
        tempfile.TemporaryDirectory(prefix="slurm-") as folder,  # a socket's name is short
        running_slurm(Path(folder)) as slurm,
    ):
        variables = {"SLURM_CONF": str(slurm.conf), "PATH": slurm.environment["PATH"]}
        world = replace(lab.make_world(), environment=variables)
        cluster = Cluster(slurm, lambda *order: _run_command(world, *order), world.work)
        sent = cluster.submit(*RUN_LONG, slurm=[f"time={limit}", "lines=--signal=B:USR1@90"])
        cluster.wait_for_epoch(sent, 1)
        disturb(cluster, sent)
        cluster.require_finished(cluster.latest())
    lab.finish(replace(world, environment={}), LONG)


def _run_command(world: World, *order: str) -> Done:
    command = world.run(*order)
    return Done(command.code or 0, command.said)


def reach_limit(cluster: Cluster, sent: Submission) -> None:
    """Slurm sends the signal before the limit; the job goes back into the queue."""
    cluster.reach_limit(sent)
    cluster.wait_for_attempt(sent, 2)
    job = sent.read_state(sent.units[0]).job
    cluster.slurm.ask("scontrol", "update", f"JobId={job}", "TimeLimit=60")


def requeue_job(cluster: Cluster, sent: Submission) -> None:
    """An operator puts the job back into the queue."""
    cluster.slurm.ask("scontrol", "requeue", sent.read_state(sent.units[0]).job)
    cluster.wait_for_attempt(sent, 2)


def preempt_job(cluster: Cluster, sent: Submission) -> None:
    """Jobs of a partition with a higher priority take both nodes."""
    cluster.slurm.take_nodes()
    cluster.wait_for_attempt(sent, 2)


def cancel_job(cluster: Cluster, sent: Submission) -> None:
    """Somebody cancels the job; the command is given again."""
    cluster.slurm.ask("scancel", sent.read_state(sent.units[0]).job)
    cluster.wait_for_end()
    state = sent.read_state(sent.units[0])
    if state.attempts != 1:
        raise AssertionError("a job that was cancelled came back by itself")
    cluster.submit(*RUN_LONG)


def lose_node(cluster: Cluster, sent: Submission) -> None:
    """The node of the job is lost, with all that runs on it."""
    node = sent.read_state(sent.units[0]).node
    cluster.slurm.stop_node(node)
    cluster.slurm.ask("scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=lost")
    cluster.wait_for_attempt(sent, 2)


def kill_member(cluster: Cluster, sent: Submission) -> None:
    """The process that runs the job is killed; the closing job submits it again."""
    cluster.kill_member(sent)
    cluster.wait_for_attempt(sent, 2)
