"""The journal: what a killed process leaves behind does no harm; other places are refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from bench.sweeps import storage
from bench.sweeps.journal import FileLock, hold_alone
from tests.errors import raises_code
from tests.jobs.holding import is_held
from tests.sweeps.conftest import Formula, finish


def test_a_line_that_was_torn_by_a_kill_is_cut_off(parse, open_study, tmp_path):
    study = open_study(parse())
    finish(study, Formula(), 2)
    (journal,) = (tmp_path / "sweeps").glob("*.journal")
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code":4,"worker_id":"x","stu')
    again = open_study(parse())
    assert len(again.list_trials()) == 2
    finish(again, Formula(), 3)
    assert journal.read_bytes().startswith(whole)
    assert b'"stu{' not in journal.read_bytes()
    assert len(open_study(parse()).list_trials()) == 3


@pytest.mark.rows
def test_a_journal_that_was_cut_anywhere_goes_on(parse, open_study, tmp_path):
    """A kill, also while the study is first made, leaves any beginning of it."""
    finish(open_study(parse()), Formula(), 2)
    (journal,) = (tmp_path / "sweeps").glob("*.journal")
    whole = journal.read_bytes()
    for size in [*range(0, len(whole), 97), len(whole) - 1]:
        journal.write_bytes(whole[:size])
        study = open_study(parse())
        assert len(study.list_trials()) <= 2
        assert study.name


def records(study) -> list[tuple]:
    return [
        (t.number, t.state, t.params, t.value, t.intermediate_values) for t in study.list_trials()
    ]


def first(lines: list[bytes], operation: int) -> int:
    return min(n for n, line in enumerate(lines) if line.startswith(b'{"op_code":%d' % operation))


@pytest.mark.parametrize("operation", [0, 4, 6, 7])
@pytest.mark.parametrize("damage", ["blank", "twice", "joined"])
def test_damage_that_loses_nothing_changes_nothing(
    parse, open_study, tmp_path, operation, damage, capsys
):
    study = open_study(parse())
    finish(study, Formula(), 3)
    before = records(study)
    (journal,) = (tmp_path / "sweeps").glob("*.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    at = first(lines, operation)
    match damage:
        case "blank":
            lines.insert(at, b" \n")
        case "twice":
            lines.insert(at, lines[at])
        case _:
            lines[at] = lines[at].rstrip()
    journal.write_bytes(b"".join(lines))
    again = open_study(parse())
    assert records(again) == before
    finish(again, Formula(), 4)
    assert records(open_study(parse()))[:3] == before
    assert len(again.list_trials()) == 4
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("operation", [6, 7])
def test_a_torn_record_is_passed_over_where_none_depends_on_it(
    parse, open_study, tmp_path, operation, capsys
):
    finish(open_study(parse()), Formula(), 3)
    (journal,) = (tmp_path / "sweeps").glob("*.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    at = first(lines, operation)
    lines[at] = lines[at][:40]
    journal.write_bytes(b"".join(lines))
    again = open_study(parse())
    assert f"{journal}:{at + 1}: a torn record is passed over" in capsys.readouterr().out
    assert [trial.number for trial in again.list_trials()] == [0, 1, 2]
    finish(again, Formula(), 4)
    assert len(open_study(parse()).list_trials()) == 4


@pytest.mark.parametrize(
    "content", [b'{"op_code":4,"worker_id":"x\n', b"null\n", b"PK\x03\x04\n", b'{"op_code":4}\n']
)
def test_what_others_depend_on_is_named_with_its_line(parse, open_study, tmp_path, content):
    finish(open_study(parse()), Formula(), 2)
    (journal,) = (tmp_path / "sweeps").glob("*.journal")
    journal.write_bytes(journal.read_bytes() + content + b"\n")
    with raises_code("sweep.journal-damaged") as error:
        open_study(parse())
    assert str(journal) in str(error.value)


HOLDER = """
import sys, time
from pathlib import Path
from bench.sweeps.journal import FileLock
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
    lock = FileLock(journal)
    assert lock.acquire()
    lock.release()


@pytest.mark.parametrize("url", ["sqlite:///a.db", "mysql://u:secret@h/d", "/tmp/a", "a.journal"])
def test_what_cannot_be_shared_safely_is_refused_without_its_password(url, tmp_path):
    with raises_code("option.invalid") as raised:
        storage.open_storage(url, "made", tmp_path, print)
    assert "secret" not in str(raised.value)


def test_a_driver_that_is_not_installed_is_named(tmp_path, monkeypatch):
    for driver in ("psycopg", "psycopg2"):
        monkeypatch.setitem(sys.modules, driver, None)
    with raises_code("machine.not-installed") as error:
        storage.open_storage("postgresql://nobody@127.0.0.1/none", "made", tmp_path, print)
    assert "psycopg" in str(error.value)


def test_a_study_of_jobs_is_held_by_leases_from_then_on(parse, open_study, tmp_path, monkeypatch):
    """Locks of the kernel are not to be relied on where several machines share a drive."""
    lock = tmp_path / "sweeps" / "made.journal.lock"
    lease = lock.with_name("made.journal.lock.lease")
    finish(open_study(parse()), Formula(), 1)
    with hold_alone(lock):
        assert not is_held(lease)
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    with hold_alone(lock):
        assert is_held(lease)
    monkeypatch.delenv("SLURM_JOB_ID")
    with hold_alone(lock):
        assert is_held(lease)
    finish(open_study(parse()), Formula(), 3)
    assert len(open_study(parse()).list_trials()) == 3
    assert not is_held(lease)
