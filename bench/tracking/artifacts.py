"""Files that are added to a run after it is finished: figures that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.tracking.store import Store


def add_artifacts(store: Store, run_id: str, paths: Sequence[Path], folder: str) -> None:
    """Keep copies of the files in `folder` of a run's artifacts; those of the same name there are
    replaced.
    """
    store.require_writable()
    for path in paths:
        store.client.log_artifact(run_id, str(path), folder)
