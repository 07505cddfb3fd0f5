"""Evaluated score files of other systems in the tracking store.

One run stands for a system beside a table; each of its score files is a part of it, a run nested in
it. Of one evaluation the file that was judged last stands: its figures are the system's. Earlier
ones are kept and say which run stands in their place.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench._io.markdown import fill_template, format_list
from bench.smoke import smoke_note
from bench.tracking import mlflow_views, run_files, run_lifecycle
from bench.tracking.client import NOTE, log_inputs, log_metrics, log_params, now_ms
from bench.tracking.mlflow_store import MlflowStore
from bench.tracking.run_record import (
    DatasetUse,
    ScoredFile,
    describe_scored_file,
    result_tags,
    tracked_values,
)
from bench.tracking.scored_record import (
    ScoredRecord,
    latest_records,
    read_scored_records,
    record_of_run,
)

REPLACED = "replaced_by"
"""Tag of a run whose score file does not stand any more: the run that does."""
_LINE = "999"
"""Systems stand behind the table's own rows."""


def keep_scored_file(
    to: MlflowStore,
    entry: ScoredFile,
    artifacts: Mapping[str, Sequence[Path]],
    judged_ms: int | None = None,
) -> str:
    """Keep an evaluated score file as a finished run below its system's; return its id.

    `artifacts` are files by the folder of the run's that they come into. The same file, judged
    alike, is kept once; judged again it stands again. It was judged `judged_ms` milliseconds after
    1970 began, now where that is not said.
    """
    ended = now_ms() if judged_ms is None else judged_ms
    with to.hold_lock():
        runs = to.search_table(entry.table, entry.identity)
        finished = [run for run in runs if run.info.status == "FINISHED"]
        parent = _system_run(to, entry)
        earlier = finished[0].info if finished else None
        run_id = (
            earlier.run_id
            if earlier
            else to.create_run(entry.table, entry.name, _scored_tags(entry, parent))
        )
    try:
        if not finished:
            _fill_run(to, entry, run_id, artifacts)
    except BaseException:  # also Ctrl-C: no run of half a file may count as running
        to.client.set_terminated(run_id, "FAILED")
        refresh_system(to, entry.system_tags)
        raise
    last = max(ended, earlier.end_time) if earlier else ended
    to.client.set_terminated(run_id, "FINISHED", end_time=last)
    refresh_system(to, entry.system_tags)
    return run_id


def _scored_tags(entry: ScoredFile, parent: str) -> dict[str, str]:
    return {
        **run_lifecycle.common_tags(entry),
        run_lifecycle.PARENT: parent,
        "split": entry.split,
        "evaluation": entry.evaluation,
        "fingerprints": json.dumps({entry.split: entry.fingerprint}),
        **result_tags(entry.figures),
        NOTE: describe_scored_file(entry),
    }


def _fill_run(
    to: MlflowStore, entry: ScoredFile, run_id: str, artifacts: Mapping[str, Sequence[Path]]
) -> None:
    log_inputs(to.client, run_id, [DatasetUse(entry.split, entry.fingerprint, "evaluation")])
    log_params(to.client, run_id, entry.settings)
    log_metrics(to.client, run_id, tracked_values(entry.figures), step=0)
    for folder, paths in artifacts.items():
        for path in paths:
            to.client.log_artifact(run_id, str(path), folder or None)
    if to.is_local:
        run_files.tag_file_count(to.client, run_id)


def _system_run(to: MlflowStore, entry: ScoredFile) -> str:
    """Return the id of the system's run, made where it is new; to be called under the lock."""
    runs = to.search_table(entry.table, entry.system_tags)
    if runs:
        return runs[0].info.run_id
    tags = {
        **{mlflow_views.column_tag(column): cell for column, cell in entry.cells.items()},
        **run_lifecycle.common_tags(entry),
        **entry.system_tags,
        "identity": " ".join(entry.system_tags),
        mlflow_views.LINE: _LINE,
        run_files.FILE_COUNT: "0",
    }
    kept_tags = {
        name: value for name, value in tags.items() if name not in ("scores", "judged", "process")
    }
    return to.create_run(entry.table, f"{entry.system} · scored", kept_tags)


def list_systems(to: MlflowStore) -> list[dict[str, str]]:
    """Return the tags of each system that a store holds, as `ScoredFile.system_tags` has them."""
    names = ("kind", "table", "system", "form")
    runs = to.list_all_runs("tags.kind = 'system'")
    return [{name: run.data.tags[name] for name in names} for run in runs]


def refresh_system(to: MlflowStore, of_system: Mapping[str, str]) -> None:
    """Have a system's run hold the figures of the score files that stand, and no others."""
    systems = to.search_table(of_system["table"], of_system)
    if not systems:
        return
    runs = to.search_table(of_system["table"], {**of_system, "kind": "scored"})
    latest = latest_records(read_scored_records(runs)).values()
    stands = {record.evaluation: record for record in latest}
    for run in runs:
        _tag_replaced(to.client, run, stands)
    figures = {name: value for record in stands.values() for name, value in record.figures.items()}
    run_id, before = systems[0].info.run_id, systems[0].data.metrics
    changed = {
        name: figures.get(name, math.nan)
        for name in {*figures, *before}
        if not _same_number(figures.get(name, math.nan), before.get(name))
    }
    log_metrics(to.client, run_id, changed, step=len(runs))
    to.client.set_tag(run_id, NOTE, _describe_system(of_system, stands))
    to.client.set_terminated(run_id, "FINISHED" if stands else "FAILED", end_time=now_ms())


def _tag_replaced(client: Any, run: Any, stands: Mapping[str, ScoredRecord]) -> None:
    record = record_of_run(run)
    other = stands.get(record.evaluation, record).run_id
    replaced = run.info.status == "FINISHED" and other != run.info.run_id
    replacement = run.data.tags.get(REPLACED, "")
    if replaced and replacement != other:
        client.set_tag(run.info.run_id, REPLACED, other)
    elif replacement and not replaced:
        client.delete_tag(run.info.run_id, REPLACED)


def _same_number(one: float, other: float | None) -> bool:
    if other is None:
        return False
    return one == other or (math.isnan(one) and math.isnan(other))


def _describe_system(of_system: Mapping[str, str], stands: Mapping[str, ScoredRecord]) -> str:
    smoke = smoke_note(of_system["form"])
    head = fill_template("**Scored, not trained here**: {}, on:", of_system["system"])
    lines = [
        f"{record.split}: run {record.run_id[:8]}"
        + (f", {record.missing} trials missing" if record.missing else "")
        for record in stands.values()
    ]
    return f"{smoke}{head}\n\n{format_list(lines)}"
