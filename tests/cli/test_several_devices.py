"""`bench run` in two processes that srun or torchrun started: one training, over gloo."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.several_devices import ORDER, only_run, require_alike


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Pair:
    """Two processes of a step of srun, which does not end one where the other ended."""

    def __init__(self, command: list[str], environment: dict[str, str], *order: str) -> None:
        port = str(free_port())
        shared = {
            "BENCH_DEVICES": "2",
            "SLURM_JOB_NAME": "train",
            "SLURM_JOB_ID": "77",
            "SLURM_STEP_ID": "0",
            "SLURM_NTASKS": "2",
            "SLURM_STEP_NUM_TASKS": "2",
            "SLURM_STEP_NUM_NODES": "1",
            "SLURM_STEP_NODELIST": "nowhere7",
            "SLURM_NODEID": "0",
            "MASTER_PORT": port,
        }
        folder = environment["BENCH_WORK"]
        self.processes = [
            subprocess.Popen(
                [*command, *order],
                env=environment | shared | {"SLURM_PROCID": str(rank), "SLURM_LOCALID": str(rank)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for rank in (0, 1)
        ]

    def await_checkpoint(self, work: Path) -> None:
        deadline = time.monotonic() + 300
        while not list(work.glob("runs/*/*/last.pt")):
            assert [process.poll() for process in self.processes] == [None, None], self.end()
            assert time.monotonic() < deadline, "no checkpoint in 300 s"
            time.sleep(0.02)

    def end(self, seconds: float = 300) -> list[tuple[int, str, str]]:
        """Wait for both; return for each its exit code and what it printed."""
        ended = [process.communicate(timeout=seconds) for process in self.processes]
        codes = [process.returncode for process in self.processes]
        return [(code, *texts) for code, texts in zip(codes, ended, strict=True)]


@pytest.fixture
def pair(command, environment) -> Iterator:
    """Start pairs; none outlives the test."""
    pairs: list[Pair] = []

    def begin(*order: str) -> Pair:
        pairs.append(Pair(command, environment, *order))
        return pairs[-1]

    yield begin
    for process in (process for one in pairs for process in one.processes):
        process.kill()
        if process.stdout is not None and not process.stdout.closed:
            process.communicate()


@pytest.fixture
def alone(run_apart) -> Path:
    """The work folder of the same row, run by one process."""
    return run_apart("alone", *ORDER)


@pytest.mark.slow
def test_two_processes_give_what_one_gives(pair, environment, alone):
    (code, printed, said), other = pair(*ORDER, "--json").end()
    assert code == 0, said
    assert [run["state"] for run in json.loads(printed)["runs"]] == ["finished"]
    assert other == (0, "", ""), "only the first process prints"
    assert said.count("S0 · seed 666: finished") == 1
    work = Path(environment["BENCH_WORK"])
    require_alike(work, alone)
    tags = only_run(work).data.tags
    assert tags["device"].startswith("2 x cpu")
    assert "2 devices (batch norm" in tags["determinism"]


@pytest.mark.parametrize("victim", [0, 1])
@pytest.mark.slow
def test_where_one_is_killed_the_other_ends_and_the_row_goes_on(pair, environment, alone, victim):
    work = Path(environment["BENCH_WORK"])
    first = pair(*ORDER)
    first.await_checkpoint(work)
    first.processes[victim].kill()
    ended = first.end(60)
    assert ended[victim][0] == -signal.SIGKILL
    assert ended[1 - victim][0] == 1, ended
    if victim == 1:
        assert "process 1 of 2 (pid" in ended[0][2], ended
        assert "Traceback" not in ended[0][2]
    (code, _, said), _ = pair(*ORDER).end()
    assert code == 0, said
    require_alike(work, alone)


@pytest.mark.parametrize("told", [0, 1])
@pytest.mark.slow
def test_a_signal_to_one_stops_both_and_one_device_goes_on(pair, bench, environment, alone, told):
    work = Path(environment["BENCH_WORK"])
    first = pair(*ORDER)
    first.await_checkpoint(work)
    first.processes[told].send_signal(signal.SIGUSR1)
    (code, _, said), other = first.end(60)
    assert code == 75, said
    assert other == (0, "", "")
    assert only_run(work).info.status == "KILLED"
    done = bench(*ORDER)
    assert done.returncode == 0, done.stderr
    require_alike(work, alone)
    assert " | " in only_run(work).data.tags["determinism"]


@pytest.mark.slow
@pytest.mark.parametrize("is_helper_killed", [False, True])
def test_without_a_launcher_a_kill_leaves_no_process(start, environment, is_helper_killed):
    """The command starts a process for each device, each with one that loads audio."""
    work = Path(environment["BENCH_WORK"])
    several = {"BENCH_DEVICES": "2", "BENCH_WORKERS": "1", "OMP_NUM_THREADS": "1"}
    begun = start(*ORDER, env=environment | several, cwd=work, stdout=None, stderr=None)
    deadline = time.monotonic() + 300
    while not [*work.glob("runs/*/*/last.pt")]:
        assert begun.poll() is None
        assert time.monotonic() < deadline, "no checkpoint in 300 s"
        time.sleep(0.02)
    started = psutil.Process(begun.pid).children(recursive=True)
    helpers = [child for child in started if child.ppid() == begun.pid and child.children()]
    assert len(helpers) == 2
    victim = helpers[1].pid if is_helper_killed else begun.pid
    os.kill(victim, signal.SIGKILL)
    assert begun.wait(timeout=60) == (1 if is_helper_killed else -signal.SIGKILL)
    _, alive = psutil.wait_procs(started, timeout=60)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.slow
def test_torchrun_starts_it_and_leaves_no_process(environment, alone):
    work = Path(environment["BENCH_WORK"])
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "bench"]
    done = subprocess.run(
        [sys.executable, *launch, *ORDER],
        env=environment | {"BENCH_DEVICES": "2", "OMP_NUM_THREADS": "1"},
        cwd=work,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    require_alike(work, alone)
    left = [
        process.pid
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get("BENCH_WORK") == str(work)
    ]
    assert left == []


def test_another_number_of_processes_is_refused(bench, environment, monkeypatch):
    for name, value in {"NUM_TASKS": "4", "NUM_NODES": "1", "NODELIST": "n1"}.items():
        monkeypatch.setenv(f"SLURM_STEP_{name}", value)
    monkeypatch.setenv("SLURM_PROCID", "0")
    environment["BENCH_DEVICES"] = "2"
    done = bench(*ORDER)
    assert (done.returncode, done.code) == (2, "machine.launcher-mismatch")
    assert "srun started 4 processes on 1 node" in done.stderr
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    environment["BENCH_NODES"] = "2"
    done = bench(*ORDER)
    assert (done.returncode, done.code) == (2, "machine.launcher-missing")
