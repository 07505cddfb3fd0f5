"""Lines of a report for other systems, which were scored and are not trained here.

A system is one row, whatever number of corpora it was scored on. Of several files of one evaluation
the one that was scored last counts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bench.reports.result_cells import ResultCell, ResultCells, Verdict, build_cells
from bench.reports.row_runs import RowRuns, RunsByRow, SystemFigures
from bench.specs.table import Row, Table
from bench.tracking.scored_record import ScoredRecord, latest_records

GROUP = "Scored, not trained here"
PUBLIC_GROUPS = {
    "authors": "Authors' scores, evaluated here",
    "auditors": "Auditors' scores, evaluated here",
}
"""The groups of systems whose score files are published, by who published them."""


def add_scored_rows(
    table: Table, scored: Sequence[ScoredRecord]
) -> tuple[Table, dict[str, RowRuns]]:
    """Return `table` with a row for each system in `scored`, and the systems' results by row.

    The rows stand behind the table's own.
    """
    files: dict[str, dict[str, ScoredRecord]] = {}
    for (system, evaluation), record in sorted(latest_records(scored).items()):
        files.setdefault(system, {})[evaluation] = record
    rows = {name: _name_row(name, table) for name in files}
    more = {row: _build_row(row, table, files[name]) for name, row in rows.items()}
    standings = {row: _build_row_runs(row, files[name]) for name, row in rows.items()}
    return table.model_copy(update={"rows": {**table.rows, **more}}), standings


def count_replaced_files(scored: Sequence[ScoredRecord]) -> dict[tuple[str, str], int]:
    """Return how many earlier score files are not shown, by system and evaluation."""
    finished = (record for record in scored if record.status == "FINISHED")
    counts = Counter((record.system, record.evaluation) for record in finished)
    return {key: count - 1 for key, count in counts.items()}


def build_scored_cells(table: Table, standings: RunsByRow) -> ResultCells:
    """Return the results of the systems' rows; those of files that lack trials are not complete."""
    systems_table = table.model_copy(update={"rows": {row: table.rows[row] for row in standings}})
    return tuple(
        _mark_scored(cell, table, standings[cell.row])
        for cell in build_cells(systems_table, standings)
    )


def _mark_scored(cell: ResultCell, table: Table, stands: RowRuns) -> ResultCell:
    column = table.columns[cell.column]
    names = {metric.partition(".")[0] for metric in column.parts or (column.metric,)}
    files = stands.system.files if stands.system and cell.ours else {}
    missing = sum(files[name].missing for name in names if name in files)
    return replace(
        cell,
        scored=True,
        ours=cell.ours and replace(cell.ours, seeds=(), verdict=_keep_verdict(cell.ours.verdict)),
        trials_missing=missing,
        seeds_done=cell.seeds_done if not missing else 0,
    )


def _name_row(system: str, table: Table) -> str:
    return f"{system} (scored)" if system in table.rows else system


def _keep_verdict(verdict: Verdict) -> Verdict:
    """Return what can be said of a result without trainings: whether it rests on few errors."""
    return verdict if verdict == "too few errors" else ""


def _build_row(name: str, table: Table, files: Mapping[str, ScoredRecord]) -> Row:
    """Return the system's row; the results printed beside published files stand as the paper's."""
    blank = [""] * (len(table.text_columns) - 1)
    sources = [json.loads(file.public) for file in files.values()]
    groups = {PUBLIC_GROUPS.get(source.get("by", ""), GROUP) for source in sources}
    group = groups.pop() if len(groups) == 1 else GROUP
    metrics = {column.metric for column in table.columns}
    printed = {
        metric: float(value)
        for source in sources
        for metric, value in source.get("printed", {}).items()
        if metric in metrics
    }
    return Row(cells=(name, *blank), group=group, paper=printed)


def _build_row_runs(row: str, files: Mapping[str, ScoredRecord]) -> RowRuns:
    """Return the row's results: of each file those of its evaluation."""
    figures = {
        name: value
        for evaluation, file in files.items()
        for name, value in file.figures.items()
        if name.partition(".")[0] == evaluation
    }
    plans = {
        name: plan
        for evaluation, file in files.items()
        for name, plan in file.plans.items()
        if name == f"plan.{evaluation}"
    }
    system = SystemFigures(row=row, seed=0, figures=figures, plans=plans, files=files)
    return RowRuns(row, (0,), (), system=system)
