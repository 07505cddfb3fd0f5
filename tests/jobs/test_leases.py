"""Leases: exactly one process works on something, whatever happens to it."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench._io import atomic_files
from bench.errors import Busy
from bench.jobs import holders, host_leases, leases, process
from tests.errors import raises_code
from tests.jobs.holding import hold_elsewhere, is_held, move_to_host, refuse_busy, take_lease

COUNT = """
import sys
from pathlib import Path
from bench.jobs import leases
path, number = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(15):
    with leases.hold_lease(path, lambda who: None):
        before = int(number.read_text())
        number.write_text(str(before + 1))
"""


@pytest.fixture
def path(tmp_path):
    (tmp_path / "training").mkdir()
    return tmp_path / "training" / "lease"


@pytest.fixture
def elsewhere(monkeypatch):
    """This process runs on another machine than those that a test starts."""
    move_to_host(monkeypatch, "elsewhere.example")


def lease_file(path: Path) -> Path:
    (file,) = path.glob("*.json")
    return file


def set_silence(path: Path, seconds: float) -> None:
    """Let a lease not have been renewed for so long."""
    then = time.time() - seconds
    os.utime(lease_file(path), (then, then))


def test_a_lease_is_held_and_nothing_is_left_of_it(path):
    with leases.hold_lease(path, refuse_busy) as lease:
        assert is_held(path)
        lease.require_held()
        with raises_code("row.busy", f"process {os.getpid()} on "):
            take_lease(path)
    assert not is_held(path)
    assert list(path.parent.iterdir()) == []
    take_lease(path)


def test_who_is_refused_learns_who_has_it_since_when_and_how_to_free_it(path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    with hold_elsewhere(path) as other:
        number = other.process.pid
        with raises_code("row.busy", f"process {number} on", "job slurm:77", "scancel 77", " UTC"):
            take_lease(path)


def test_a_killed_holder_s_lease_is_free_at_once(path):
    with hold_elsewhere(path) as other:
        with pytest.raises(Busy):
            take_lease(path)
        other.kill()
        assert not is_held(path)
        take_lease(path)
    assert list(path.parent.iterdir()) == []


def test_what_dead_holders_left_can_be_removed(path):
    with hold_elsewhere(path) as other:
        host_leases.remove_dead(path)
        assert other.look() == "still held"
        assert path.is_dir()
        other.kill()
        host_leases.remove_dead(path)
        assert list(path.parent.iterdir()) == []


def test_an_interrupted_holder_leaves_nothing(path):
    with pytest.raises(KeyboardInterrupt), leases.hold_lease(path, refuse_busy):
        raise KeyboardInterrupt
    assert list(path.parent.iterdir()) == []


def test_the_holder_is_waited_for(path):
    waits: list[str] = []
    with leases.hold_lease(path, refuse_busy), ThreadPoolExecutor() as pool:
        waiting = pool.submit(wait_for_lease, path, waits)
        while not waits:
            time.sleep(0.01)
        assert not waiting.done()
        time.sleep(0.2)
        assert len(waits) == 1, "said once"
        (file,) = path.glob("*.json")
        file.unlink()  # given back
        assert waiting.result(timeout=10)


def wait_for_lease(path: Path, waits: list[str]) -> bool:
    with leases.hold_lease(path, waits.append):
        return True


def test_processes_exclude_each_other(path):
    number = path.with_name("number")
    number.write_text("0")
    command = [sys.executable, "-c", COUNT, str(path), str(number)]
    running = [subprocess.Popen(command) for _ in range(4)]
    assert [one.wait() for one in running] == [0, 0, 0, 0]
    assert number.read_text() == "60"
    assert [one.name for one in path.parent.iterdir()] == ["number"]


def test_of_several_who_find_a_dead_lease_exactly_one_takes_it(path, subtests):
    takers = 8
    for attempt in range(10):
        with subtests.test(attempt=attempt):
            with leases.hold_lease(path, refuse_busy):
                dead = json.loads(lease_file(path).read_text())
                lease_file(path).write_text(json.dumps({**dead, "started": "1"}))
                together, over = threading.Barrier(takers), threading.Event()
                with ThreadPoolExecutor(takers) as pool:
                    running = [pool.submit(try_lease, path, together, over) for _ in range(takers)]
                    while sum(one.done() for one in running) < takers - 1:
                        time.sleep(0.01)
                    over.set()
                    assert sorted(one.result() for one in running) == [False] * 7 + [True]
            assert list(path.parent.iterdir()) == []


def try_lease(path: Path, together: threading.Barrier, over: threading.Event) -> bool:
    together.wait()
    try:
        with leases.hold_lease(path, refuse_busy):
            over.wait()
            return True
    except Busy:
        return False


def test_a_frozen_holder_of_this_machine_keeps_its_lease(path):
    with hold_elsewhere(path) as other:
        other.process.send_signal(signal.SIGSTOP)
        set_silence(path, 10 * holders.SILENT_S)
        with pytest.raises(Busy):
            take_lease(path)


def test_a_holder_that_was_frozen_for_long_notices_that_it_lost_its_lease(path, elsewhere):
    with hold_elsewhere(path, renew_s=0.05) as other:
        assert other.look() == "still held"
        other.process.send_signal(signal.SIGSTOP)
        set_silence(path, holders.SILENT_S - 30)
        with raises_code("row.busy", "free after 10 minutes", "last renewed 5"):
            take_lease(path)
        set_silence(path, holders.SILENT_S + 30)
        with leases.hold_lease(path, refuse_busy) as mine:
            time.sleep(0.2)  # longer than two renewals
            other.process.send_signal(signal.SIGCONT)
            assert other.look() == "lease.lost"
            mine.require_held()
            other.end()
            mine.require_held()
            assert lease_file(path).is_file(), "it gives back its own lease only"


def test_a_lease_is_renewed_and_a_drive_that_is_away_is_waited_for(path, monkeypatch):
    monkeypatch.setattr(holders, "RENEW_S", 0.02)
    with leases.hold_lease(path, refuse_busy) as lease:
        set_silence(path, 1000)
        wait_for_renewal(path)
        with monkeypatch.context() as patched:
            patched.setattr(os, "utime", fail_with(errno.EIO))
            time.sleep(0.1)
            lease.require_held()
        set_silence(path, 1000)
        wait_for_renewal(path)
        lease_file(path).unlink()
        time.sleep(0.1)
        with raises_code("lease.lost", str(path), "nobody"):
            lease.require_held()


def wait_for_renewal(path: Path) -> None:
    end = time.monotonic() + 10
    while time.time() - lease_file(path).stat().st_mtime > 500:
        assert time.monotonic() < end
        time.sleep(0.01)


def fail_with(number: int):
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_clocks_are_never_compared(path, elsewhere, monkeypatch, subtests):
    now = time.time()
    with hold_elsewhere(path):
        for error_s in (-1e8, 1e8):
            with subtests.test(error_s=error_s), monkeypatch.context() as patched:
                patched.setattr(time, "time", lambda error_s=error_s: now + error_s)
                with pytest.raises(Busy):
                    take_lease(path)
        with subtests.test("the file server's clock was set back"):
            os.utime(lease_file(path), (now + 3000, now + 3000))
            with pytest.raises(Busy):
                take_lease(path)


def test_a_lease_is_free_when_its_job_is_over(path, elsewhere, monkeypatch, slurm, subtests):
    with monkeypatch.context() as patched:
        patched.setenv("SLURM_JOB_ID", "77")
        other = hold_elsewhere(path)
        other.__enter__()
    verdicts = []
    for state in ("RUNNING", "TIMEOUT"):
        slurm.answer("squeue", f"{state} 0")
        for silence in (5, holders.QUIET_S + 5):
            set_silence(path, silence)
            holder = holders.read_holder(path)
            assert holder is not None
            verdicts.append(holder.judge(path))
    assert verdicts == ["held", "held", "ending", "free"]
    with subtests.test("it is waited for"):
        set_silence(path, holders.QUIET_S - 0.3)
        take_lease(path)
    other.__exit__(None, None, None)


def test_a_job_that_was_started_again_takes_its_own_lease_at_once(path, elsewhere, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    with hold_elsewhere(path):
        with pytest.raises(Busy):
            take_lease(path)
        monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
        take_lease(path)


def test_processes_of_another_container_are_not_known(path, monkeypatch):
    with hold_elsewhere(path) as other:
        monkeypatch.setattr(process, "machine_id", lambda: "another container")
        other.kill()
        with pytest.raises(Busy):
            take_lease(path)
        set_silence(path, holders.SILENT_S + 1)
        take_lease(path)


def test_a_lease_that_a_crash_emptied_is_free_after_its_time(path):
    path.mkdir()
    (path / "0123.json").touch()
    with raises_code("row.busy", "an unknown process"):
        take_lease(path)
    set_silence(path, holders.SILENT_S + 1)
    take_lease(path)


def test_a_forked_child_neither_renews_nor_gives_back(path, monkeypatch):
    monkeypatch.setattr(holders, "RENEW_S", 0.02)
    with leases.hold_lease(path, refuse_busy) as lease:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of fork in a process of threads
            child = os.fork()
        if child == 0:
            monkeypatch.setattr(os, "utime", lambda *_: os._exit(4))
            time.sleep(0.2)
            lease.require_held()
            lease.give_back()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        lease.require_held()
        assert is_held(path)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_refuses_is_named_and_nothing_is_left(path, monkeypatch, number):
    name = "write_text" if number == errno.ENOSPC else "mkdir"
    with monkeypatch.context() as patched:
        patched.setattr(Path, name, fail_with(number))
        with pytest.raises(OSError, match=os.strerror(number)) as raised:
            take_lease(path)
    assert raised.value.filename == str(path)
    assert list(path.parent.iterdir()) == []


def test_where_nothing_can_be_written_another_machine_s_lease_counts(path, elsewhere, monkeypatch):
    with hold_elsewhere(path):
        set_silence(path, 10 * holders.SILENT_S)
        monkeypatch.setattr(atomic_files, "scratch_folder", fail_with(errno.EROFS))
        assert is_held(path)


def test_what_else_lies_in_its_folder_is_left_and_named(path, monkeypatch):
    monkeypatch.setattr(leases, "_ATTEMPTS", 3)
    path.mkdir()
    (path / "mine.txt").touch()
    with pytest.raises(OSError, match="not empty") as raised:
        take_lease(path)
    assert raised.value.filename == str(path)
    assert (path / "mine.txt").is_file()
