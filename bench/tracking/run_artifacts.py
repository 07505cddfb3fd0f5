"""What a finished run kept beside its figures: its score files, and the power its GPUs drew."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bench.config import Form
from bench.tracking.address import local_folder

if TYPE_CHECKING:
    from bench.tracking.scored_record import ScoredRecord
    from bench.tracking.stored_runs import StoredRun


class OpenStore(Protocol):
    """What reports ask of a tracking store (`bench.tracking.store.Store`), without its types."""

    @property
    def client(self) -> Any:
        """MLflow's client of it."""
        ...

    def artifact_uri(self, run_id: str) -> str:
        """Return where a run keeps its files."""
        ...

    def stored_runs(self, table_key: str, form: Form) -> list[StoredRun]:
        """Return the runs of a table."""
        ...

    def scored_records(self, table_key: str, form: Form) -> list[ScoredRecord]:
        """Return the scored files beside a table."""
        ...


PICTURES = "figures"
"""The folder of a run's artifacts that holds a folder with pictures for each evaluation."""
GIVEN = "given"
"""The folder of a run's artifacts that holds the score file as it was given."""
_PAUSE_S = 120
"""Longer between two points of a curve, and the run was not at work: it was stopped and resumed."""
_WS_PER_KWH = 3.6e6


@contextmanager
def open_score_file(store: OpenStore, run_id: str, evaluation: str) -> Generator[Path | None]:
    """Yield a run's score file of an evaluation; None where the store's artifacts lack it.

    A local store's own file, or one fetched from a server, which is removed afterwards.
    """
    with _open_files(store, run_id, f"scores/{evaluation}", ".parquet") as paths:
        yield next(iter(paths), None)


@contextmanager
def open_given_files(store: OpenStore, run_id: str) -> Generator[list[Path]]:
    """Yield the score file of another system as it was given; none where the store lacks it."""
    with _open_files(store, run_id, GIVEN, "") as paths:
        yield paths


def read_pictures(store: OpenStore, run_id: str, evaluation: str) -> dict[str, bytes]:
    """Return the PNGs that a run keeps of an evaluation, by name."""
    with _open_files(store, run_id, f"{PICTURES}/{evaluation}", ".png") as paths:
        return {path.name: path.read_bytes() for path in paths}


@contextmanager
def _open_files(store: OpenStore, run_id: str, below: str, suffix: str) -> Generator[list[Path]]:
    """Yield a run's files of a kind, by name."""
    local = local_folder(store.artifact_uri(run_id))
    if local is not None and local.is_dir():  # MLflow would look the run up three times more
        paths = sorted((local / below).glob(f"*{suffix}"))
        yield paths
        return
    client = store.client
    paths = sorted(
        file.path for file in client.list_artifacts(run_id, below) if file.path.endswith(suffix)
    )
    with tempfile.TemporaryDirectory() as temporary:
        yield [Path(client.download_artifacts(run_id, path, temporary)) for path in paths]


def energy_kwh(store: OpenStore, run_id: str, curves: Sequence[str]) -> float:
    """Return what the GPUs whose power the named curves are took, in kilowatt hours.

    Between two points the power is taken to be their mean; time in which the run stood still is
    left out.
    """
    joules = 0.0
    for name in curves:
        points = sorted(
            (point.timestamp / 1000, point.value)
            for point in store.client.get_metric_history(run_id, name)
        )
        joules += sum(
            (end - begin) * (first + last) / 2
            for (begin, first), (end, last) in pairwise(points)
            if end - begin <= _PAUSE_S
        )
    return joules / _WS_PER_KWH
