"""What runs of other work folders keep in a store, to be found and fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.tracking.mlflow_store import Ledger
from bench.tracking.run_files import listed

TRAINED_IN = "trained_in"
"""Tag of a run: the folder of its training below the work folder. Its name says what was trained,
on which data, from what and with which seed (`bench.training.row.folder`)."""


def trained_in(to: Ledger, place: str) -> list[Any]:
    """Return the finished runs, of whatever table, whose training has the folder `place`, the one
    that began last first.
    """
    experiments = [of.experiment_id for of in to.client.search_experiments()]
    if not experiments:
        return []
    wanted = f"tags.{TRAINED_IN} = '{place}' and attributes.status = 'FINISHED'"
    order = ["attributes.start_time DESC"]
    return [*to.client.search_runs(experiments, wanted, order_by=order)]


def fetch(to: Ledger, run_id: str, path: str, folder: Path) -> Path:
    """Return a copy, in `folder`, of a file or folder that a run keeps; BenchError where it keeps
    none.
    """
    parent = path.rpartition("/")[0] or None
    kept = {of.path for of in to.client.list_artifacts(run_id, parent)}
    if path not in kept:
        raise BenchError(f"run {run_id[:8]} keeps no {path}")
    return Path(to.client.download_artifacts(run_id, path, str(folder)))


def names(to: Ledger, run_id: str, below: str) -> list[str]:
    """Return the paths of the files that a run keeps in a folder of its artifacts."""
    return [path for path, _ in listed(to.client, run_id, below)]
