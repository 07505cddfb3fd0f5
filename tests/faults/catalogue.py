"""The faults: what goes wrong, and that nothing is lost by it.

Each takes a lab and raises AssertionError where anything is lost: a figure, a score file or a run
that an undisturbed command has, or where something stays behind that it does not leave.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tests.faults import clusters, file_faults, kills
from tests.faults.lab import (
    LONG,
    REPORT,
    RUN,
    RUN_AND_REPORT,
    RUN_LONG,
    RUN_TABLE,
    SEARCH,
    SEND,
    Lab,
)
from tests.faults.servers import FaultyServer
from tests.faults.world import require_plain, wait_for

KILL_RUN = "kill -9 of `bench run`, `report` and `sync`"
KILL_SWEEP = "kill -9 of `bench sweep`"


class Fault(NamedTuple):
    """One way in which things go wrong."""

    group: str
    what: str
    happen: Callable[[Lab], None]
    explain_skip: Callable[[], str] = lambda: ""
    """Why it cannot be made on this machine, "" where it can."""


def kill_faults(lab: Lab, count: int, seed: int) -> list[Fault]:
    """Return kills at `count` moments of a run, its report and of sending runs to a server."""
    calls = {work: lab.record_calls(work) for work in (RUN_AND_REPORT, SEND)}
    seconds = calls[SEND] | calls[RUN_AND_REPORT]
    faults: list[Fault] = []
    for moment in kills.draw_moments(seconds, count, seed):
        work = RUN_AND_REPORT if moment.phase in calls[RUN_AND_REPORT] else SEND
        faults.append(
            Fault(
                KILL_RUN,
                f"in {moment.phase}, call {moment.call + 1}, after {moment.after_s:.3f} s",
                lambda lab, work=work, moment=moment: lab.kill(work, moment),
            )
        )
    return faults


def kill_sweep_faults(lab: Lab, count: int, seed: int) -> list[Fault]:
    """Return kills of a sweep at `count` moments."""
    return [
        Fault(
            KILL_SWEEP,
            f"in {moment.phase}, call {moment.call + 1}, after {moment.after_s:.3f} s",
            lambda lab, moment=moment: lab.kill(SEARCH, moment),
        )
        for moment in kills.draw_moments(lab.record_calls(SEARCH), count, seed)
    ]


def _need_root() -> str:
    return "" if os.name == "posix" and os.geteuid() == 0 else "mounting needs root"


def _job_fault(what: str, disturb: clusters.Disturb, limit: str = "60") -> Fault:
    def happen(lab: Lab) -> None:
        clusters.disturb_job(lab, disturb, limit)

    return Fault("jobs of Slurm", what, happen, clusters.need_slurm)


# --- several processes ---


def share_table(lab: Lab, processes: int) -> None:
    """Several processes run one table, of which one is killed."""
    world = lab.make_world()
    commands = [world.start(*RUN_TABLE.commands[0]) for _ in range(processes)]
    time.sleep(1)
    os.kill(commands[0].pid, signal.SIGKILL)
    for command in commands:
        command.wait()
    lab.finish(world, RUN_TABLE)


# --- tracking ---


def meet_faulty_server(lab: Lab, fault: str) -> None:
    """The tracking server fails in the midst of a run; what it did not take is sent afterwards."""
    with FaultyServer(lab.folder / f"server-{fault}") as server:
        world = replace(lab.make_world(), environment={"BENCH_TRACKING": server.uri})
        command = world.start(*RUN)
        wait_for(world.has_checkpoint, command)
        if command.has_ended():
            raise AssertionError(f"it ended before the server failed:\n{command.said}")
        server.fault = fault
        command.wait()
        if command.code:
            raise AssertionError(command.said)
        server.fault = ""
        world.finish(("sync",), RUN, REPORT)
        runs = server.list_runs("faults/table")
        if [run.info.status for run in runs] != ["FINISHED"]:
            raise AssertionError(f"runs at the server: {runs}")
        expected = lab.expect(RUN_AND_REPORT)
        report = (world.folder / "reports" / "faults-table.smoke.csv").read_text(encoding="utf-8")
        if report != expected.report:
            raise AssertionError("the report's figures differ")


def outlast_retries(lab: Lab) -> None:
    """The server is gone until the suite gives up on it, and is back while the row still runs."""
    with FaultyServer(lab.folder / "server-back") as server:
        world = replace(lab.make_world(), environment={"BENCH_TRACKING": server.uri})
        command = world.start(*RUN_LONG)
        wait_for(world.has_checkpoint, command)
        server.fault = "gone"
        wait_for(lambda: "records go to" in command.log.read_text(), command)
        server.fault = ""
        if command.has_ended():
            raise AssertionError(f"it ended before the server was back:\n{command.said}")
        command.wait()
        if command.code:
            raise AssertionError(command.said)
        world.finish(("sync",), RUN_LONG)
        runs = server.list_runs("faults/table")
        if [run.info.status for run in runs] != ["FINISHED"]:
            raise AssertionError(f"runs at the server: {runs}")
        (expected,) = lab.expect(LONG).figures
        wrong = [
            name
            for name, value in expected.items()
            if name in runs[0].data.metrics and runs[0].data.metrics[name] != value
        ]
        if wrong:
            raise AssertionError(f"figures at the server differ: {wrong}")


def lock_database(lab: Lab) -> None:
    """Another program holds the SQLite store for a while."""
    world = lab.make_world()
    world.finish(("status",))
    command = world.start(*RUN)
    wait_for(world.has_checkpoint, command)
    with closing(sqlite3.connect(world.work / "mlflow.db", timeout=60)) as database:
        database.execute("begin exclusive")
        time.sleep(4)
        database.rollback()
    command.wait()
    lab.finish(world, RUN_AND_REPORT)


# --- disks ---


@contextmanager
def mounted_disk(megabytes: int) -> Generator[Path]:
    """Yield the folder of a disk of a size, in memory."""
    with tempfile.TemporaryDirectory() as folder:
        size = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)


def fill_disk(lab: Lab, left_kb: int) -> None:
    """The disk is full but for so many kilobytes; then there is room again."""
    with mounted_disk(200) as disk:
        world = lab.make_world(folder=disk)
        ballast = disk / "ballast"
        info = os.statvfs(disk)
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, info.f_bavail * info.f_frsize - left_kb * 1024)
        for arguments in RUN_AND_REPORT.commands:
            require_plain(world.run(*arguments))
        ballast.unlink()
        lab.finish(world, RUN_AND_REPORT)


def shut_artifacts(lab: Lab) -> None:
    """The folder of artifacts can only be read; then it can be written."""
    world = lab.make_world()
    world.finish(("status",))
    artifacts = world.work / "artifacts"
    artifacts.mkdir(exist_ok=True)
    subprocess.run(["mount", "--bind", str(artifacts), str(artifacts)], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", str(artifacts)], check=True)
        command = world.run(*RUN)
        require_plain(command)
        if not command.code:
            raise AssertionError("the row counts as finished, without its artifacts")
    finally:
        subprocess.run(["umount", str(artifacts)], check=True)
    lab.finish(world, RUN_AND_REPORT)


# --- clocks, workers ---


def set_clock_back(lab: Lab) -> None:
    """A killed row goes on while the clock is a day behind, in another time zone."""
    world = lab.make_world()
    world.run(*RUN, before=lambda: kills.kill_at(kills.Moment("training", 1, 0)))

    def set_back() -> None:
        now = time.time
        time.time = lambda: now() - 86_400
        os.environ["TZ"] = "Pacific/Kiritimati"
        time.tzset()

    world.let_settle()
    command = world.run(*RUN, before=set_back)
    if command.code:
        raise AssertionError(command.said)
    lab.finish(world, RUN_AND_REPORT)


def kill_loader_worker(lab: Lab) -> None:
    """A process that loads audio is killed: the row fails, and goes on when it is asked for."""
    world = replace(lab.make_world(), environment={"BENCH_WORKERS": "1"})
    command = world.start(*RUN)
    wait_for(world.has_checkpoint, command)
    children = _list_children(command.pid)
    for child in children:
        os.kill(child, signal.SIGKILL)
    command.wait()
    require_plain(command)
    lab.finish(replace(world, environment={}), RUN_AND_REPORT)


def _list_children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


FAULTS = (
    Fault("several processes", "two run one table, one is killed", lambda lab: share_table(lab, 2)),
    Fault(
        "several processes", "four run one table, one is killed", lambda lab: share_table(lab, 4)
    ),
    Fault("tracking", "the server is gone", lambda lab: meet_faulty_server(lab, "gone")),
    Fault("tracking", "the server answers 500", lambda lab: meet_faulty_server(lab, "error")),
    Fault("tracking", "the server is slow", lambda lab: meet_faulty_server(lab, "slow")),
    Fault("tracking", "the server is back after the suite gave up on it", outlast_retries),
    Fault("tracking", "SQLite is locked by another program", lock_database),
    *(
        Fault(
            "disk",
            f"full but for {left_kb:,} kB",
            lambda lab, left_kb=left_kb: fill_disk(lab, left_kb),
            _need_root,
        )
        for left_kb in (0, 16, 256, 768, 1024, 1536, 2048, 4096)
    ),
    Fault("disk", "the folder of artifacts is read-only", shut_artifacts, _need_root),
    Fault("files", "a recording is replaced in mid-run", file_faults.change_audio),
    Fault("files", "a checkpoint is cut", file_faults.truncate_checkpoint),
    Fault("files", "a checkpoint is empty", file_faults.empty_checkpoint),
    Fault("files", "a checkpoint is another row's", file_faults.swap_checkpoint),
    Fault("files", "a checkpoint is of a version that kept less", file_faults.age_checkpoint),
    Fault("files", "a checkpoint is of a later version", file_faults.meet_newer_checkpoint),
    Fault("files", "weights are replaced in mid-run", file_faults.change_weights),
    Fault("files", "NaN in a recording", lambda lab: file_faults.spoil_audio(lab, np.nan)),
    Fault(
        "files",
        "an infinite sample in a recording",
        lambda lab: file_faults.spoil_audio(lab, np.inf),
    ),
    Fault("machine", "the clock is set back and the time zone changed", set_clock_back),
    Fault("machine", "a process that loads audio is killed", kill_loader_worker),
    _job_fault("a job is put back into the queue", clusters.requeue_job),
    _job_fault("a job is preempted", clusters.preempt_job),
    _job_fault("a job is cancelled", clusters.cancel_job),
    _job_fault("a job's process is killed", clusters.kill_member),
    _job_fault("a node is lost", clusters.lose_node),
    _job_fault("a job reaches its time limit", clusters.reach_limit, limit="3"),
)
