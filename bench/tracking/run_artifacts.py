"""What a finished run kept beside its figures: its score files, and the power its GPUs drew."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

from bench.tracking.address import folder


class Opened(Protocol):
    """A tracking store that is open (`bench.tracking.store.Store`; nothing here needs the rest of
    it, nor what that imports)."""

    @property
    def client(self) -> Any:
        """MLflow's client of it."""
        ...


_PAUSE_S = 120
"""Longer between two points of a curve, and the run was not at work: it was stopped and resumed."""
_WS_PER_KWH = 3.6e6


@contextmanager
def score_file(store: Opened, run_id: str, evaluation: str) -> Generator[Path | None]:
    """Yield a run's score file of an evaluation; None where the store's artifacts lack it.

    A local store's own file, or one fetched from a server, which is removed afterwards.
    """
    with _files(store, run_id, f"scores/{evaluation}", ".parquet") as found:
        yield next(iter(found), None)


def pictures(store: Opened, run_id: str, evaluation: str) -> dict[str, bytes]:
    """Return the PNGs that a run keeps of an evaluation, by name."""
    with _files(store, run_id, f"figures/{evaluation}", ".png") as found:
        return {path.name: path.read_bytes() for path in found}


@contextmanager
def _files(store: Opened, run_id: str, below: str, suffix: str) -> Generator[list[Path]]:
    """Yield a run's files of a kind, by name."""
    client = store.client
    paths = sorted(
        of.path for of in client.list_artifacts(run_id, below) if of.path.endswith(suffix)
    )
    own = folder(client.get_run(run_id).info.artifact_uri) if paths else None
    if own is not None and own.is_dir():
        yield [own / path for path in paths]
        return
    with tempfile.TemporaryDirectory() as place:
        yield [Path(client.download_artifacts(run_id, path, place)) for path in paths]


def energy_kwh(store: Opened, run_id: str, curves: Sequence[str]) -> float:
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
