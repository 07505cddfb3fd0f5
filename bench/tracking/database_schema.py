"""Whether a store's database has the tables of the installed MLflow.

MLflow itself migrates a database of an older version as soon as it opens it, wherever a table is
missing. A migration may take long and cannot be undone, so it is never done here: who keeps the
store makes a copy first and then migrates it on purpose.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.errors import BenchError
from bench.tracking.address import Address


def require_current_schema(to: Address, copy_of: Address | None = None) -> None:
    """Raise BenchError where a database is of another version than the installed MLflow's.

    An empty one is none of another version: MLflow makes its tables. The message names `copy_of`
    where the database is a copy of it.
    """
    store = copy_of or to
    revision, tables = _read_revision(to)
    if revision is None or revision == _script_revisions()[0]:
        return
    wanted = f"MLflow {version('mlflow')}"
    if "experiments" not in tables:  # Optuna notes its version in a table of the same name
        raise BenchError(
            "tracking.not-a-store",
            f"the tracking store {store.shown} is another program's database (it has the table "
            f"{min(tables)!r}): name another database",
        )
    if revision not in _script_revisions():
        raise BenchError(
            "tracking.schema-newer",
            f"the tracking store {store.shown} is of a newer MLflow than {wanted}, which is "
            f"installed here (its schema {revision} is not known): install the version that the "
            "store is used with",
        )
    copy = f"copy {store.file}" if store.file else "make a backup (pg_dump)"
    raise BenchError(
        "tracking.schema-older",
        f"the tracking store {store.shown} is of an older MLflow than {wanted}, which is installed "
        f"here (its schema is {revision}). Nothing was changed. Stop what writes to it, {copy}, "
        f"then give `mlflow db upgrade '{store.shown}'`",
    )


def _read_revision(to: Address) -> tuple[str | None, set[str]]:
    """Return the revision that a database says it has, None where it says none, and its tables."""
    import sqlalchemy
    from alembic.runtime.migration import MigrationContext
    from sqlalchemy.pool import NullPool

    with sqlalchemy.create_engine(to.uri, poolclass=NullPool).connect() as connection:
        revision = MigrationContext.configure(connection).get_current_revision()
        return revision, {*sqlalchemy.inspect(connection).get_table_names()}


@cache
def _script_revisions() -> tuple[str, ...]:
    """Return the revisions that the installed MLflow knows, its own first."""
    from alembic.script import ScriptDirectory

    package = find_spec("mlflow")
    assert package is not None
    assert package.origin is not None
    scripts = ScriptDirectory(str(Path(package.origin).with_name("store") / "db_migrations"))
    return tuple(script.revision for script in scripts.walk_revisions())
