"""A work folder that was moved, copied or renamed holds its runs, and writes nowhere else."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from mlflow.tracking._tracking_service import utils

from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import table_frame

FIGURES = {"partialspoof.eer": MetricResult(0.0361, 0.0350, 0.0372)}


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Keep an artifact of a run in a work folder, which is made; return the run's id."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "a.txt").write_text("a")

    def run(work, entry: RunRecord, finish=True):
        work.mkdir(exist_ok=True)
        with opened(work).begin_run(entry) as tracked:
            tracked.add_artifact(tmp_path / "a.txt", "folder")
            if finish:
                tracked.finish_run(FIGURES)
        return tracked.run_id

    return run


def opened(work):
    """Return the store as another process would open it: without what MLflow knows of places."""
    utils._artifact_repos_cache.clear()
    return Store(Config(work=work))


def files(work):
    return sorted(path.relative_to(work) for path in work.rglob("*") if path.is_file())


def place(store: Store, run_id):
    (found,) = store.client.list_artifacts(run_id, "folder")
    uri = store.client.get_run(run_id).info.artifact_uri
    return Path(unquote(urlsplit(uri).path), found.path).resolve(strict=True)


NAMES = ["moved", "q?x", "100%20", "a#b", "it's", "a&b;c", "Größe 2", "artifacts"]


@pytest.mark.rows
@pytest.mark.parametrize("name", NAMES)
def test_a_moved_folder_holds_its_runs_and_takes_new_ones(run, entry: RunRecord, tmp_path, name):
    old, new = tmp_path / "old", tmp_path / name
    first = run(old, entry)
    old.rename(new)
    second = run(new, replace(entry, seed=7))
    store = opened(new)
    for run_id in (first, second):
        assert place(store, run_id).is_relative_to(new / "artifacts")
    assert not old.exists(), "nothing is made anew at the old place"
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", name}
    assert set(table_frame(store, "sal/table4", "paper")["seed"]) == {666, 7}


@pytest.mark.rows
def test_a_copied_folder_and_its_original_are_two(run, entry: RunRecord, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    first = run(old, entry)
    shutil.copytree(old, new)
    before = files(old)
    second = run(new, replace(entry, seed=7))
    assert files(old) == before
    assert place(opened(new), first).is_relative_to(new)
    assert place(opened(new), second).is_relative_to(new)
    third = run(old, replace(entry, seed=8))
    assert place(opened(old), first).is_relative_to(old)
    assert place(opened(old), third).is_relative_to(old)
    assert set(table_frame(opened(new), "sal/table4", "paper")["seed"]) == {666, 7}


@pytest.mark.rows
@pytest.mark.parametrize("copied", [True, False])
def test_a_run_that_was_begun_before_goes_on_at_the_new_place(
    run, entry: RunRecord, tmp_path, copied
):
    old, new = tmp_path / "old", tmp_path / "new"
    first = run(old, entry, finish=False)
    before = files(old)
    if copied:
        shutil.copytree(old, new)
    else:
        old.rename(new)
    assert run(new, entry) == first
    assert place(opened(new), first).is_relative_to(new)
    assert not copied or files(old) == before
    assert copied or not old.exists()


@pytest.mark.rows
def test_a_run_without_artifacts_goes_on_at_the_new_place(run, entry: RunRecord, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    first = run(old, entry, finish=False)
    shutil.rmtree(old / "artifacts")
    old.rename(new)
    assert run(new, entry) == first
    assert place(opened(new), first).is_relative_to(new)
    assert not old.exists()


def test_a_registered_model_moves_with_its_run(run, entry: RunRecord, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    first = run(old, entry)
    client = opened(old).client
    client.create_registered_model("m")
    uri = client.get_run(first).info.artifact_uri
    client.create_model_version("m", f"{uri}/model", first)
    old.rename(new)
    (version,) = opened(new).client.search_model_versions("name = 'm'")
    assert version.source == f"{opened(new).client.get_run(first).info.artifact_uri}/model"
    assert new.as_uri() in version.source


@pytest.mark.rows
def test_the_database_alone_is_moved_and_artifacts_stay_known(run, entry: RunRecord, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    first = run(old, entry)
    new.mkdir()
    (old / "mlflow.db").rename(new / "mlflow.db")
    assert place(opened(new), first).is_relative_to(old / "artifacts")
    second = run(new, replace(entry, seed=7))
    assert place(opened(new), second).is_relative_to(new)


@pytest.mark.rows
def test_work_folders_that_share_a_store_keep_their_own_artifacts(run, entry: RunRecord, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    first = run(here, entry)
    there.mkdir()
    shared = Config(work=there, tracking=f"sqlite:///{here / 'mlflow.db'}")
    store = Store(shared)
    with store.begin_run(replace(entry, seed=7)) as tracked:
        tracked.add_artifact(tmp_path / "a.txt", "folder")
        tracked.finish_run(FIGURES)
    assert place(store, tracked.run_id).is_relative_to(there)
    assert place(store, first).is_relative_to(here)
    third = run(here, replace(entry, seed=8))
    assert place(opened(here), third).is_relative_to(here)
    assert place(opened(here), tracked.run_id).is_relative_to(there)


@pytest.mark.rows
def test_artifacts_on_no_disk_of_this_machine_stay_where_they_are(run, entry: RunRecord, tmp_path):
    old, new = tmp_path / "old", tmp_path / "new"
    first = run(old, entry)
    with closing(sqlite3.connect(old / "mlflow.db")) as database, database:
        database.execute("update experiments set artifact_location = 's3://b/sal/table4'")
        database.execute("update runs set artifact_uri = 's3://b/sal/table4/x/artifacts'")
    old.rename(new)
    store = opened(new)
    assert store.client.get_run(first).info.artifact_uri == "s3://b/sal/table4/x/artifacts"
    with store._access.store.hold_lock():
        second = store._access.store.create_run("sal/table4", "x", {})
    assert store.client.get_run(second).info.artifact_uri.startswith("s3://b/sal/table4/")


def test_a_run_whose_artifacts_are_gone_says_where_they_were_looked_for(
    run, entry: RunRecord, tmp_path
):
    old = tmp_path / "old"
    first = run(old, entry)
    shutil.rmtree(old / "artifacts")
    with raises_code("tracking.artifact-missing") as raised:
        opened(old).load_model(first)
    assert f"{old}/artifacts/sal/table4/{first}/artifacts/model" in str(raised.value)
