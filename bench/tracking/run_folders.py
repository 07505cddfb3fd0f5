"""What a tracking store says of its runs' folders on this machine, and of which are finished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.config import Config, Form
from bench.tracking import address
from bench.tracking.run_workers import is_worker_alive
from bench.tracking.shared_runs import TRAINED_IN
from bench.tracking.table_runs import table_runs


class FolderRun(NamedTuple):
    """A run, as far as its folder is concerned."""

    name: str
    """`sal/table4: S5 · seed 666`."""
    kind: str
    """`row`, `stage` or `trial`."""
    status: str
    changed: bool
    """Whether `--set` changed its settings."""
    in_progress: bool
    """Whether a process works at it, or may: whether one of another machine lives is not known."""


def runs_by_folder(config: Config) -> Mapping[str, list[FolderRun]] | None:
    """Return the runs by the folder, below the work folder, that they were trained in.

    Return an empty mapping where there is no store yet, and None where its server does not answer
    or lacks some of the records.
    """
    if address.configured_address(config).is_new:
        return {}
    from bench.tracking.store import Store

    store = Store(config)
    if not store.is_reachable() or store.waiting_names():
        return None
    runs: dict[str, list[FolderRun]] = {}
    for run in store.search_tables(
        [experiment.name for experiment in store.client.search_experiments()], {}
    ):
        path = run.data.tags.get(TRAINED_IN, "")
        if path:
            runs.setdefault(path, []).append(_folder_run(run))
    return runs


def _folder_run(run: Any) -> FolderRun:
    tags = run.data.tags
    return FolderRun(
        name=f"{tags['table']}: {run.info.run_name}",
        kind=tags.get("kind", "row"),
        status=run.info.status,
        changed="overrides" in tags,
        in_progress=run.info.status == "RUNNING" and is_worker_alive(tags) is not False,
    )


def finished_seeds(config: Config, table: str, form: Form) -> Mapping[str, set[int]]:
    """Return the seeds that are finished, by the signature of the row.

    The data does not matter. A store that is not there yet is not made.
    """
    seeds: dict[str, set[int]] = {}
    for run in table_runs(config, table, form):
        if run.info.status == "FINISHED":
            seeds.setdefault(run.data.tags["signature"], set()).add(int(run.data.tags["seed"]))
    return seeds
