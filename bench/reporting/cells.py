"""Which runs stand for a row, and each figure of the table: the paper's, ours, the difference.

A run stands for a row only with the row's own signature, in the asked form, finished. All seeds of
a row must have seen the same data: that of the run that ended last. Wanted are the card's seeds and
any other that was begun: a seed that failed must not drop out of a mean unseen.
"""

# The stubs of pandas, matplotlib and seaborn leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import pandas as pd

from bench.config import Form
from bench.metrics.catalogue import digits
from bench.metrics.combined import Estimate, combined_estimate
from bench.metrics.seeds import over_seeds
from bench.specs.run import Run
from bench.specs.table import Column, Table


@dataclass(frozen=True)
class Ours:
    """Our figure of one cell, per cent."""

    mean: float
    """Over the seeds that are there."""
    sd: float | None
    """Standard deviation over seeds (n - 1); None with one seed."""
    low: float
    high: float
    """Bounds of the 95 % interval of one run, each the mean over seeds: bootstrap, or from those of
    its parts where the column combines others (`bench.metrics.combined`)."""
    inside: bool | None
    """Whether the paper's figure lies in our interval: of the mean over seeds (Student's t) where
    there are several, else the interval of the one run. None without a figure of the paper."""


@dataclass(frozen=True)
class Cell:
    """One figure of one row."""

    row: str
    column: int
    """Index of the table's column."""
    paper: float | None
    """As printed, rates in per cent; None where the paper prints none."""
    paper_from: Literal["", "paper", "digest"]
    """Whether the paper's figure is from the paper or from a digest of it; empty without one."""
    ours: Ours | None
    seeds_done: int
    seeds_wanted: int
    """0 for rows of other systems, which the suite does not run."""

    @property
    def complete(self) -> bool:
        """Whether every seed of the row has this figure."""
        return 0 < self.seeds_wanted == self.seeds_done

    @property
    def difference(self) -> float | None:
        """Ours minus the paper's, in percentage points."""
        if self.ours is None or self.paper is None:
            return None
        return self.ours.mean - self.paper


@dataclass(frozen=True)
class Missing:
    """A seed of a row without a finished run."""

    row: str
    seed: int
    why: str


@dataclass(frozen=True)
class Standing:
    """The runs of one row that a report may use, and how many it must leave out."""

    row: str
    seeds: tuple[int, ...]
    runs: pd.DataFrame
    """One row a seed, in the order of `seeds`, columns of `bench.tracking.frame`."""
    missing: tuple[Missing, ...]
    left_out: Mapping[str, int]
    """Number of runs by the reason they are not shown."""


def standing(table: Table, row: str, run: Run, frame: pd.DataFrame, form: Form) -> Standing:
    """Return which of the runs in `frame` stand for `row`, whose settings are `run`."""
    of_card = table.rows[row].seeds or table.seeds
    known = frame[(frame["row"] == row) & (frame["form"] == form)]
    ours = known[known["signature"] == run.signature]
    seeds = *of_card, *sorted({*ours["seed"]} - {*of_card})
    finished = ours[ours["status"] == "FINISHED"].sort_values("ended", kind="stable")
    data = finished["data"].iloc[-1] if len(finished) else None
    on_data = finished[finished["data"] == data].drop_duplicates("seed", keep="last")
    order = {seed: place for place, seed in enumerate(seeds)}
    shown = on_data.sort_values("seed", key=lambda column: column.map(order))
    absent = [seed for seed in seeds if seed not in set(shown["seed"])]
    left_out = {
        "with changed settings": len(known) - len(ours),
        "on other data": len(finished) - len(finished[finished["data"] == data]),
    }
    return Standing(
        row=row,
        seeds=seeds,
        runs=shown,
        missing=tuple(Missing(row, seed, _why(ours[ours["seed"] == seed])) for seed in absent),
        left_out={reason: count for reason, count in left_out.items() if count},
    )


def cells(table: Table, standings: Mapping[str, Standing]) -> tuple[Cell, ...]:
    """Return every figure of the table, row by row; rows without a standing have none of ours."""
    return tuple(
        _cell(table, row, column, standings.get(row))
        for row in table.rows
        for column in range(len(table.columns))
    )


def best(table: Table, column: int, found: tuple[Cell, ...]) -> frozenset[str]:
    """Return the rows whose figure of ours is the best of `column`, among complete ones.

    Figures that print alike are equally good.
    """
    values = {
        cell.row: round(cell.ours.mean, decimals(table.columns[column]))
        for cell in found
        if cell.column == column and cell.complete and cell.ours
    }
    better = table.columns[column].better
    if not values or better is None:
        return frozenset()
    pick: Any = min if better == "lower" else max
    top = pick(values.values())
    return frozenset(row for row, value in values.items() if value == top)


State = Literal["published", "not run", "incomplete", "complete"]


def state(found: tuple[Cell, ...], row: str) -> State:
    """Return how far a row is: complete only with every figure of every seed."""
    own = [cell for cell in found if cell.row == row]
    if not own[0].seeds_wanted:
        return "published"
    if all(cell.complete for cell in own):
        return "complete"
    return "incomplete" if any(cell.seeds_done for cell in own) else "not run"


def decimals(column: Column) -> int:
    """Return with how many decimals the figures of a column are shown: as many as the paper's."""
    return digits(column.metric) if column.decimals is None else column.decimals


def _cell(table: Table, name: str, place: int, stands: Standing | None) -> Cell:
    row, column = table.rows[name], table.columns[place]
    paper = row.published.get(column.metric)
    source = "" if paper is None else "digest" if column.metric in row.digest else "paper"
    if stands is None:
        return Cell(name, place, paper, source, None, 0, 0)
    found = _of_runs(column, stands.runs)
    if not found:
        return Cell(name, place, paper, source, None, 0, len(stands.seeds))
    low, high = fmean(figure.low for figure in found), fmean(figure.high for figure in found)
    over = over_seeds([figure.value for figure in found])
    inside = None
    if paper is not None:
        rounding = 0.5 * 10.0 ** -decimals(column)
        covered = over.covers(paper, rounding)
        inside = low - rounding <= paper <= high + rounding if covered is None else covered
    ours = Ours(over.mean, over.spread, low, high, inside)
    return Cell(name, place, paper, source, ours, over.seeds, len(stands.seeds))


def _of_runs(column: Column, runs: pd.DataFrame) -> list[Estimate]:
    """Return the figure of each run that has it, or has every part of it."""
    metrics = column.parts or (column.metric,)
    names = [f"{metric}{end}" for metric in metrics for end in ("", ".low", ".high")]
    values = runs.reindex(columns=names).astype(float).dropna().to_numpy()
    parts = [[Estimate(*part) for part in run.reshape(-1, 3).tolist()] for run in values]
    if column.combine == "none":
        return [figure for (figure,) in parts]
    return [combined_estimate(column.combine, of_run) for of_run in parts]


def _why(runs: pd.DataFrame) -> str:
    """Say why a seed has no finished run, by the run of it that began last."""
    if not len(runs):
        return "not run"
    last = runs.sort_values("begun", kind="stable").iloc[-1]
    if last["status"] == "FINISHED":
        return "run on other data"
    said = {"RUNNING": "running", "KILLED": "interrupted", "FAILED": "failed"}
    status = said.get(str(last["status"]), str(last["status"]).lower())
    return f"{status}: {last['failure']}" if last["failure"] else status
