"""One MLflow store, a SQLite file of this machine or a server: look up, and begin runs."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.config import Config
from bench.tracking.client import connect, database, is_local, now_ms

_DEFAULT = "0"
"""The experiment that MLflow makes with each store; it would stand empty among the tables."""
_ANSWER_S = 5.0
"""How long a server may take to accept a connection."""


class Ledger:
    """An MLflow store, opened (and made where it is new)."""

    def __init__(self, uri: str, lock_file: Path, artifacts: Path | None) -> None:
        """Open the store at `uri`. Processes that open a new one at once wait for each other.

        `artifacts` is where a local store keeps them; a server knows its own place. Raise
        BenchError where MLflow cannot open it.
        """
        self.uri = uri
        self._lock_file, self._artifacts = lock_file, artifacts
        lock_file.parent.mkdir(parents=True, exist_ok=True)
        with self.lock():
            new = self.is_local and not database(uri).is_file()
            self.client: Any = connect(uri)
            if new:
                self.client.delete_experiment(_DEFAULT)

    @property
    def is_local(self) -> bool:
        """Whether it is a file of this machine."""
        return is_local(self.uri)

    def answers(self) -> bool:
        """Return whether the store is a file, or its server takes connections."""
        if self.is_local:
            return True
        place = urlsplit(self.uri)
        port = place.port or (443 if place.scheme == "https" else 80)
        try:
            socket.create_connection((place.hostname or "", port), timeout=_ANSWER_S).close()
        except OSError:
            return False
        return True

    @contextmanager
    def lock(self) -> Generator[None]:
        """Hold the store's lock file: MLflow's first set-up and look-then-create cannot race."""
        with self._lock_file.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def search(self, table: str, tags: Mapping[str, str]) -> list[Any]:
        """Return MLflow's runs in the experiment `table` that have all the tags, the one that began
        last first.
        """
        experiment = self.client.get_experiment_by_name(table)
        if experiment is None:
            return []
        wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        return self.runs(experiment.experiment_id, wanted)

    def runs(self, experiment_id: str, wanted: str = "") -> list[Any]:
        """Return an experiment's runs that MLflow's filter admits, the one begun last first."""
        found: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs(
                [experiment_id],
                wanted,
                order_by=["attributes.start_time DESC"],
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                return found

    def new(
        self, table: str, name: str, tags: Mapping[str, str], begun_ms: int | None = None
    ) -> str:
        """Begin a run in the experiment `table`, made where it is new; return its id."""
        run = self.client.create_run(
            self.experiment(table), start_time=begun_ms or now_ms(), run_name=name, tags=tags
        )
        return run.info.run_id

    def experiment(self, name: str) -> str:
        """Return the id of an experiment, made where it is new."""
        experiment = self.client.get_experiment_by_name(name)
        if experiment is not None:
            return experiment.experiment_id
        place = (self._artifacts / name).as_uri() if self._artifacts else None
        return self.client.create_experiment(name, artifact_location=place)


def configured(config: Config) -> Ledger:
    """Return the store that the configuration names."""
    uri = config.tracking_uri
    if not is_local(uri):
        return Ledger(uri, config.work / "tracking.lock", None)
    return Ledger(uri, Path(f"{database(uri)}.lock"), config.artifacts)


def outbox_file(config: Config) -> Path:
    """Return the database of records that a server has not got yet."""
    return (config.work / "outbox.db").absolute()


def outbox(config: Config) -> Ledger:
    """Return the store that takes records while the configured server does not answer."""
    file = outbox_file(config)
    return Ledger(f"sqlite:///{file}", Path(f"{file}.lock"), file.with_suffix(""))
