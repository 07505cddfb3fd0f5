"""Lines of a report for other systems, which were scored and are not trained here.

A system is one row, whatever number of corpora it was scored on. Of several files of one evaluation
the one that was scored last counts.
"""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from bench.reports.result_cells import RUN_COLUMN, ResultCell, ResultCells, Verdict, build_cells
from bench.reports.row_runs import RowRuns, RunsByRow
from bench.specs.table import Row, Table

GROUP = "Scored, not trained here"
PUBLIC_GROUPS = {
    "authors": "Authors' scores, evaluated here",
    "auditors": "Auditors' scores, evaluated here",
}
"""The groups of systems whose score files are published, by who published them."""
MISSING = "missing"
"""Column of a line in `RowRuns`, with the evaluation behind a point: trials without a score."""


def add_scored_rows(table: Table, scored: pd.DataFrame) -> tuple[Table, dict[str, RowRuns]]:
    """Return `table` with a row for each system in `scored`, and the systems' runs by row.

    The rows stand behind the table's own; `scored` is of `bench.tracking.scored_record`.
    """
    stands = select_latest_files(scored)
    if not len(stands):
        return table, {}
    rows = {name: _name_row(name, table) for name in sorted({*stands["system"]})}
    files = {name: stands[stands["system"] == name] for name in rows}
    more = {row: _build_row(row, table, files[name]) for name, row in rows.items()}
    standings = {row: _build_row_runs(row, files[name]) for name, row in rows.items()}
    return table.model_copy(update={"rows": {**table.rows, **more}}), standings


def select_latest_files(scored: pd.DataFrame) -> pd.DataFrame:
    """Return the score files that count: of each system and evaluation the last."""
    finished = scored[scored["status"] == "FINISHED"]
    return finished.drop_duplicates(["system", "evaluation"], keep="last")


def count_replaced_files(scored: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Return how many earlier score files are not shown, by system and evaluation."""
    finished = scored[scored["status"] == "FINISHED"]
    counts = finished.groupby(["system", "evaluation"], sort=True).size()
    return {key: int(count) - 1 for key, count in counts.items() if count > 1}  # pyright: ignore


def build_scored_cells(table: Table, standings: RunsByRow) -> ResultCells:
    """Return the results of the systems' rows; those of files that lack trials are not complete."""
    systems_table = table.model_copy(update={"rows": {row: table.rows[row] for row in standings}})
    return tuple(
        _mark_scored(cell, table, standings[cell.row])
        for cell in build_cells(systems_table, standings)
    )


def _mark_scored(cell: ResultCell, table: Table, stands: RowRuns) -> ResultCell:
    (line,) = stands.records
    column = table.columns[cell.column]
    names = {metric.partition(".")[0] for metric in column.parts or (column.metric,)}
    missing = sum(int(line.get(f"{MISSING}.{name}", 0)) for name in names if cell.ours)
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


def read_public(text: object) -> dict[str, Any]:
    """Return where a score file is from, of the column `public`; nothing if it is not published."""
    return json.loads(text) if isinstance(text, str) else {}


def _build_row(name: str, table: Table, files: pd.DataFrame) -> Row:
    """Return the system's row; the results printed beside published files stand as the paper's."""
    blank = [""] * (len(table.text_columns) - 1)
    sources = [read_public(file.get("public")) for file in files.to_dict("records")]
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


def _build_row_runs(row: str, files: pd.DataFrame) -> RowRuns:
    """Return the row's one line: the results of all its files, and which run each is of."""
    line: dict[str, Any] = {"row": row, "seed": 0}
    for file in files.to_dict("records"):
        evaluation = file["evaluation"]
        present = {str(name): value for name, value in file.items() if value == value}
        line |= {
            name: value for name, value in present.items() if name.partition(".")[0] == evaluation
        }
        line |= {name: value for name, value in present.items() if name == f"plan.{evaluation}"}
        line[f"{RUN_COLUMN}.{evaluation}"] = file["run_id"]
        line[f"{MISSING}.{evaluation}"] = file["missing"]
    line["run_id"] = files["run_id"].iloc[0]
    return RowRuns(row, (0,), pd.DataFrame([line]), (), {}, scored=True)
