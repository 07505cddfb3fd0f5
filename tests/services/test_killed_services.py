"""Services that are killed while a run goes on, and come back: nothing of the run is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.config import Config
from bench.tracking import artifact_check
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.services.postgresql import PostgreSQL, run_postgresql
from tests.services.recorder import EPOCHS, TABLE, build_entry, figures, loss
from tests.services.s3 import BUCKET, run_s3
from tests.tracked_frames import table_frame
from tests.tracking.serving import Server

ROW = "S5"


@pytest.fixture(scope="module")
def postgresql():
    with run_postgresql() as server:
        yield server


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def record_through(
    store: Store, seed: int, folder: Path, break_it: Callable[[], None], mend_it: Callable[[], None]
) -> None:
    """Record a run; something is broken after its first epoch and mended after it has ended."""
    file = folder / f"{seed}.txt"
    file.write_text(str(seed))
    with store.begin_run(build_entry(ROW, seed)) as tracked:
        for epoch in EPOCHS:
            tracked.log_epoch({"train.loss": loss(ROW, seed, epoch)}, epoch)
            if epoch == EPOCHS[0]:
                break_it()
        tracked.add_artifact(file, "folder")
        tracked.finish_run(figures(ROW, seed))
    mend_it()


def check_run(store: Store, seed: int, folder: Path) -> None:
    """Check that the store has the run once and whole."""
    (run,) = store.search_runs(TABLE, build_entry(ROW, seed).identity)
    assert run.info.status == "FINISHED"
    eer = 100 * figures(ROW, seed)["partialspoof.eer"].value
    assert run.data.metrics["partialspoof.eer"] == pytest.approx(eer)
    history = store.client.get_metric_history(run.info.run_id, "train.loss")
    points = [(point.step, pytest.approx(point.value)) for point in history]
    assert points == [(epoch, loss(ROW, seed, epoch)) for epoch in EPOCHS]
    path = store.fetch_artifact(run.info.run_id, f"folder/{seed}.txt", folder / "back")
    assert path.read_text() == str(seed)


@pytest.mark.rows
def test_a_database_that_is_killed_in_mid_run(postgresql: PostgreSQL, tmp_path):
    """A lab without a server: the suite writes to PostgreSQL itself."""
    said: list[str] = []
    here = Config(work=tmp_path, tracking=postgresql.create_database("direct"))
    (tmp_path / "back").mkdir()
    store = Store(here, said.append)
    for seed, break_it in enumerate((postgresql.kill, lambda: postgresql.stop("immediate"))):
        record_through(store, seed, tmp_path, break_it, postgresql.start)
        assert len(store.waiting_names()) == 1
        assert [sent.state for sent in store.send_waiting()] == ["sent"]
        check_run(store, seed, tmp_path)
    assert store.waiting_names() == []
    assert len(said) == 1
    assert "does not answer" in said[0]


@pytest.mark.slow  # a server's start takes ten seconds, and there are three
def test_a_server_and_what_is_behind_it_are_killed_in_mid_run(postgresql: PostgreSQL, tmp_path):
    """A lab's services: MLflow over PostgreSQL, files in a bucket behind the server."""
    (tmp_path / "back").mkdir()
    with run_s3() as s3:
        server = Server(
            tmp_path,
            "--artifacts-destination",
            f"s3://{BUCKET}/artifacts",
            database=postgresql.create_database("served"),
            environment=s3.environment,
        )
        server.start()
        try:
            store = Store(Config(work=tmp_path, tracking=server.uri), lambda text: None)
            faults = {
                "server": (server.kill, server.start),
                "database": (postgresql.kill, postgresql.start),
                "bucket": (s3.kill, s3.start),
            }
            for seed, (break_it, mend_it) in enumerate(faults.values()):
                record_through(store, seed, tmp_path, break_it, mend_it)
                assert len(store.waiting_names()) == 1
                assert [sent.state for sent in store.send_waiting()] == ["sent"]
            last = len(faults) - 1  # the server that keeps objects in memory forgot the others
            check_run(store, last, tmp_path)
            assert len(table_frame(store, TABLE, "smoke")) == len(faults)
            assert any(key.endswith(f"folder/{last}.txt") for key in s3.list_keys())
            assert store.waiting_names() == []
        finally:
            server.stop()


@pytest.mark.rows
def test_files_go_to_a_bucket_from_here(postgresql: PostgreSQL, tmp_path, monkeypatch):
    """The suite writes files into the bucket itself, by MLFLOW_S3_ENDPOINT_URL."""
    (tmp_path / "back").mkdir()
    with run_s3() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        store = Store(Config(work=tmp_path, tracking=postgresql.create_database("bucket")))
        store.client.create_experiment(TABLE, artifact_location=f"s3://{BUCKET}/{TABLE}")
        artifact_check.require_artifacts(store, TABLE)
        record_through(store, 1, tmp_path, lambda: None, lambda: None)
        check_run(store, 1, tmp_path)
        assert any(key.endswith("folder/1.txt") for key in s3.list_keys())
        record_through(store, 2, tmp_path, s3.kill, lambda: None)
        assert len(store.waiting_names()) == 1
        with raises_code("tracking.artifacts-unusable"):
            artifact_check.require_artifacts(store, TABLE)
        s3.start()
        assert [sent.state for sent in store.send_waiting()] == ["sent"]
        check_run(store, 2, tmp_path)


@pytest.mark.rows
def test_a_study_goes_on_when_its_database_comes_back(
    postgresql: PostgreSQL, tmp_path, monkeypatch
):
    """Killed in mid-trial: the trial is neither failed nor begun again."""
    from bench.cards import sweep_cards
    from bench.sweeps import storage
    from bench.sweeps.study import Study
    from tests.sweeps.conftest import CARD, Formula, finish

    monkeypatch.setattr(storage, "_AGAIN_S", 0.2)
    said: list[str] = []
    (tmp_path / "made.toml").write_text(CARD)
    card = sweep_cards.parse_sweep("made", tmp_path / "made.toml")["smoke"]
    address = postgresql.create_database("study")
    study = Study(
        card, "made", storage.open_storage(address, "made", tmp_path, said.append), (3, 1)
    )
    restarts: list[threading.Thread] = []

    def act(claim) -> None:
        if claim.number == 1:
            postgresql.kill()
            restarts.append(threading.Thread(target=lambda: (time.sleep(1), postgresql.start())))
            restarts[0].start()

    formula = Formula(act)
    ended = finish(study, formula, 4)
    restarts[0].join()
    assert [(one.number, one.ending) for one in ended] == [(n, "finished") for n in range(4)]
    assert formula.trained == [0, 1, 2, 3]
    assert {trial.user_attrs["attempt"] for trial in study.list_trials()} == {1}
    assert all(len(trial.intermediate_values) == 3 for trial in study.list_trials())
    assert [text.partition(":")[0] for text in said] == [
        "the study's database does not answer and is waited for"
    ]
