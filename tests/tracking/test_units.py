"""Tracking from many machines: each unit has its own outbox, SQLite is written by one machine."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.jobs import holders, process
from bench.tracking import run_workers, unit_outboxes
from bench.tracking.open_store import prepare_store
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.jobs.commands import FakeCommands
from tests.jobs.holding import hold_elsewhere, move_to_host
from tests.tracked_frames import table_frame
from tests.tracking.outbox import everything, run_row


@pytest.fixture
def unit(monkeypatch, config: Config):
    """Make this process the unit of a submission of that name."""

    def set_unit(name: str) -> Config:
        monkeypatch.setenv("BENCH_SUBMISSION", str(config.work / "submissions" / "20261129-1"))
        monkeypatch.setenv("BENCH_UNIT", name)
        monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "1230")
        monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "4")
        return config

    return set_unit


@pytest.fixture
def alone(monkeypatch):
    """Make this process one that was not submitted."""

    def unset_unit() -> None:
        for name in ("BENCH_SUBMISSION", "BENCH_UNIT", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"):
            monkeypatch.delenv(name, raising=False)

    return unset_unit


def count_runs(store: Store, entry: RunRecord) -> int:
    return len(store._access.store.search_table(entry.table, {}))


def interrupt_run(store: Store, entry: RunRecord) -> dict[str, str]:
    """Begin a run, stop it as Ctrl-C does, and return its tags."""
    tags: dict[str, str] = {}
    with suppress(KeyboardInterrupt), store.begin_run(entry) as tracked:
        tracked.log_epoch({"train.loss": 0.9}, 1)
        tags |= tracked._run_work(lambda client, run_id: client.get_run(run_id).data.tags)
        raise KeyboardInterrupt
    return tags


@pytest.mark.rows
def test_a_unit_records_to_its_own_outbox_and_bench_sync_sends_it(
    config: Config, unit, alone, entry: RunRecord, tmp_path
):
    before = (config.work / "mlflow.db").read_bytes()
    store = Store(unit("S5@666"))
    run_row(store, entry, tmp_path / "a.txt")
    assert store.find_finished(entry), "it knows what it has done"
    assert table_frame(store, entry.table, "paper")["status"].tolist() == ["FINISHED"]
    assert (config.work / "mlflow.db").read_bytes() == before, "never written"
    del store
    alone()
    (file,) = unit_outboxes.list_outboxes(config)
    assert file.relative_to(config.work).parts[:3] == ("outboxes", "20261129-1", "S5_666")
    store = Store(config)
    assert store.waiting_names() == ["sal/table4: S5 · seed 666"]
    assert unit_outboxes.count_waiting(config) == 1
    assert store.find_finished(entry), "before it is sent, it is not run again"
    assert count_runs(store, entry) == 0
    assert [(one.run, one.state) for one in store.send_waiting()] == [
        ("sal/table4: S5 · seed 666", "sent")
    ]
    (run,) = everything(store, entry)
    assert run[0][1] == "FINISHED"
    tags = run[2]
    log = config.work / "submissions" / "20261129-1" / "logs" / "1230_4.log"
    assert tags[run_workers.LOG] == str(log)
    assert tags["submission"] == str(log.parent.parent)
    assert tags["host"] == process.this_process().host
    assert store.waiting_names() == []
    assert not (config.work / "outboxes").exists()


def test_a_unit_finds_what_was_finished_in_the_store_and_by_other_units(
    config: Config, unit, entry: RunRecord, store: Store, tmp_path
):
    run_row(store, entry, tmp_path / "a.txt")
    other, third = replace(entry, seed=667), replace(entry, seed=668)
    run_row(Store(unit("S5@667")), other, tmp_path / "a.txt")
    mine = Store(unit("S5@668"))
    assert mine.find_finished(entry)
    finished = mine.find_finished(other)
    assert finished
    assert mine.artifact_names(finished.info.run_id, "folder") == ["folder/a.txt"]
    assert mine.find_finished(third) is None


def test_a_run_that_was_begun_in_the_store_goes_on_in_one_run(
    config: Config, unit, alone, entry: RunRecord, store: Store, tmp_path
):
    interrupt_run(store, entry)
    run_row(Store(unit("S5@666")), entry, tmp_path / "a.txt")
    alone()
    again = Store(config)
    again.send_waiting()
    (run,) = everything(again, entry)
    assert run[0][1] == "FINISHED"
    assert [point[:2] for point in run[3]["train.loss"]] == [(1, 0.9), (2, 0.5)]


def test_other_commands_of_a_submission_work_in_the_store(config: Config, unit):
    assert Store(unit("report"))._access.own is None


def test_a_server_needs_no_outbox_of_units(unit, away: Store, config: Config):
    unit("S5@666")
    assert Store(replace(config, tracking=away.uri))._access.own is None


@pytest.mark.rows
def test_two_machines_never_write_one_file(
    config: Config, store: Store, entry: RunRecord, tmp_path, monkeypatch, said
):
    run_row(store, entry, tmp_path / "a.txt")
    before = (config.work / "mlflow.db").read_bytes()
    other = replace(entry, seed=667)
    with monkeypatch.context() as patched:
        move_to_host(patched, "elsewhere.example")
        there = Store(config, said.append)
        assert there.find_finished(entry), "it is read from a copy"
        assert said == []
        run_row(there, other, tmp_path / "a.txt")
        assert (config.work / "mlflow.db").read_bytes() == before
        assert "is written by process" in said[0]
        assert table_frame(there, entry.table, "paper")["seed"].tolist() == [666, 667]
        with raises_code("tracking.not-writable", "one machine"):
            there._access.store.require_writable()
        del there
    assert store.find_finished(other)
    assert [one.state for one in store.send_waiting()] == ["sent"]
    assert table_frame(store, entry.table, "paper")["seed"].tolist() == [666, 667]


def test_who_began_to_write_at_the_same_time_is_refused(
    config: Config, store: Store, entry: RunRecord, monkeypatch
):
    there = Store(config)  # nobody writes yet
    store.require_writable()
    with monkeypatch.context() as patched:
        move_to_host(patched, "elsewhere.example")
        with raises_code("tracking.other-host", "process"):
            there.begin_run(entry)


def test_the_file_is_free_again_when_its_writers_have_ended(config: Config, monkeypatch):
    path = config.work / "mlflow.db.lease"
    with hold_elsewhere(path) as other, monkeypatch.context() as patched:
        move_to_host(patched, "elsewhere.example")
        assert Store(config)._access.store.other_host
        other.end()
        store = Store(config)
        store.require_writable()
        assert len([*path.iterdir()]) == 1
        del store
    assert not path.exists()


@pytest.mark.rows
def test_an_outbox_that_another_machine_writes_is_left(
    config: Config, unit, alone, entry: RunRecord, tmp_path
):
    run_row(Store(unit("S5@666")), entry, tmp_path / "a.txt")
    alone()
    (file,) = unit_outboxes.list_outboxes(config)
    with (
        hold_elsewhere(file.with_name(f"{file.name}.lease")),
        pytest.MonkeyPatch.context() as moved,
    ):
        move_to_host(moved, "elsewhere.example")
        (sent,) = Store(config).send_waiting()
        assert sent.state.startswith("still running")
        assert sent.is_whole
    assert [one.state for one in Store(config).send_waiting()] == ["sent"]


def test_an_outbox_of_a_job_that_was_just_killed_is_waited_for(
    config: Config, unit, alone, entry: RunRecord, tmp_path, monkeypatch
):
    run_row(Store(unit("S5@666")), entry, tmp_path / "a.txt")
    (file,) = unit_outboxes.list_outboxes(config)
    lease = file.with_name(f"{file.name}.lease")
    monkeypatch.setattr(holders, "_POLL_S", 0.05)
    with hold_elsewhere(lease) as other:
        alone()
        other.process.send_signal(signal.SIGSTOP)  # its job was killed with it
        (tmp_path / "bin").mkdir()
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        FakeCommands(tmp_path / "bin").answer("squeue", "TIMEOUT 0")
        then = time.time() - holders.QUIET_S + 1
        (held,) = lease.glob("*.json")
        os.utime(held, (then, then))
        move_to_host(monkeypatch, "elsewhere.example")
        assert [one.state for one in Store(config).send_waiting()] == ["sent"]


def test_the_store_is_made_once_at_submission(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    config, table = Config(work=tmp_path / "new"), table_cards.read_table("sal/table4")
    prepare_store(config, table)
    assert (config.work / "mlflow.db").is_file()
    assert Store(config)._access.store.find_experiment(table.key)


def test_a_run_of_another_machine_is_dead_when_its_lease_or_its_job_says_so(
    store: Store, entry: RunRecord, tmp_path, monkeypatch, subtests
):
    lease = tmp_path / "lease"
    with hold_elsewhere(lease) as other:
        worker = replace(process.this_process(), pid=other.process.pid)
        worker = replace(worker, started=process._started(worker.pid) or "")
        tags = {"process": str(worker), "lease": str(lease), "job": "slurm:77"}
        move_to_host(monkeypatch, "elsewhere.example")
        with subtests.test("its lease is renewed"):
            assert run_workers.is_worker_alive(tags) is True
        other.kill()
        with subtests.test("its lease was renewed just now"):
            assert run_workers.is_worker_alive(tags) is True
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    slurm = FakeCommands(tmp_path / "bin")
    without = {"process": str(worker), "job": "slurm:77", "lease": str(tmp_path / "not shared")}
    cases: dict[str, bool | None] = {"RUNNING": True, "COMPLETED": False}
    for state, expected in cases.items():
        with subtests.test(state=state):
            slurm.answer("squeue", f"{state} 0")
            assert run_workers.is_worker_alive(without) is expected
    with subtests.test("no job"):
        assert run_workers.is_worker_alive({"process": str(worker)}) is None


def test_dead_runs_of_ended_jobs_are_marked(store: Store, entry: RunRecord, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "77")
    tracked = store.begin_run(entry)
    monkeypatch.delenv("SLURM_JOB_ID")
    elsewhere = replace(process.this_process(), host="elsewhere.example")
    tracked.set_tag("process", str(elsewhere))
    monkeypatch.setenv("PATH", str(tmp_path))
    slurm = FakeCommands(Path(tmp_path))
    slurm.answer("squeue", "RUNNING 0")
    assert store.fail_dead_runs() == []
    with raises_code("row.busy", "elsewhere.example"):
        store.begin_run(entry)
    slurm.answer("squeue", "NODE_FAIL 0")
    assert store.fail_dead_runs() == ["sal/table4: S5 · seed 666"]
    tracked._stop_monitor()


def test_a_run_says_by_which_jobs_it_was_made(
    config: Config, unit, alone, entry: RunRecord, monkeypatch
):
    store = Store(unit("S5@666"))
    interrupt_run(store, entry)
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "1300")
    tags = interrupt_run(store, entry)
    assert tags["job"] == "slurm:1300_4"
    logs = [Path(text).name for text in tags["log"].split(", ")]
    assert logs == ["1230_4.log", "1300_4.log"]
