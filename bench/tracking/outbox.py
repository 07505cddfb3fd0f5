"""The configured tracking store, and the outboxes that take its records.

There is one for records that a server did not take. Units of a submission, and machines other than
the one that writes a store's SQLite file, have outboxes of their own (`unit_outboxes`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from bench.config import Config
from bench.errors import BenchError
from bench.jobs import holders
from bench.tracking import address, mlflow_store, run_lifecycle, scored_runs, sync, unit_outboxes
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
        is_file = address.configured_address(config).file is not None
        file = unit_outboxes.unit_outbox(config) if is_file else None
        refusal = "a unit of a submission records to its own outbox" if file else ""
        self.store = mlflow_store.open_configured(config, refusal)
        self.own: MlflowStore | None = None
        """The outbox that this process records to instead of the store."""
        if file is not None:
            self.own = mlflow_store.open_outbox_file(file, config)

    @cached_property
    def outbox(self) -> MlflowStore:
        """The store of records that the configured one has not got yet; made where it is new."""
        return mlflow_store.open_outbox(self._config)

    @property
    def has_outbox(self) -> bool:
        """Whether there is an outbox, with runs or without."""
        return mlflow_store.outbox_file(self._config).is_file()

    def run_anywhere(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store, or, where that does not answer, in the outbox.

        A unit of a submission works in its own outbox.
        """
        if self.own is not None:
            return work(self.own)
        try:
            return self._run_in_store(work)
        except Away as away:
            self.report_away(away)
        return work(self.outbox)

    def write_anywhere(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does where this process records.

        Where another machine writes the store's file, that is from now on an outbox of this one.
        """
        if self.own is None and self.store.other_host:
            file = unit_outboxes.host_outbox(self._config)
            self.own = mlflow_store.open_outbox_file(file, self._config)
            self._say(
                f"the tracking store {self.store.address.shown} is written by "
                f"{self.store.other_host}; records go to {file}, `bench sync` sends them on"
            )
        return self.run_anywhere(work)

    def gather_runs(
        self, list_runs: Callable[[MlflowStore], list[Any]], tag: tuple[str, str] | None = None
    ) -> list[Any]:
        """Return the runs that `list_runs` gives of the store and of the own outbox, newest first.

        With a `tag` (its name and value), outboxes of others that have it are looked through as
        well.
        """
        runs = self._read_anywhere(list_runs)
        if self.own is not None:
            runs += list_runs(self.own)
        for file in unit_outboxes.list_outboxes(self._config) if tag else ():
            if self._is_own(file) or not unit_outboxes.has_tag(file, *(tag or ())):
                continue
            outbox = self._open_to_read(file)
            runs += list_runs(outbox) if outbox else []
        return sorted(runs, key=lambda run: -run.info.start_time)

    def run_by_id(self, run_id: str, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store or outbox that has the run of that id."""
        for outbox in filter(None, (self.own, *self._read_outboxes.values())):
            if outbox.has_run(run_id):
                return work(outbox)
        return self._read_anywhere(work)

    def _read_anywhere(self, work: Callable[[MlflowStore], T]) -> T:
        """Return what `work` does in the store, also where this process records elsewhere."""
        return self.run_anywhere(work) if self.own is None else self.run_in_store(work)

    @cached_property
    def _read_outboxes(self) -> dict[Path, MlflowStore | None]:
        """Outboxes of others that were opened from a copy; None where one could not be read."""
        return {}

    def _open_to_read(self, file: Path) -> MlflowStore | None:
        if file not in self._read_outboxes:
            refusal = "it is another unit's outbox"
            try:
                outbox = mlflow_store.open_outbox_file(file, self._config, refusal)
            except BenchError:  # it is being written, or was sent meanwhile
                outbox = None
            self._read_outboxes[file] = outbox
        return self._read_outboxes[file]

    def _is_own(self, file: Path) -> bool:
        return self.own is not None and self.own.address.file == file

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

        return self.write_anywhere(begin)

    def send_outboxes(self, to: MlflowStore, *, elsewhere: bool = False) -> list[sync.Sent]:
        """Send what units and other machines recorded; an outbox that is sent whole is removed.

        One that a living process of another machine writes is left.
        """
        sent: list[sync.Sent] = []
        for file in unit_outboxes.list_outboxes(self._config):
            # The last job of a submission comes here right after the others were killed.
            holders.wait_while_ending(mlflow_store.host_lease_path(file))
            outbox = mlflow_store.open_outbox_file(file, self._config)
            try:
                outbox.require_writable()
            except BenchError as error:
                sent.append(sync.Sent(f"outbox {file}", f"still running: {error}"))
                continue
            sent += sync.send_runs(outbox, to, elsewhere=elsewhere)
            if not sync.waiting_runs(outbox):
                unit_outboxes.remove_outbox(file)
        return sent

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
