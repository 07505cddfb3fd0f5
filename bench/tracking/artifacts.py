"""Files that are added to a run after it is finished: figures that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.tracking.entry import RunEntry
from bench.tracking.store import Store


def finished(store: Store, entry: RunEntry) -> str | None:
    """Return the id of the finished run of `entry`, None where there is none."""
    for run in store.search(entry.table, entry.identity):
        if run.info.status == "FINISHED":
            return run.info.run_id
    return None


def add(store: Store, run_id: str, paths: Sequence[Path], folder: str) -> None:
    """Keep copies of the files in `folder` of a run's artifacts; those of the same name there are
    replaced.
    """
    store.require_writable()
    for path in paths:
        store.client.log_artifact(run_id, str(path), folder)
