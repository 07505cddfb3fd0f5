"""The configured tracking store, and the outbox that takes its records while it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TypeVar

from bench.config import Config
from bench.errors import BenchError
from bench.tracking import mlflow_store, run_lifecycle, scored_runs, sync
from bench.tracking.client import is_of_store
from bench.tracking.mlflow_store import Away, MlflowStore
from bench.tracking.run_lifecycle import OpenRun
from bench.tracking.run_record import RunRecord

T = TypeVar("T")


class StoreWithOutbox:
    """Works in the configured store or, while that does not answer, in the outbox."""

    def __init__(self, config: Config, say: Callable[[str], None]) -> None:
        """Open `config.tracking_uri`; `say` gets a line where records go to the outbox.

        Raise BenchError where MLflow cannot open the store.
        """
        self._config, self._say = config, say
        self._is_reported = False
        self.store = mlflow_store.open_configured(config)

    @cached_property
    def outbox(self) -> MlflowStore:
        """The store of records that the configured one has not got yet; made where it is new."""
        return mlflow_store.open_outbox(self._config)

    @property
    def has_outbox(self) -> bool:
        """Whether there is an outbox, with runs or without."""
        return mlflow_store.outbox_file(self._config).is_file()

    def run_anywhere(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store, or, where that does not answer, in the outbox."""
        try:
            return self._run_in_store(work)
        except Away as away:
            self.report_away(away)
        return work(self.outbox)

    def run_in_store(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store itself; BenchError where it does not answer."""
        try:
            return self._run_in_store(work)
        except Away as away:
            raise BenchError("tracking.no-answer", self.describe_no_answer(away)) from away

    def _run_in_store(self, work: Callable[[MlflowStore], T]) -> T:
        if not self.store.is_reachable():
            raise Away("it takes no connection")
        try:
            return self.store.reach(work)
        except Exception as error:
            if is_of_store(error):  # any other is a fault of this suite
                reason = self.store.describe_error(error)
                text = f"the tracking store {self.store.address.shown}: {reason}"
                raise BenchError("tracking.store-failed", text) from error
            raise

    def describe_no_answer(self, error: Exception) -> str:
        """Return in a line that the store's server does not answer, and why."""
        reason = self.store.describe_error(error)
        return f"the tracking server {self.store.address.shown} does not answer: {reason}"

    def report_away(self, error: Exception) -> None:
        """Say once that records go to the outbox, and why."""
        if not self._is_reported:
            self._is_reported = True
            text, file = self.describe_no_answer(error), mlflow_store.outbox_file(self._config)
            self._say(f"{text}; records go to {file}, `bench sync` sends them on")

    def begin_run(self, entry: RunRecord) -> OpenRun:
        """Return the run of `entry`, open.

        What the outbox has of it is sent to the store first, so that the run goes on in one place.
        """

        def begin(to: MlflowStore) -> OpenRun:
            if to is self.store and self.has_outbox:
                self.send_to(to, entry.identity)
            return run_lifecycle.begin_run(to, entry)

        return self.run_anywhere(begin)

    def send_to(
        self, to: MlflowStore, identity: Mapping[str, str] | None = None, *, elsewhere: bool = False
    ) -> list[sync.Sent]:
        """Send the outbox's runs, or those of one identity, to a store; see `sync.send_runs`."""
        self.outbox.require_writable()
        systems = scored_runs.list_systems(self.outbox) if identity is None else []
        sent = [*sync.send_runs(self.outbox, to, identity, elsewhere=elsewhere)]
        for tags in systems:
            scored_runs.refresh_system(to, tags)
        return sent
