"""Begin the MLflow run of a row, or go on with the one that was begun."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from bench import versions
from bench._version import __version__
from bench.errors import BenchError, Busy
from bench.jobs import cluster_jobs, process
from bench.provenance import describe_environment, lock_digest
from bench.tracking import mlflow_views, rounded_tags
from bench.tracking.address import local_folder
from bench.tracking.client import NOTE, cut_text
from bench.tracking.mlflow_store import MlflowStore
from bench.tracking.run_files import clear_uploads
from bench.tracking.run_record import FAILURE, RunRecord, ScoredFile, describe_run
from bench.tracking.run_workers import JOB, LEASE, LOG, WORKER_TAGS, is_worker_alive, worker_tags

PARENT = "mlflow.parentRunId"
GATHERED = ("commit", "package", "lock", "environment", "device")
"""Tags of which a run has several, with commas between, where its sessions differ."""
_COMMANDS = {"trial": "bench sweep", "scored": "bench score"}


class OpenRun(NamedTuple):
    """An MLflow run that is open."""

    store: MlflowStore
    run_id: str
    before: bool
    """Whether an earlier process began it."""


def begin_run(store: MlflowStore, entry: RunRecord) -> OpenRun:
    """Return the run of `entry` in `store`, running: a new one, or the unfinished one reopened.

    Raise BenchError where it is finished already, Busy where a living process runs it.
    """
    with store.hold_lock():
        earlier = [run for run in find_alike(store, entry) if _repeat_number(run) == entry.again]
        if any(run.info.status == "FINISHED" for run in earlier):
            raise BenchError(
                "row.already-finished", f"{entry.table}: {entry.name} is finished already"
            )
        if not earlier:
            return OpenRun(store, store.create_run(entry.table, entry.name, run_tags(entry)), False)
        _refuse_if_alive(earlier[0], entry)
        _reopen_run(store.client, earlier[0], entry)
        return OpenRun(store, earlier[0].info.run_id, True)


def find_alike(store: MlflowStore, entry: RunRecord) -> list[Any]:
    """Return the runs of what `entry` asks for, made from the same contents, newest first.

    Runs that were repeated are among them. Runs that were recorded before contents were digested
    count as alike, unless the code gives other results by now.
    """
    contents = entry.identity["contents"]
    unsaid = "" if versions.describe_raised(entry.versions) else contents
    runs = store.search_table(entry.table, entry.request_tags)
    return [run for run in runs if run.data.tags.get("contents", unsaid) == contents]


def next_repeat(entry: RunRecord, runs: Sequence[Any]) -> RunRecord:
    """Return the entry of one more run of the same, given the earlier `runs`.

    Where a repeat has begun and is not finished, it is that one's entry.
    """
    begun = (_repeat_number(run) for run in runs if run.info.status != "FINISHED")
    finished = (_repeat_number(run) for run in runs if run.info.status == "FINISHED")
    number = max(begun, default=0) or max(finished, default=-1) + 1
    return replace(entry, again=number)


def changed_since(run: Any, entry: RunRecord) -> list[str]:
    """Return the names of what `entry` is made from that `run` was made from in another state.

    Code is named with both versions: `system sal (version 1 -> 2)`. Of a run that does not record
    what it was made from, only code is compared.
    """
    tagged_versions: dict[str, int] = json.loads(run.data.tags.get("versions", "{}"))
    older = versions.compare_versions(tagged_versions, entry.versions)
    before: dict[str, str] = json.loads(run.data.tags.get("made_from", "null"))
    if before is None:
        return [versions.describe_changes({part: pair}) for part, pair in older.items()]
    names = before.keys() | entry.made_from.keys() | older.keys()
    changed = sorted(
        name for name in names if name in older or before.get(name) != entry.made_from.get(name)
    )
    return [
        versions.describe_changes({part: older[part]}) if part in older else part
        for part in changed
    ]


def _repeat_number(run: Any) -> int:
    return int(run.data.tags.get("again", 0))


def run_tags(entry: RunRecord) -> dict[str, str]:
    """Return all tags of a new run."""
    return {
        **{mlflow_views.column_tag(column): cut_text(cell) for column, cell in entry.cells.items()},
        **common_tags(entry),
        "paper": entry.paper,
        "form": entry.run.form,
        "device": entry.device,
        "fingerprints": json.dumps(dict(entry.fingerprints), sort_keys=True),
        "made_from": json.dumps(dict(entry.made_from), sort_keys=True),
        "versions": json.dumps(entry.versions, sort_keys=True),
        NOTE: describe_run(entry, {}),
        **rounded_tags.paper_tags(entry.paper_results),
        **({mlflow_views.LINE: f"{entry.line:03d}"} if entry.cells else {}),
        **({"overrides": cut_text(" ".join(entry.overrides))} if entry.overrides else {}),
        **({PARENT: entry.parent} if entry.parent else {}),
    }


def common_tags(entry: RunRecord | ScoredFile) -> dict[str, str]:
    """Return the tags that runs of every kind have."""
    return {
        **entry.identity,
        "identity": " ".join(entry.identity),
        **code_tags(entry.commit),
        **worker_tags(entry.lease if isinstance(entry, RunRecord) else ""),
        "mlflow.source.type": "LOCAL",
        "mlflow.source.name": _COMMANDS.get(entry.identity["kind"], "bench run"),
        "mlflow.source.git.commit": entry.commit,
    }


def code_tags(commit: str) -> dict[str, str]:
    """Return the tags that say by which code a run is made, and with which packages."""
    return {
        "commit": commit,
        "package": __version__,
        "lock": lock_digest(),
        "environment": describe_environment(),
    }


def join_values(before: str, now: str) -> str:
    """Return what a run was done with, what is new of `now` added.

    >>> join_values("a", "a, b"), join_values("a, b", "b")
    ('a, b', 'a, b')
    """
    return ", ".join(dict.fromkeys([*before.split(", "), *now.split(", ")]))


def _reopen_run(client: Any, run: Any, entry: RunRecord) -> None:
    run_id, tags = run.info.run_id, run.data.tags
    clear_uploads(local_folder(run.info.artifact_uri))
    client.update_run(run_id, status="RUNNING")
    workers = worker_tags(entry.lease)
    if LOG in workers:  # all of them: it may have been queued again
        workers[LOG] = join_values(tags.get(LOG, workers[LOG]), workers[LOG])
    for key, value in workers.items():
        client.set_tag(run_id, key, value)
    for key in {*WORKER_TAGS} - {LOG} & tags.keys() - workers.keys():
        client.delete_tag(run_id, key)
    now = {**code_tags(entry.commit), "device": entry.device}
    for key, value in now.items():
        client.set_tag(run_id, key, join_values(tags.get(key, value), value))
    if FAILURE in tags:
        client.delete_tag(run_id, FAILURE)


def _refuse_if_alive(run: Any, entry: RunRecord) -> None:
    """Refuse a run that a process is known to work on; any other is taken over.

    A job that a cluster moves to another node comes back there, and its old process is gone. Nobody
    works at a run whose lease this process holds.
    """
    tags, here = run.data.tags, process.this_process()
    if run.info.status != "RUNNING" or (entry.lease and tags.get(LEASE) == entry.lease):
        return
    holder = process.parse_process(tags["process"])
    is_same_job = JOB in tags and tags[JOB] == cluster_jobs.current_job()
    if holder.host != here.host and is_same_job:
        return
    if is_worker_alive(tags):
        who = "this very process" if holder == here else f"process {holder.pid}"
        raise Busy(
            "row.busy", f"{entry.table}: {entry.name} is being run by {who} on {holder.host}"
        )
