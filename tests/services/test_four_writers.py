"""Four machines that record runs of one table at once: none is lost, none is there twice."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.config import Config
from bench.tracking.store import Store
from tests.services.postgresql import PostgreSQL, run_postgresql
from tests.services.recorder import EPOCHS, TABLE, figures, loss
from tests.tracked_frames import table_frame
from tests.tracking.serving import Server

SEEDS = {"S0": (1, 2), "S1": (1, 2), "S5": (1, 2), "S7": (1, 2)}


@pytest.fixture(scope="module")
def postgresql():
    with run_postgresql() as server:
        yield server


def record_at_once(address: str, tmp_path: Path) -> None:
    """Have four processes, each with a work folder of its own, record when all are ready."""
    writers: list[subprocess.Popen[str]] = []
    for row, seeds in SEEDS.items():
        work = tmp_path / row
        work.mkdir()
        command = [sys.executable, "-m", "tests.services.recorder", address, str(work), row]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        writers.append(subprocess.Popen([*command, *map(str, seeds)], text=True, **pipes))
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        _, errors = writer.communicate(timeout=240)
        assert (writer.returncode, errors) == (0, "")


def check_runs(store: Store, tmp_path: Path) -> None:
    names = [experiment.name for experiment in store.client.search_experiments()]
    assert sorted(names) == ["Default", TABLE]
    frame = table_frame(store, TABLE, "smoke").set_index(["row", "seed"]).sort_index()
    assert frame.index.tolist() == [(row, seed) for row, seeds in SEEDS.items() for seed in seeds]
    assert {*frame["status"]} == {"FINISHED"}
    for (row, seed), run in frame.iterrows():
        assert run["partialspoof.eer"] == pytest.approx(
            100 * figures(row, seed)["partialspoof.eer"].value
        )
        history = store.client.get_metric_history(run["run_id"], "train.loss")
        points = [(point.step, pytest.approx(point.value)) for point in history]
        assert points == [(epoch, loss(row, seed, epoch)) for epoch in EPOCHS]
        path = store.fetch_artifact(run["run_id"], f"folder/{row}-{seed}.txt", tmp_path)
        assert path.read_text() == f"{row} {seed}"
    assert list(store.page_addresses()) == [TABLE]


@pytest.mark.slow  # four processes that import MLflow, twice
@pytest.mark.parametrize("through", ["server", "database"])
def test_four_machines_record_one_table(through, postgresql: PostgreSQL, tmp_path):
    """Into a new database, whose tables the first has to make."""
    address = postgresql.create_database(through)
    server = Server(tmp_path, database=address)
    if through == "server":
        server.start()
        address = server.uri
    try:
        record_at_once(address, tmp_path)
        check_runs(Store(Config(work=tmp_path / "report", tracking=address)), tmp_path)
    finally:
        server.stop()
