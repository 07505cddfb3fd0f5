"""Files that are added to a run after it is finished: figures that explain it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.tracking.entry import RunEntry
from bench.tracking.store import Store


def add(store: Store, entry: RunEntry, paths: Sequence[Path], folder: str) -> str | None:
    """Keep copies of the files in `folder` of the artifacts of the finished run of `entry`; return
    that run's id, None where there is none.

    A file of the same name there is replaced.
    """
    for run in store.search(entry.table, entry.identity):
        if run.info.status == "FINISHED":
            for path in paths:
                store.client.log_artifact(run.info.run_id, str(path), folder)
            return run.info.run_id
    return None
