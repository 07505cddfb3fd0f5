"""A store of another version of MLflow is named, never migrated in passing."""

from __future__ import annotations

import shlex
import sqlite3
from contextlib import closing

import pytest
from click.testing import CliRunner
from mlflow.db import commands

from bench.config import Config
from bench.tracking import mlflow_store, sqlite_store
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.services.older_stores import count_tables, read_revision, sqlite_uri, write_older_store


@pytest.mark.rows
@pytest.mark.parametrize("steps", [1, 25])  # after 25, tables are missing: MLflow would migrate
def test_an_older_store_is_left_as_it_is_until_its_keeper_migrates_it(tmp_path, steps):
    file = tmp_path / "mlflow.db"
    revision = write_older_store(sqlite_uri(file), steps)
    before = file.read_bytes()
    with raises_code("tracking.schema-older", str(file), revision) as raised:
        Store(Config(work=tmp_path))
    assert file.read_bytes() == before
    words = shlex.split(str(raised.value).split("`")[1])
    assert words[:3] == ["mlflow", "db", "upgrade"]
    done = CliRunner().invoke(commands, words[2:])
    assert done.exit_code == 0, done.output
    assert Store(Config(work=tmp_path)).client.get_experiment_by_name("kept") is not None


@pytest.mark.rows
def test_an_older_store_that_cannot_be_written_is_named_itself(tmp_path, monkeypatch):
    file = tmp_path / "mlflow.db"
    write_older_store(sqlite_uri(file), 1)
    monkeypatch.setattr(sqlite_store, "write_refusal", lambda *given: "no permission")
    with raises_code("tracking.schema-older", str(file)):
        mlflow_store.open_configured(Config(work=tmp_path))


def test_a_newer_store_is_no_older_one(config: Config):
    file = config.work / "mlflow.db"
    tables = count_tables(sqlite_uri(file))
    with closing(sqlite3.connect(file)) as database, database:
        database.execute("update alembic_version set version_num = 'ffffffffffff'")
    with raises_code("tracking.schema-newer", str(file), "ffffffffffff"):
        Store(config)
    assert read_revision(sqlite_uri(file)) == "ffffffffffff"
    assert count_tables(sqlite_uri(file)) == tables
