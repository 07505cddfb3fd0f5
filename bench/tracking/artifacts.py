"""Files that are added to a run after it is finished: figures that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.tracking.store import Store


def add_artifacts(store: Store, run_id: str, paths: Sequence[Path], folder: str) -> None:
    """Copy the files to `folder` of a run's artifacts; files of the same name are replaced."""
    store.require_writable()
    for path in paths:
        store.client.log_artifact(run_id, str(path), folder)
