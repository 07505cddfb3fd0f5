"""Processes that open one store at once and are killed: their runs go on or are marked."""

from __future__ import annotations

import os
import pickle
import signal
import sqlite3
import subprocess
import sys
from dataclasses import replace

import pytest

from bench.config import Config
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import table_frame
from tests.tracking.histories import FIGURES, curve

WORKER = """
import dataclasses, pickle, sys, time
from pathlib import Path
from bench.config import Config
from bench.tracking.store import Store
work, seed = Path(sys.argv[1]), int(sys.argv[2])
entry = pickle.loads((work / "entry").read_bytes())
tracked = Store(Config(work=work)).begin_run(dataclasses.replace(entry, seed=seed))
for step in range(5):
    tracked.log_epoch({"train.loss": 1.0 / (step + 1)}, step)
print("ready", flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_processes_open_a_new_store_at_once_and_are_killed(
    start_process, entry: RunRecord, tmp_path, monkeypatch
):
    """Both set up the store that is not there yet; their runs are left for the next to mend."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "entry").write_bytes(pickle.dumps(entry))
    workers = [
        start_process(
            [sys.executable, "-c", WORKER, str(tmp_path), str(seed)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in (1, 2)
    ]
    assert [worker.stdout.readline().strip() for worker in workers] == ["ready", "ready"]
    store = Store(Config(work=tmp_path))
    with raises_code("row.busy") as raised:
        store.begin_run(replace(entry, seed=1))
    assert f"process {workers[0].pid}" in str(raised.value)
    assert store.fail_dead_runs() == []
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
        worker.communicate()
    assert table_frame(store, "sal/table4", "paper")["status"].tolist() == ["RUNNING", "RUNNING"]
    with store.begin_run(replace(entry, seed=1)) as tracked:
        for step in range(3, 8):
            tracked.log_epoch({"train.loss": 1.0 / (step + 1)}, step)
        tracked.finish_run(FIGURES)
    assert curve(store, tracked, "train.loss") == [(s, 1.0 / (s + 1)) for s in range(8)]
    assert store.fail_dead_runs() == ["sal/table4: S5 · seed 2"]
    frame = table_frame(store, "sal/table4", "paper").set_index("seed")
    assert frame["status"].to_dict() == {1: "FINISHED", 2: "FAILED"}
    assert str(workers[1].pid) in frame["failure"][2]
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("pragma integrity_check").fetchone() == ("ok",)
    database.close()
