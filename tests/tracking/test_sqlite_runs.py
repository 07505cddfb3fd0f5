"""Runs read with SQLite alone are those that MLflow's client gives."""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bench.tracking import sqlite_runs
from bench.tracking.file_store import FileStore
from bench.tracking.open_store import StoreReader
from bench.tracking.store import Store
from bench.tracking.stored_runs import read_stored_runs
from bench.tracking.table_runs import runs_by_table, table_runs
from tests.errors import raises_code
from tests.tracking.outbox import run_row


def content(runs):
    return [
        (
            *(run.info.run_id, run.info.run_name, run.info.status),
            *(run.info.start_time, run.info.end_time),
            *(dict(run.data.tags), dict(run.data.params)),
            {name: repr(value) for name, value in run.data.metrics.items()},
        )
        for run in runs
    ]


@pytest.mark.rows
def test_runs_are_those_of_the_client(config, store: Store, entry, tmp_path):
    file = Path(config.work, "mlflow.db")
    for seed in (1, 2):
        run_row(store, replace(entry, seed=seed), tmp_path / "a")
    with store.begin_run(replace(entry, seed=3)) as tracked:
        tracked.log_epoch({"train.loss": math.nan, "dev.eer": 0.5}, 1)
        tags = {"form": "paper", "kind": "row"}
        found = sqlite_runs.read_runs(file, ["sal/table4", "none/such"], tags)
        expected = store.search_tables(["sal/table4"], tags)
        assert found is not None
        assert content(found) == content(expected)
        assert len(found) == 3
        assert read_stored_runs(found) == read_stored_runs(expected)
    store.client.delete_run(tracked.run_id)
    assert len(sqlite_runs.read_runs(file, ["sal/table4"], tags)) == 2
    assert content(table_runs(config, "sal/table4", "smoke")) == []
    assert sqlite_runs.read_runs(file, ["sal/table4"], {"form": "'"}) == []


def test_a_store_of_another_mlflow_is_left_to_mlflow(config):
    file = Path(config.work, "mlflow.db")
    assert sqlite_runs.read_runs(file, ["sal/table4"], {}) == []
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("update alembic_version set version_num = '0'")
    assert sqlite_runs.read_runs(file, ["sal/table4"], {}) is None
    file.write_bytes(b"no database")
    assert sqlite_runs.read_runs(file, ["sal/table4"], {}) is None
    file.unlink()
    assert sqlite_runs.read_runs(file, ["sal/table4"], {}) is None
    assert not file.exists()


@pytest.mark.rows
def test_reports_read_what_the_opened_store_gives(config, store: Store, entry, scored, tmp_path):
    run_row(store, entry, tmp_path / "a")
    run_id = store.finished_id(entry)
    store.keep_scored_file(scored, {})
    reader = StoreReader(config)
    for form in ("paper", "smoke"):
        assert reader.stored_runs("sal/table4", form) == store.stored_runs("sal/table4", form)
        files = reader.scored_records("sal/table4", form)
        assert files == store.scored_records("sal/table4", form)
    assert len(reader.stored_runs("sal/table4", "paper")) == 1
    assert len(reader.scored_records("sal/table4", "paper")) == 1
    assert reader.artifact_uri(run_id) == store.artifact_uri(run_id)
    assert "_store" not in vars(reader), "it was never opened"
    moved = replace(config, work=tmp_path / "moved")
    config.work.rename(moved.work)
    there = StoreReader(moved).artifact_uri(run_id)
    assert there.startswith(moved.artifact_root.as_uri())


@pytest.mark.usefixtures("store")
def test_records_that_wait_are_sent_before_a_report_is_made(config, scored):
    FileStore(config).keep_scored_file(scored, {})
    assert len(StoreReader(config).scored_records("sal/table4", "paper")) == 1


def test_a_deleted_experiment_is_no_empty_one(config, store: Store, entry):
    with store.begin_run(entry):
        pass
    store.client.delete_experiment(store.client.get_experiment_by_name("sal/table4").experiment_id)
    for read in (
        lambda: StoreReader(config).stored_runs("sal/table4", "paper"),
        lambda: table_runs(config, "sal/table4", "paper"),
    ):
        with raises_code("tracking.experiment-deleted"):
            read()
    both = runs_by_table(config, ["sal/table4", "sal/table1"], "paper")
    assert both == {"sal/table4": [], "sal/table1": []}


@pytest.mark.slow
def test_a_table_is_shown_without_mlflow_and_sqlalchemy(config, store: Store, entry, tmp_path):
    """Importing them takes several times as long as all else."""
    run_row(store, entry, tmp_path / "a")
    plain = tmp_path / "plain"
    config.work.rename(plain)
    (tmp_path / "bench.toml").write_text(f"work = '{plain}'\n")
    code = """
import sys
sys.argv = ["bench", "show", "sal/table4"]
from bench.cli import main
try:
    main()
finally:
    print(sorted({"mlflow", "sqlalchemy", "torch", "alembic"} & {*sys.modules}))
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[-1] == "[]"
    assert "3.61" in shown.stdout
