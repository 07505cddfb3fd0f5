"""The journal: what a killed process leaves behind does no harm; other places are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bench.errors import BenchError
from bench.sweeps import storage
from tests.sweeps.conftest import Formula, finish


def test_a_line_that_was_torn_by_a_kill_is_cut_off(parse, open_study, tmp_path):
    study = open_study(parse())
    finish(study, Formula(), 2)
    (journal,) = (tmp_path / "sweeps").glob("*.journal")
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker_id":"x","stu')
    again = open_study(parse())
    assert len(again.trials()) == 2
    finish(again, Formula(), 3)
    assert journal.read_bytes().startswith(whole)
    assert b'"stu{' not in journal.read_bytes()
    assert len(open_study(parse()).trials()) == 3


HOLDER = """
import sys, time
from pathlib import Path
from bench.sweeps.storage import FileLock
lock = FileLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_the_lock_of_a_killed_process_is_free_at_once(tmp_path):
    journal = tmp_path / "a.journal"
    journal.touch()
    command = [sys.executable, "-c", HOLDER, str(journal)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGKILL)
    lock = storage.FileLock(journal)
    assert lock.acquire()
    lock.release()


@pytest.mark.parametrize("url", ["sqlite:///a.db", "mysql://u:secret@h/d", "/tmp/a", "a.journal"])
def test_what_cannot_be_shared_safely_is_refused_without_its_password(url, tmp_path):
    with pytest.raises(BenchError, match=r"should be postgresql://") as raised:
        storage.opened(url, "made", tmp_path)
    assert "secret" not in str(raised.value)


def test_a_driver_that_is_not_installed_is_named(tmp_path, monkeypatch):
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    with pytest.raises(BenchError, match=r"psycopg.* is not installed"):
        storage.opened("postgresql://nobody@127.0.0.1/none", "made", tmp_path)
