"""Several processes share the rows of a table, and one that lost a row's lease leaves it alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench._io.interrupts import InterruptGuard
from bench.config import Config
from bench.errors import Busy
from bench.jobs import leases
from bench.runner import local
from bench.runner.figure_queue import FigureQueue
from bench.runner.request import RunRequest
from bench.runner.row_run import RowRun
from bench.tracking.store import Store
from tests.jobs.holding import refuse_busy
from tests.runner.stages import CARD, Watcher, run_rows

ROWS = """
[rows.{name}]
from = "alone"
cells = ["{name}"]
optimiser.learning_rate = {rate}
"""
RUN = """
import sys
from pathlib import Path
from bench.cards import table_cards
from bench._io.interrupts import InterruptGuard
from bench.config import Config
from tests.runner.stages import Watcher, run_rows
card = table_cards.parse_table("test/stages", Path(sys.argv[1]))
config = Config(work=Path(sys.argv[2]), device="cpu", workers=0)
print("ready", flush=True)
sys.stdin.readline()
for outcome in run_rows(card, config, sys.argv[3].split(","), Watcher()):
    print(outcome.job, outcome.state, outcome.message, sep="|", flush=True)
"""


def start_process(card: Path, config: Config, rows: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", RUN, str(card), str(config.work), ",".join(rows)]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ}
    )


def read_runs(config: Config) -> list[tuple[str, str]]:
    runs = Store(config).search_runs("test/stages", {})
    return sorted((run.data.tags["row"], run.info.status) for run in runs)


@pytest.mark.rows
def test_a_busy_row_is_looked_at_again_after_the_others(card, config: Config, monkeypatch):
    train, refused = RowRun.train_and_score, list[str]()

    def refuse_once(self: RowRun):
        if self.job.row == "alone" and not refused:
            refused.append(self.job.row)
            raise Busy("row.busy", "it is being run by process 4711")
        return train(self)

    monkeypatch.setattr(RowRun, "train_and_score", refuse_once)
    watcher = Watcher()
    outcomes = run_rows(card, config, ["alone", "two"], watcher)
    assert [(one.job, one.state) for one in outcomes] == [
        ("two · seed 7", "finished"),
        ("alone · seed 7", "finished"),
    ]
    assert "alone · seed 7: left for now: it is being run by process 4711" in watcher.said
    assert read_runs(config) == [("alone", "FINISHED"), ("two", "FINISHED"), ("two", "FINISHED")]


@pytest.mark.rows
def test_a_row_that_another_process_finished_meanwhile_is_finished(
    card, config: Config, monkeypatch
):
    find, looks = local._find_outcome, list[str]()

    def find_late(row: RowRun):
        looks.append(row.job.name)
        return find(row) if len(looks) > 1 else None

    (first,) = run_rows(card, config, ["alone"], Watcher())
    monkeypatch.setattr(local, "_find_outcome", find_late)
    (second,) = run_rows(card, config, ["alone"], Watcher())
    assert (first.state, second.state) == ("finished", "already finished")
    assert len(looks) == 2


@pytest.mark.rows
def test_who_lost_the_lease_of_a_row_stops_and_leaves_its_run_to_the_other(card, config: Config):
    class Losing(Watcher):
        """Another process takes the row over in the first epoch."""

        def on_step(self, epoch, step, steps, losses) -> None:
            for path in config.work.rglob(f"{leases.NAME}/*.json"):
                path.unlink()
                taken.set()

    taken = threading.Event()
    order = RunRequest(card, ["alone"], None, "smoke")
    renewals = pytest.MonkeyPatch()
    with renewals.context() as patched:
        patched.setattr("bench.jobs.holders.RENEW_S", 0.0)
        (lost,) = local.run_jobs(order, config, Store(config), Losing())
    assert taken.is_set()
    assert (lost.state, lost.code) == ("failed", "lease.lost"), lost.message
    assert read_runs(config) == [("alone", "RUNNING")]
    (again,) = run_rows(card, config, ["alone"], Watcher())
    assert again.state == "finished", again.message
    assert read_runs(config) == [("alone", "FINISHED")]


@pytest.mark.rows
def test_a_stage_that_another_process_trains_is_waited_for(card, config: Config):
    watcher = Leaving(build_stage(card, config))
    watcher.run_row_beside(card, config)
    waits = [text for text in watcher.said if "waiting for it" in text]
    assert len(waits) == 1
    assert f"is being run by process {os.getpid()} on" in waits[0]


@pytest.mark.rows
def test_a_stage_that_another_process_finished_meanwhile_is_taken(card, config: Config):
    watcher = Leaving(build_stage(card, config), finishes=True)
    watcher.run_row_beside(card, config)
    assert any("waiting for it" in text for text in watcher.said)
    assert {*watcher.steps} == {"two · seed 7"}
    assert read_runs(config) == [("two", "FINISHED"), ("two", "FINISHED")]


class Leaving(Watcher):
    """Another process holds a stage, and leaves it when this one waits for it."""

    def __init__(self, stage: RowRun, *, finishes: bool = False) -> None:
        super().__init__()
        self.stage, self.finishes = stage, finishes
        self.lease = stage.folder / leases.NAME

    def run_row_beside(self, card, config: Config) -> None:
        with leases.hold_lease(self.lease, refuse_busy):
            (outcome,) = run_rows(card, config, ["two"], self)
        assert outcome.state == "finished", outcome.message

    def say(self, text: str) -> None:
        super().say(text)
        if "waiting for it" in text:
            (file,) = self.lease.glob("*.json")
            file.unlink()
            if self.finishes:
                self.stage._train_stage()


def build_stage(card, config: Config) -> RowRun:
    """Return the training that the row `two` starts from; its folder is made."""
    order = RunRequest(card, ["two"], None, "smoke")
    (job,) = local.plan_jobs(order, config)
    entry, watcher = local._describe_job(job, order, "cpu"), Watcher()
    queue = FigureQueue(config, watcher.say)
    row = RowRun(job, entry, config, Store(config), watcher, InterruptGuard(), queue, {})
    stage = row._earlier_training("")
    assert stage is not None
    stage.folder.mkdir(parents=True)
    return stage


@pytest.mark.rows
@pytest.mark.parametrize("processes", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_processes_share_the_rows_of_a_table(tmp_path, config: Config, processes):
    path = tmp_path / "shared.toml"
    names = [f"row{number}" for number in range(3)]
    rows = [ROWS.format(name=name, rate=1e-3 * (at + 2)) for at, name in enumerate(names)]
    path.write_text(CARD + "".join(rows), encoding="utf-8")
    running = [start_process(path, config, names) for _ in range(processes)]
    begun = [one.stdout.readline() if one.stdout else "" for one in running]
    with ThreadPoolExecutor(processes) as pool:
        outputs = [*pool.map(lambda one: one.communicate("go\n")[0], running)]
    assert begun == ["ready\n"] * processes
    assert [one.returncode for one in running] == [0] * processes
    assert read_runs(config) == [(name, "FINISHED") for name in names], outputs
    states = [line.split("|")[1] for text in outputs for line in text.splitlines()]
    assert states.count("finished") == len(names), outputs
    assert {*states} <= {"finished", "already finished", "busy"}, outputs
    assert len(states) == processes * len(names)
    left = [one.name for one in config.work.rglob("*") if "lease" in one.name]
    assert left == []
