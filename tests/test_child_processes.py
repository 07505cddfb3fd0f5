"""Processes that the suite starts end when their parent is killed, and when a brother is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest
from torch.utils.data import DataLoader

from bench._io import child_processes
from bench._io.child_processes import ChildFailed, ChildPool, ProcessBeside
from tests.pieces_of_work import describe_process, end_process, note_start, work_for_long

SECONDS = 60.0


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not seen in {SECONDS:.0f} s"
        time.sleep(0.02)


def list_alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; one that nobody has waited for is over."""
    alive = []
    for process in processes:
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except psutil.NoSuchProcess:
            pass
    return alive


def read_workers(folder: Path) -> dict[int, int]:
    """The process of each piece of work that has begun."""
    pairs = (path.name.split("=") for path in folder.iterdir())
    return {int(number): int(pid) for number, pid in pairs}


class Clips:
    """A data set whose first clip takes long."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        return work_for_long(self.folder, index)


def use_pool(folder: Path) -> None:
    with ChildPool(3) as pool:
        [*pool.map(partial(work_for_long, folder), range(12))]


def use_loader(folder: Path) -> None:
    [*DataLoader(Clips(folder), num_workers=2, worker_init_fn=child_processes.follow_parent)]


@pytest.mark.parametrize("use", [use_pool, use_loader])
def test_workers_end_when_their_parent_is_killed(tmp_path, use):
    parent = os.fork()
    if parent == 0:
        use(tmp_path)
        os._exit(0)
    wait_until(lambda: len({*read_workers(tmp_path).values()}) >= 2, "two workers")
    workers = psutil.Process(parent).children(recursive=True)
    assert {*read_workers(tmp_path).values()} <= {worker.pid for worker in workers}
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    wait_until(lambda: not list_alive(workers), "the end of the workers")


def test_where_idle_workers_are_killed_the_others_end_and_the_work_fails(tmp_path):
    """An idle worker that is killed has the lock of the queue: nobody gets work any more."""
    pool = ChildPool(3)
    pieces = [pool.submit(work_for_long, tmp_path, number) for number in range(6)]
    wait_until(lambda: all(piece.done() for piece in pieces[1:]), "idle workers")
    workers = read_workers(tmp_path)
    for pid in {*workers.values()} - {workers[0]}:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(BrokenProcessPool):
        pieces[0].result(SECONDS)
    pool.shutdown()
    assert not psutil.pid_exists(workers[0])


def test_workers_leave_stops_to_their_parent(tmp_path):
    with ChildPool(2) as pool:
        pieces = [pool.submit(note_start, tmp_path, number) for number in range(4)]
        assert [piece.result() for piece in pieces] == [*range(4)]
        kill = f"import os; [os.kill({{}}, number) for number in {[2, 10, 15]}]"
        for pid in {*read_workers(tmp_path).values()}:
            # By another process, as a cluster does it, or a terminal.
            subprocess.run([sys.executable, "-c", kill.format(pid)], check=True)
        time.sleep(0.1)
        assert pool.submit(note_start, tmp_path, 4).result() == 4


COMMAND = """
import sys, time
from bench._io import child_processes
child_processes.follow_starter()
try:
    print("begun", flush=True)
    time.sleep(300)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
STARTER = """
import subprocess, sys, time
from bench._io.child_processes import start_command
child = start_command([sys.executable, "-c", sys.argv[1]])
print(child.pid, flush=True)
time.sleep(300)
"""


def test_a_command_is_interrupted_when_its_starter_is_killed():
    given = [sys.executable, "-c", STARTER, COMMAND]
    with subprocess.Popen(given, stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout is not None
        child = psutil.Process(int(starter.stdout.readline()))
        assert starter.stdout.readline() == "begun\n"
        starter.kill()
        assert starter.stdout.read() == "interrupted\n"  # until the last has closed the pipe
    wait_until(lambda: not list_alive([child]), "the end of the command")


def test_a_command_that_nobody_of_ours_started_reads_nothing():
    done = subprocess.run(
        [sys.executable, "-c", COMMAND.replace("time.sleep(300)", "time.sleep(1)")],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "begun\n"


@pytest.fixture
def beside():
    process = ProcessBeside()
    yield process
    process.end_process()


@pytest.mark.rows
def test_a_process_beside_yields_has_one_thread_and_computes_figures_without_torch_and_mlflow(
    beside,
):
    beside.begin_call(describe_process, "bench.runner.row_figures")
    process = beside.take_answer()
    assert process["nice"] == os.nice(0) + child_processes._NICENESS
    assert process["modules"] == set()
    assert process["threads"] == "1"


def test_a_process_beside_carries_out_one_call_after_the_other(beside):
    found = []
    for call in (os.getpid, os.getpid, partial(end_process, "raise"), os.getpid):
        beside.begin_call(call)
        with suppress(ChildFailed):
            found.append(beside.take_answer())
    assert found == [found[0]] * 3, "a function that raises does not end it"
    assert found[0] != os.getpid()
    beside.end_process()
    assert not psutil.pid_exists(found[0])


@pytest.mark.parametrize(("how", "reason"), [("kill", "SIGKILL"), ("raise", "ValueError: no")])
def test_a_call_beside_that_gives_no_answer_says_why_and_the_next_one_is_carried_out(
    beside, how, reason
):
    beside.begin_call(end_process, how)
    with pytest.raises(ChildFailed, match=reason):
        beside.take_answer()
    beside.begin_call(abs, -2)
    assert beside.take_answer() == 2


def test_a_process_beside_that_was_killed_between_two_calls_is_started_again(beside):
    beside.begin_call(os.getpid)
    killed = psutil.Process(beside.take_answer())
    killed.kill()
    wait_until(lambda: not list_alive([killed]), "its end")
    beside.begin_call(abs, -2)
    assert beside.take_answer() == 2


def test_a_process_beside_can_be_ended(beside, tmp_path):
    beside.begin_call(work_for_long, tmp_path, 0)
    wait_until(lambda: bool(read_workers(tmp_path)), "the call")
    (pid,) = read_workers(tmp_path).values()
    assert not beside.is_over()
    beside.end_process()
    assert not psutil.pid_exists(pid)
