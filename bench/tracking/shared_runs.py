"""What runs of other work folders keep in a store, to be found and fetched."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.tracking.run_files import list_artifact_files

if TYPE_CHECKING:  # whoever looks for a tag alone needs no store
    from bench.tracking.mlflow_store import MlflowStore

TRAINED_IN = "trained_in"
"""Tag of a run: the folder of its training below the work folder. Its name says what was trained,
on which data, from what and with which seed (`bench.training.row.training_path`)."""
TAKEN_FROM = "taken_from"
"""Tag of a run whose weights another one trained: that one's id."""


def runs_trained_in(to: MlflowStore, folder: str) -> list[Any]:
    """Return the finished runs of all tables that were trained in `folder`, newest first."""
    wanted = f"tags.{TRAINED_IN} = '{folder}' and attributes.status = 'FINISHED'"
    return to.list_all_runs(wanted)


def fetch_artifact(to: MlflowStore, run_id: str, path: str, folder: Path) -> Path:
    """Copy a file or folder of a run's artifacts; return the copy. BenchError if there is none."""
    parent = path.rpartition("/")[0] or None
    paths = {file.path for file in to.client.list_artifacts(run_id, parent)}
    if path not in paths:
        raise BenchError("tracking.artifact-missing", f"run {run_id[:8]} keeps no {path}")
    return Path(to.client.download_artifacts(run_id, path, str(folder)))


def artifact_names(to: MlflowStore, run_id: str, below: str) -> list[str]:
    """Return the paths of the files that a run keeps in a folder of its artifacts."""
    return [path for path, _ in list_artifact_files(to.client, run_id, below)]
