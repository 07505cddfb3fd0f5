"""BreathNet's Figure 3 from the cards and the tracking store: systems ranked on several tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from bench.cards import table_cards
from bench.config import Form
from bench.errors import BenchError, near_name
from bench.reports.evaluation_names import name_evaluations
from bench.reports.result_cells import build_cells, name_column
from bench.reports.row_runs import select_row_runs
from bench.specs.table import Column, Row, Table
from bench.tracking.stored_runs import StoredRun

_PAPERS = "the paper's results"
_AVERAGE = "Average"


class Ranking(NamedTuple):
    """Ranks of systems on the columns of tables and on their mean."""

    dimensions: tuple[str, ...]
    panels: Mapping[str, Mapping[str, Sequence[float]]]
    """By whose figures: each system's ranks by dimension."""
    lacking: tuple[str, ...]
    """Of which columns we have no complete figure; then nothing of ours is ranked."""
    changes: tuple[str, ...]
    """What each other reading of a published figure changes, in a sentence."""


def rank_values(
    figures: ArrayLike, better: Literal["lower", "higher"] = "lower"
) -> NDArray[np.float64]:
    """Return the ranks of systems in each dimension: of n systems n for the best, 1 for the worst.

    So has the paper them (section IV.C); equal ones share the mean of their ranks, of which it says
    nothing. `figures` and the ranks are of shape (systems, dimensions).

    >>> rank_values([[1.0], [3.0], [2.0]]).ravel().tolist()
    [3.0, 1.0, 2.0]
    """
    values = np.asarray(figures, dtype=np.float64)
    return rankdata(-values if better == "lower" else values, axis=0)


def rank_systems(
    tables: Sequence[Table],
    systems: Sequence[str],
    ours: str,
    read_runs: Callable[[str, Form], Sequence[StoredRun]],
    form: Form,
    readings: Sequence[tuple[str, str]] = (),
) -> Ranking:
    """Return the ranks of `systems`, rows of each of `tables`, by their published results.

    They are ranked once more with our result of the row `ours` in place of the published one, where
    it is complete. Each of `readings` is a system and another table that has it as a row, and adds
    a panel with the results that this table prints; a system that is not ranked is left out.
    `read_runs` gives a table's runs (`Store.stored_runs`). Columns that combine others are left
    out; the last dimension is the mean of all, as the paper has it (section IV.C).

    BenchError where a system has no published result, and where columns differ in what is better.
    """
    columns = [(table, c) for table in tables for c in table.columns if c.combine == "none"]
    if len({(column.metric_name, column.better_direction) for _, column in columns}) != 1:
        raise BenchError(
            "report.unlike-columns",
            f"{tables[0].key}: columns to be ranked together should be of one metric",
        )
    lower = columns[0][1].better_direction == "lower"
    names = {name: _name_system(tables[0], name) for name in systems}
    published = {
        name: [_read_published(table, name, column) for table, column in columns]
        for name in systems
    }
    tests = {
        key: text
        for table in tables
        if ours in table_cards.runnable_rows(table)
        for key, text in name_evaluations(table_cards.resolve_row(table, ours, form)).items()
    }
    dimensions = (*(_name_dimension(column, tests) for _, column in columns), _AVERAGE)
    panels = {_PAPERS: _rank_systems(published, lower, names)}
    changes: list[str] = []
    for name, other in (
        (name, table_cards.read_table(key)) for name, key in readings if name in systems
    ):
        swapped = {**published, name: _read_other(other, name, columns, published[name])}
        figures = zip(dimensions, published[name], swapped[name], strict=False)
        which = ", ".join(
            f"{new:g} instead of {old:g} on {dimension}"
            for dimension, old, new in figures
            if new != old
        )
        change = f"{names[name]}: {which} ({other.title})"
        panels[change] = _rank_systems(swapped, lower, names)
        moved = _describe_moves(panels[_PAPERS], panels[change], dimensions)
        changes.append(f"{change}: {moved or 'no rank changes'}")
    our_values = {
        f"{table.key}, {c.metric}": _read_ours(table, ours, c, read_runs, form)
        for table, c in columns
    }
    complete = [value for value in our_values.values() if value is not None]
    if len(complete) == len(columns):
        with_ours = {**names, ours: f"{names[ours]} (ours)"}
        figures = {**published, ours: complete}
        panels[f"{ours}: our results"] = _rank_systems(figures, lower, with_ours)
    lacking = tuple(name for name, value in our_values.items() if value is None)
    return Ranking(dimensions, panels, lacking, tuple(changes))


def _rank_systems(
    figures: Mapping[str, Sequence[float]], lower: bool, names: Mapping[str, str]
) -> dict[str, list[float]]:
    values = np.array(
        [[*values_of_system, np.mean(values_of_system)] for values_of_system in figures.values()]
    )
    ranks = rank_values(values, "lower" if lower else "higher")
    return dict(zip((names[name] for name in figures), ranks.tolist(), strict=True))


def _describe_moves(
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
    dimensions: Sequence[str],
) -> str:
    """Return which ranks differ, by dimension: `21LA: BreathNet 4 to 3, ...; Average: ...`."""
    parts: list[str] = []
    for index, dimension in enumerate(dimensions):
        moves = [
            f"{name} {ranks[index]:g} to {after[name][index]:g}"
            for name, ranks in before.items()
            if ranks[index] != after[name][index]
        ]
        parts += [f"{dimension}: {', '.join(moves)}"] if moves else []
    return "; ".join(parts)


def _name_system(table: Table, row: str) -> str:
    """Return what the paper calls a row, without its reference: `LSR+LSA`."""
    return re.sub(r"\s*(\[[\d, ]+\]|†)", "", _find_row(table, row).cells[-1])


def _find_row(table: Table, row: str) -> Row:
    if row not in table.rows:
        raise BenchError(
            "report.unknown-row", f"{table.key} has no row {row!r}{near_name(row, table.rows)}"
        )
    return table.rows[row]


def _name_dimension(column: Column, tests: Mapping[str, str]) -> str:
    return tests.get(column.metric.rpartition(".")[0], name_column(column))


def _read_other(
    other: Table, name: str, columns: Sequence[tuple[Table, Column]], figures: Sequence[float]
) -> list[float]:
    """Return a system's figures, those that another table prints too as it prints them."""
    printed = other.rows[name].published_figures if name in other.rows else {}
    shared = [column.metric for _, column in columns if column.metric in printed]
    if not shared:
        raise BenchError(
            "report.result-missing",
            f"{other.key}: has no result of {name} in the columns that are ranked",
        )
    pairs = zip(columns, figures, strict=True)
    return [printed.get(column.metric, figure) for (_, column), figure in pairs]


def _read_published(table: Table, name: str, column: Column) -> float:
    value = _find_row(table, name).published_figures.get(column.metric)
    if value is None:
        raise BenchError(
            "report.result-missing",
            f"{table.key}, row {name}: has no published {column.metric} to be ranked by",
        )
    return value


def _read_ours(
    table: Table,
    row: str,
    column: Column,
    read_runs: Callable[[str, Form], Sequence[StoredRun]],
    form: Form,
) -> float | None:
    if table.rows[row].published_only:
        raise BenchError(
            "report.row-published-only",
            f"{table.key}, row {row}: is published only; ours should be a row that can be run",
        )
    signatures = table_cards.resolve_row(table, row, form).signatures
    stands = select_row_runs(table, row, signatures, read_runs(table.key, form), form)
    index = table.columns.index(column)
    cell = next(c for c in build_cells(table, {row: stands}) if (c.row, c.column) == (row, index))
    return cell.ours.mean if cell.is_complete and cell.ours else None
