"""What a store or a study says of a PostgreSQL database that is not as it should be."""

from __future__ import annotations

import pytest

from bench.config import Config
from bench.sweeps import storage
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.services.older_stores import count_tables, read_revision, write_older_store
from tests.services.postgresql import PostgreSQL, run_postgresql
from tests.tracked_frames import table_frame


@pytest.fixture(scope="module")
def postgresql():
    with run_postgresql() as server:
        yield server


def test_an_older_database_is_not_migrated(postgresql: PostgreSQL, tmp_path):
    address = postgresql.create_database("older")
    revision = write_older_store(address, 25)
    tables = count_tables(address)
    store = Store(Config(work=tmp_path, tracking=address))
    with raises_code("tracking.schema-older", revision, "pg_dump"):
        store.require_open()
    with raises_code("tracking.schema-older"):
        table_frame(store, "sal/table4", "paper")
    assert (read_revision(address), count_tables(address)) == (revision, tables)


@pytest.mark.rows
def test_a_store_and_a_study_each_have_a_database_of_their_own(postgresql: PostgreSQL, tmp_path):
    """Both note their version in the table alembic_version."""
    first, second = postgresql.create_database("store"), postgresql.create_database("study")
    Store(Config(work=tmp_path, tracking=first)).require_open()
    storage.open_storage(second, "made", tmp_path, print)
    with raises_code("sweep.storage-failed", "one of its own"):
        storage.open_storage(first, "made", tmp_path, print)
    with raises_code("tracking.not-a-store", "another program's"):
        Store(Config(work=tmp_path, tracking=second)).require_open()
    storage.open_storage(second, "made", tmp_path, print)
    Store(Config(work=tmp_path, tracking=first)).require_open()


def test_a_study_of_another_optuna_is_refused(postgresql: PostgreSQL, tmp_path):
    import psycopg

    address = postgresql.create_database("old_study")
    storage.open_storage(address, "made", tmp_path, print)
    for revision, remedy in (("v2.6.0.a", "optuna storage upgrade"), ("v99", "updating optuna")):
        with psycopg.connect(address) as connection:
            connection.execute("update alembic_version set version_num = %s", [revision])
        with raises_code("sweep.storage-version", remedy):
            storage.open_storage(address, "made", tmp_path, print)
        assert read_revision(address) == revision
