"""Databases of stores as older versions of MLflow made them."""

from __future__ import annotations

import warnings
from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.script import ScriptDirectory
from mlflow.store.db.utils import _get_alembic_config
from mlflow.store.tracking.dbmodels.initial_models import Base as InitialBase


def write_older_store(uri: str, steps: int) -> str:
    """Make the tables of a store, `steps` migrations before the installed MLflow's; return which.

    It holds one experiment, named `kept`.
    """
    config = _get_alembic_config(uri)
    revisions = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    InitialBase.metadata.create_all(engine)
    with engine.begin() as connection, warnings.catch_warnings():
        # MLflow's own use of SQLAlchemy 2.1.
        warnings.filterwarnings("ignore", message=".*``noload`` loader strategy")
        config.attributes["connection"] = connection
        command.upgrade(config, revisions[steps])
        connection.execute(
            sqlalchemy.text(
                "insert into experiments (experiment_id, name, artifact_location, lifecycle_stage) "
                "values (1, 'kept', '/nowhere', 'active')"
            )
        )
    return revisions[steps]


def read_revision(uri: str) -> str:
    """Return the migration that a database says it is at."""
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        query = sqlalchemy.text("select version_num from alembic_version")
        return str(connection.execute(query).scalar_one())


def count_tables(uri: str) -> int:
    """Return how many tables a database has."""
    engine = sqlalchemy.create_engine(uri, poolclass=sqlalchemy.NullPool)
    return len(sqlalchemy.inspect(engine).get_table_names())


def sqlite_uri(file: Path) -> str:
    """Return the address of a SQLite file."""
    return f"sqlite:///{file}"
