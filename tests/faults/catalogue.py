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
import soundfile
import torch

from tests.faults import clusters, kills
from tests.faults.lab import (
    LONG,
    REPORT,
    RUN,
    RUN_AND_REPORT,
    RUN_LONG,
    RUN_TABLE,
    RUN_WEIGHTED,
    SEARCH,
    SEND,
    WEIGHTED,
    Lab,
)
from tests.faults.servers import FaultyServer
from tests.faults.world import WEIGHTS, Command, write_weights

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
        _wait_for(lambda: any(world.work.rglob("last.pt")), command)
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
        _wait_for(lambda: any(world.work.rglob("last.pt")), command)
        server.fault = "gone"
        _wait_for(lambda: "records go to" in command.log.read_text(), command)
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
    _wait_for(lambda: any(world.work.rglob("last.pt")), command)
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
            _require_plain(world.run(*arguments))
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
        _require_plain(command)
        if not command.code:
            raise AssertionError("the row counts as finished, without its artifacts")
    finally:
        subprocess.run(["umount", str(artifacts)], check=True)
    lab.finish(world, RUN_AND_REPORT)


# --- files that change or are damaged ---


def change_audio(lab: Lab) -> None:
    """A recording is replaced while a row is trained: the row does not count as finished."""
    world = lab.make_world()
    command = world.start(*RUN)
    _wait_for(lambda: any(world.work.rglob("last.pt")), command)
    path = min((world.work / "mini" / "partialspoof" / "train" / "con_wav").iterdir())
    content = path.read_bytes()
    path.write_bytes(content[:2000] + content[2000:][::-1])
    command.wait()
    if not command.code or path.stem not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    path.write_bytes(content)
    world.finish(RUN)
    world.remove_set_aside()
    lab.finish(world, RUN_AND_REPORT)


def change_weights(lab: Lab) -> None:
    """A file of weights is replaced while a row is trained: the row does not count as finished."""
    world = lab.make_world()
    command = world.start(*RUN_WEIGHTED)
    _wait_for(lambda: any(world.work.rglob("last.pt")), command)
    path = world.folder / WEIGHTS
    content = path.read_bytes()
    write_weights(path, seed=1)
    command.wait()
    if not command.code or "weights own" not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    path.write_bytes(content)
    world.finish(RUN_WEIGHTED)
    world.remove_set_aside()
    lab.finish(world, WEIGHTED)


def _damage_checkpoint(lab: Lab, damage: Callable[[Path], None]) -> None:
    """A killed row's checkpoint is damaged before the row goes on."""
    world = lab.make_world()
    world.run(*RUN, before=lambda: kills.kill_at(kills.Moment("training", 2, 0)))
    (path,) = world.work.rglob("last.pt")
    damage(path)
    world.finish(*RUN_AND_REPORT.commands)
    world.remove_set_aside()
    lab.finish(world, RUN_AND_REPORT)


def truncate_checkpoint(lab: Lab) -> None:
    """It is cut in the middle."""
    _damage_checkpoint(lab, lambda path: os.truncate(path, path.stat().st_size // 2))


def empty_checkpoint(lab: Lab) -> None:
    """It is empty, as after a power cut."""
    _damage_checkpoint(lab, lambda path: os.truncate(path, 0))


def swap_checkpoint(lab: Lab) -> None:
    """It is another row's."""

    def put_other(path: Path) -> None:
        state = torch.load(path)
        state["system"] = {f"other.{name}": value for name, value in state["system"].items()}
        torch.save(state, path)

    _damage_checkpoint(lab, put_other)


def age_checkpoint(lab: Lab) -> None:
    """It is of a version that kept less."""

    def put_older(path: Path) -> None:
        state = torch.load(path)
        del state["schedule"]
        torch.save(state, path)

    _damage_checkpoint(lab, put_older)


def meet_newer_checkpoint(lab: Lab) -> None:
    """It is of a later version: the row fails and leaves it alone; that version can go on."""
    world = lab.make_world()
    world.run(*RUN, before=lambda: kills.kill_at(kills.Moment("training", 2, 0)))
    (path,) = world.work.rglob("last.pt")
    content = path.read_bytes()
    torch.save({**torch.load(path), "version": 99}, path)
    newer = path.read_bytes()
    command = world.run(*RUN)
    _require_plain(command)
    if not command.code or "is a checkpoint of version 99" not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    if path.read_bytes() != newer:
        raise AssertionError("the checkpoint was changed")
    path.write_bytes(content)
    lab.finish(world, RUN_AND_REPORT)


# --- clocks, workers, audio ---


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
    _wait_for(lambda: any(world.work.rglob("last.pt")), command)
    children = _list_children(command.pid)
    for child in children:
        os.kill(child, signal.SIGKILL)
    command.wait()
    _require_plain(command)
    lab.finish(replace(world, environment={}), RUN_AND_REPORT)


def spoil_audio(lab: Lab, value: float) -> None:
    """A recording holds numbers that are none: the row fails with its name, and no other does."""
    world = lab.make_world()
    path = min((world.work / "mini" / "partialspoof" / "train" / "con_wav").iterdir())
    content = path.read_bytes()
    samples, rate = soundfile.read(path, dtype="float32")
    samples[len(samples) // 2] = value
    soundfile.write(path, samples, rate, subtype="FLOAT")
    command = world.run(*RUN)
    if not command.code or path.name not in command.said:
        raise AssertionError(f"it was not noticed:\n{command.said}")
    path.write_bytes(content)
    lab.finish(world, RUN_AND_REPORT, failed_runs=1)


# --- helpers ---


def _wait_for(is_there: Callable[[], bool], command: Command) -> None:
    deadline = time.monotonic() + 120
    while not is_there() and not command.has_ended():
        if time.monotonic() > deadline:
            raise AssertionError("the command did not come so far in two minutes")
        time.sleep(0.01)


def _require_plain(command: Command) -> None:
    """Require that a command said in a line what was wrong."""
    if "Traceback" in command.said or (command.code or 0) < 0 or command.code == 99:
        raise AssertionError(f"exit code {command.code}:\n{command.said}")


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
    Fault("files", "a recording is replaced in mid-run", change_audio),
    Fault("files", "a checkpoint is cut", truncate_checkpoint),
    Fault("files", "a checkpoint is empty", empty_checkpoint),
    Fault("files", "a checkpoint is another row's", swap_checkpoint),
    Fault("files", "a checkpoint is of a version that kept less", age_checkpoint),
    Fault("files", "a checkpoint is of a later version", meet_newer_checkpoint),
    Fault("files", "weights are replaced in mid-run", change_weights),
    Fault("files", "NaN in a recording", lambda lab: spoil_audio(lab, np.nan)),
    Fault("files", "an infinite sample in a recording", lambda lab: spoil_audio(lab, np.inf)),
    Fault("machine", "the clock is set back and the time zone changed", set_clock_back),
    Fault("machine", "a process that loads audio is killed", kill_loader_worker),
    _job_fault("a job is put back into the queue", clusters.requeue_job),
    _job_fault("a job is preempted", clusters.preempt_job),
    _job_fault("a job is cancelled", clusters.cancel_job),
    _job_fault("a job's process is killed", clusters.kill_member),
    _job_fault("a node is lost", clusters.lose_node),
    _job_fault("a job reaches its time limit", clusters.reach_limit, limit="3"),
)
