"""Which runs count for a row.

A run counts for a row only with a signature of the row's own, in the asked form, finished. A row
has one signature for each precision that it admits; only runs of one of them count. All seeds of a
row must have seen the same data: that of the run that ended last. The wanted seeds are the card's
and any other that was begun: a seed that failed must not drop out of a mean unseen.
"""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from bench.config import Form
from bench.reports import code_versions
from bench.reports.code_versions import VersionChanges
from bench.specs.table import Table


@dataclass(frozen=True)
class MissingSeed:
    """A seed of a row without a finished run, or whose run lacks results of the table."""

    row: str
    seed: int
    why: str


@dataclass(frozen=True)
class RowRuns:
    """The runs of one row that a report may use, and how many it leaves out."""

    row: str
    seeds: tuple[int, ...]
    runs: pd.DataFrame
    """One row a seed, in the order of `seeds`, columns of `bench.tracking.run_frame`."""
    missing: tuple[MissingSeed, ...]
    left_out: Mapping[str, int]
    """Number of runs by the reason they are not shown."""
    older: VersionChanges = field(default_factory=dict[str, tuple[int, int]])
    """Of the code that made them, what gives other results by now."""
    scored: bool = False
    """Whether the row is another system's: its one line holds the figures of all its score
    files."""

    @cached_property
    def records(self) -> list[dict[Any, Any]]:
        """Lines of `runs`, made once: pandas is slow where a frame is wide."""
        return self.runs.to_dict("records")


STATUS_WORDS = dict(RUNNING="running", SCHEDULED="running", FAILED="failed", KILLED="interrupted")
"""What the status of a run that is not finished is called."""

RunsByRow = Mapping[str, RowRuns]
"""The runs that count for each row, by its key."""


def _on_data_of_last(finished: pd.DataFrame) -> pd.DataFrame:
    """Return the runs on the data of the one that ended last, which is the last."""
    return finished[finished["data"] == finished["data"].iloc[-1]] if len(finished) else finished


def _like_last(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs made from the same weights, audio and breaths as the last.

    A run that does not say counts as made from these.
    """
    contents = runs["contents"].iloc[-1] if len(runs) else ""
    return runs[runs["contents"].isin(["", contents])] if contents else runs


def _in_one_precision(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs of the signature that has the most finished seeds, of the latest if several.

    Results of different precision are never averaged.
    """
    if runs["signature"].nunique() < 2:
        return runs
    groups = [group for _, group in runs.groupby("signature")]
    return max(groups, key=lambda group: (len(_finished_seeds(group)), group["begun"].max()))


def _finished_seeds(runs: pd.DataFrame) -> set[int]:
    return {*runs["seed"][runs["status"] == "FINISHED"]}


def select_row_runs(
    table: Table, row: str, signatures: Sequence[str], frame: pd.DataFrame, form: Form
) -> RowRuns:
    """Return which of the runs in `frame` stand for `row`, whose settings have the `signatures`."""
    of_card = table.rows[row].seeds or table.seeds
    tracked = frame[(frame["row"] == row) & (frame["form"] == form)]
    admitted = tracked[tracked["signature"].isin(signatures)]
    ours = _in_one_precision(admitted)
    seeds = *of_card, *sorted({*ours["seed"]} - {*of_card})
    finished = ours[ours["status"] == "FINISHED"].sort_values("ended", kind="stable")
    on_data = _on_data_of_last(finished)
    alike = _like_last(on_data)
    last = alike.drop_duplicates("seed", keep="last")
    order = {seed: index for index, seed in enumerate(seeds)}
    shown = last.sort_values("seed", key=lambda column: column.map(order))
    absent = [seed for seed in seeds if seed not in set(shown["seed"])]
    reasons = {seed: _explain_missing(ours[ours["seed"] == seed]) for seed in absent}
    reasons |= _explain_incomplete(table, shown)
    left_out = {
        "with changed settings": len(tracked) - len(admitted),
        "in another precision": len(admitted) - len(ours),
        "on other data": len(finished) - len(on_data),
        **_count_unlike(on_data, alike),
    }
    return RowRuns(
        row=row,
        seeds=seeds,
        runs=shown,
        missing=tuple(MissingSeed(row, seed, reasons[seed]) for seed in seeds if seed in reasons),
        left_out={reason: count for reason, count in left_out.items() if count},
        older=code_versions.find_version_changes(shown),
    )


def _explain_incomplete(table: Table, finished: pd.DataFrame) -> dict[int, str]:
    """Return by seed which results of the table a finished run lacks, as it says itself."""
    names = {name for column in table.columns for name in (column.parts or (column.metric,))}
    return {
        run["seed"]: f"incomplete: {run['failure']}"
        for run in finished[finished["failure"] != ""].to_dict("records")
        if any(pd.isna(run.get(name)) for name in names)
    }


def _count_unlike(on_data: pd.DataFrame, alike: pd.DataFrame) -> dict[str, int]:
    """Return how many runs are not made as the last one: by other code, or from other things."""
    others = on_data[~on_data.index.isin(alike.index)]
    by_code = 0
    if "versions" in others and len(others):
        by_code = int((others["versions"] != alike["versions"].iloc[-1]).sum())
    return {"by older code": by_code, "with other weights, audio or breaths": len(others) - by_code}


def _explain_missing(runs: pd.DataFrame) -> str:
    """Say why a seed has no finished run, by the run of it that began last."""
    if not len(runs):
        return "not run"
    last = runs.sort_values("begun", kind="stable").iloc[-1]
    if last["status"] == "FINISHED":
        return "run on other data, by older code, or with other weights, audio or breaths"
    status = STATUS_WORDS.get(str(last["status"]), str(last["status"]).lower())
    return f"{status}: {last['failure']}" if last["failure"] else status
