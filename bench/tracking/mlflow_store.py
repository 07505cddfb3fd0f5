"""One MLflow store, a SQLite file of this machine or a server: look up, and begin runs."""

from __future__ import annotations

import getpass
import os
import socket
import weakref
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from bench._io import atomic_files, file_locks
from bench.config import Config
from bench.errors import BenchError, Busy
from bench.jobs import host_leases
from bench.jobs.leases import Lease
from bench.tracking import address, database_schema, sqlite_store
from bench.tracking.address import Address
from bench.tracking.client import first_line, is_unreachable, now_ms, open_client

T = TypeVar("T")

_ANSWER_S = 5.0
"""How long a server may take to accept a connection."""

USER = "mlflow.user"
"""Tag of a run: who made it, which MLflow's pages show under "Created by"."""
MEANT_FOR = "meant_for"
"""Tag of the outbox's run: the store that it was recorded for."""


class Away(Exception):
    """The store's server does not answer, and why."""


class MlflowStore:
    """An MLflow store, opened (and made where it is new)."""

    def __init__(
        self,
        at: Address,
        lock_file: Path,
        artifacts: Path | None,
        meant_for: str = "",
        refusal: str = "",
    ) -> None:
        """Open the store. Processes that open a new one at once wait for each other.

        `artifacts` is where a store keeps those of new runs; a server knows its own place. An
        outbox's runs say which store they are `meant_for`, by its address without a password. A
        local store that cannot be written is read from a copy, and so is one that another machine
        writes, or that this process must not write, for the reason `refusal`. Raise BenchError
        where MLflow cannot open it.
        """
        self.address, self.artifacts = at, artifacts
        self._lock_file, self._meant_for = lock_file, meant_for
        self._refusal = refusal
        """Why it cannot be written."""
        self.other_host = ""
        """Who of another machine writes it."""
        self._lease: Lease | None = None
        if self.is_local:
            _ = self.client

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return self.address.file is not None

    @cached_property
    def client(self) -> Any:
        """MLflow's client of it."""
        if self.address.file is None or self.artifacts is None:
            return open_client(self.address)
        self.other_host = host_leases.describe_other_host(host_lease_path(self.address.file))
        self._refusal = (
            self._refusal
            or sqlite_store.write_refusal(self.address.file, self._lock_file)
            or (self.other_host and f"{self.other_host}, and SQLite is for one machine")
        )
        if self._refusal:
            return open_client(self._copy_address(self.address.file, self.artifacts))
        with file_locks.hold_file(self._lock_file):
            sqlite_store.make_store(self.address.file)
            database_schema.require_current_schema(self.address)
            sqlite_store.relocate_artifacts(self.address.file, self.artifacts)
            return open_client(self.address)

    def describe_error(self, error: Exception) -> str:
        """Return what an error of the store says, in one line and without a password."""
        return self.address.hide_secrets(first_line(error))

    def reach(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store; raise Away where its server does not do it."""
        try:
            return work(self)
        except Exception as error:
            if not self.is_local and is_unreachable(error):  # any other is a fault
                raise Away(self.describe_error(error)) from error
            raise

    def _copy_address(self, file: Path, artifacts: Path) -> Address:
        """Return the address of a copy, which is gone when this process is."""
        stack = ExitStack()
        weakref.finalize(self, stack.close)
        copy = stack.enter_context(atomic_files.scratch_folder()) / file.name
        if file.exists():
            sqlite_store.copy_store(file, copy)
        sqlite_store.make_store(copy)
        copied = address.file_address(copy)
        database_schema.require_current_schema(copied, self.address)
        sqlite_store.relocate_artifacts(copy, artifacts)
        return copied

    def is_reachable(self) -> bool:
        """Return whether the store is a file, or its server takes connections."""
        if self.address.endpoint is None:
            return True
        try:
            socket.create_connection(self.address.endpoint, timeout=_ANSWER_S).close()
        except OSError:
            return False
        return True

    def require_writable(self) -> None:
        """Raise BenchError where the store, or the lock of a server's, cannot be written."""
        lock_file = self._lock_file
        why = self._refusal if self.is_local else sqlite_store.write_refusal(lock_file, lock_file)
        if why:
            raise BenchError(
                "tracking.not-writable",
                f"the tracking store {self.address.shown} cannot be written ({why}): have its "
                "owner give you permission, or name a work folder of your own (BENCH_WORK) or "
                "another store (MLFLOW_TRACKING_URI)",
            )

        if self.address.file is not None and self._lease is None:
            self._lease = self._join_host(host_lease_path(self.address.file))

    def _join_host(self, path: Path) -> Lease:
        """Keep other machines from writing the store as long as this object lives."""
        host_leases.remove_dead(path)
        try:
            lease = host_leases.join_host(path)
        except Busy as error:
            raise BenchError(
                "tracking.other-host",
                f"the tracking store {self.address.shown} is written by {error}; SQLite is for "
                "one machine: give the command again (it records to an outbox then), or name a "
                "server (MLFLOW_TRACKING_URI)",
            ) from error
        weakref.finalize(self, lease.give_back)
        return lease

    @contextmanager
    def hold_lock(self) -> Generator[None]:
        """Hold the store's lock file, to look up and then create; raise as `require_writable`."""
        self.require_writable()
        with file_locks.hold_file(self._lock_file):
            yield

    def find_experiment(self, name: str) -> Any:
        """Return MLflow's experiment of that name; None where there is none.

        Raise BenchError where it was deleted: its runs must not be taken for missing.
        """
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None and experiment.lifecycle_stage == "deleted":
            store, number = self.address.shown, experiment.experiment_id
            raise BenchError(
                "tracking.experiment-deleted",
                f"{name}: its experiment (number {number}) was deleted in the tracking store. "
                f"`MLFLOW_TRACKING_URI='{store}' mlflow experiments restore --experiment-id "
                f"{number}` brings its runs back; `mlflow gc --backend-store-uri '{store}' "
                f"--experiment-ids {number}` removes them for good, to begin anew",
            )
        return experiment

    def has_run(self, run_id: str) -> bool:
        """Return whether the store, a local one, has the run of that id."""
        from mlflow.exceptions import MlflowException

        try:
            self.client.get_run(run_id)
        except MlflowException:
            return False
        return True

    def search_table(self, table: str, tags: Mapping[str, str]) -> list[Any]:
        """Return the MLflow runs of the experiment `table` with all these tags, newest first."""
        return self.search_tables([table], tags)

    def search_tables(self, tables: Iterable[str], tags: Mapping[str, str]) -> list[Any]:
        """Return what `search_table` does, of several tables and asked at once."""
        experiments = filter(None, map(self.find_experiment, tables))
        ids = [experiment.experiment_id for experiment in experiments]
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        return self.list_runs(ids, wanted) if ids else []

    def list_runs(self, experiment_ids: Sequence[str], wanted: str = "") -> list[Any]:
        """Return experiments' runs that MLflow's filter admits, the one begun last first."""
        runs: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(
                [*experiment_ids], wanted, order_by=["attributes.start_time DESC"], page_token=token
            )
            runs += page
            token = page.token
            if not token:
                return runs

    def list_all_runs(self, wanted: str = "") -> list[Any]:
        """Return what `list_runs` does, of all experiments."""
        experiments = [each.experiment_id for each in self.client.search_experiments()]
        return self.list_runs(experiments, wanted) if experiments else []

    def create_run(
        self, table: str, name: str, tags: Mapping[str, str], begun_ms: int | None = None
    ) -> str:
        """Begin a run in the experiment `table`; return its id. To be called under the lock."""
        experiment_id = self.ensure_experiment(table)
        if self.address.file is not None and self.artifacts is not None:
            sqlite_store.direct_artifacts(self.address.file, experiment_id, self.artifacts / table)
        more = {USER: user_name()} | ({MEANT_FOR: self._meant_for} if self._meant_for else {})
        run = self.client.create_run(
            experiment_id, start_time=begun_ms or now_ms(), run_name=name, tags={**more, **tags}
        )
        return run.info.run_id

    def ensure_experiment(self, name: str) -> str:
        """Return the id of an experiment, made where it is new.

        Another machine may make it at the same moment.
        """
        from mlflow.exceptions import MlflowException

        experiment = self.find_experiment(name)
        if experiment is None:
            location = (self.artifacts / name).as_uri() if self.artifacts else None
            try:
                return self.client.create_experiment(name, artifact_location=location)
            except MlflowException as error:
                experiment = self.find_experiment(name)
                if error.error_code != "RESOURCE_ALREADY_EXISTS" or experiment is None:
                    raise
        return experiment.experiment_id


def user_name() -> str:
    """Return the user's name; where the system knows none, as in a container, the number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        number = getattr(os, "getuid", None)  # Windows has none
        return f"user {number()}" if number else "unknown"


def open_configured(config: Config, refusal: str = "") -> MlflowStore:
    """Return the store that the configuration names; for `refusal` see `MlflowStore`."""
    at = address.configured_address(config)
    if at.file is not None:
        lock_file = at.file.with_name(f"{at.file.name}.lock")
        return MlflowStore(at, lock_file, config.artifact_root, refusal=refusal)
    return MlflowStore(
        at, config.work / "tracking.lock", config.artifact_root if at.is_database else None
    )


def host_lease_path(file: Path) -> Path:
    """Return the lease that processes of one machine share that write a store's file."""
    return file.with_name(f"{file.name}.lease")


def outbox_file(config: Config) -> Path:
    """Return the database of records that a server has not got yet."""
    return (config.work / "outbox.db").absolute()


def open_outbox(config: Config) -> MlflowStore:
    """Return the store that takes records while the configured server does not answer."""
    return open_outbox_file(outbox_file(config), config)


def open_outbox_file(file: Path, config: Config, refusal: str = "") -> MlflowStore:
    """Return the store of records that is in `file`; for `refusal` see `MlflowStore`."""
    lock_file = file.with_name(f"{file.name}.lock")
    meant_for = address.configured_address(config).shown
    artifacts = file.with_suffix("")
    return MlflowStore(address.file_address(file), lock_file, artifacts, meant_for, refusal)
