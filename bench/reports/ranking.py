"""BreathNet's Figure 3 from the cards and the tracking store: systems ranked on several tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.cards import table_cards
from bench.config import Form
from bench.errors import BenchError, near
from bench.reports.cells import cells
from bench.reports.evaluations import called
from bench.reports.figures.ranks import ranked
from bench.reports.standings import standing
from bench.specs.table import Column, Table

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


def ranking(
    tables: Sequence[Table],
    systems: Sequence[str],
    ours: str,
    frame_of: Callable[[str, Form], pd.DataFrame],
    form: Form,
    readings: Sequence[tuple[str, str]] = (),
) -> Ranking:
    """Return the ranks of `systems`, rows of each of `tables`, by their published figures, and once
    more with our figure of the row `ours` in place of the published one, where it is complete.

    Each of `readings` is a system and another table that has it as a row: one more panel, with the
    figures that this table prints; a system that is not ranked is left out. `frame_of` gives a
    table's runs (`Store.frame`). Columns that combine others are left out; the last dimension is
    the mean of all, as the paper has it (section IV.C). BenchError where a system has no published
    figure, and where columns differ in what is better.
    """
    columns = [(table, c) for table in tables for c in table.columns if c.combine == "none"]
    if len({(column.kind, column.better) for _, column in columns}) != 1:
        raise BenchError(f"{tables[0].key}: columns to be ranked together should be of one kind")
    lower = columns[0][1].better == "lower"
    names = {name: _name(tables[0], name) for name in systems}
    published = {
        name: [_published(table, name, column) for table, column in columns] for name in systems
    }
    tests = {
        key: text
        for table in tables
        if ours in table_cards.runnable(table)
        for key, text in called(table_cards.resolve(table, ours, form)).items()
    }
    dimensions = (*(_dimension(column, tests) for _, column in columns), _AVERAGE)
    panels = {_PAPERS: _ranks(published, lower, names)}
    changes: list[str] = []
    for name, other in ((name, table_cards.table(of)) for name, of in readings if name in systems):
        swapped = {**published, name: _reread(other, name, columns, published[name])}
        figures = zip(dimensions, published[name], swapped[name], strict=False)
        which = ", ".join(
            f"{new:g} instead of {old:g} on {of}" for of, old, new in figures if new != old
        )
        said = f"{names[name]}: {which} ({other.title})"
        panels[said] = _ranks(swapped, lower, names)
        moved = _moved(panels[_PAPERS], panels[said], dimensions)
        changes.append(f"{said}: {moved or 'no rank changes'}")
    found = {
        f"{table.key}, {c.metric}": _ours(table, ours, c, frame_of, form) for table, c in columns
    }
    known = [value for value in found.values() if value is not None]
    if len(known) == len(columns):
        with_ours = {**names, ours: f"{names[ours]} (ours)"}
        panels[f"{ours}: our results"] = _ranks({**published, ours: known}, lower, with_ours)
    lacking = tuple(name for name, value in found.items() if value is None)
    return Ranking(dimensions, panels, lacking, tuple(changes))


def _ranks(
    figures: Mapping[str, Sequence[float]], lower: bool, names: Mapping[str, str]
) -> dict[str, list[float]]:
    values = np.array([[*own, np.mean(own)] for own in figures.values()])
    ranks = ranked(values, "lower" if lower else "higher")
    return dict(zip((names[name] for name in figures), ranks.tolist(), strict=True))


def _moved(
    before: Mapping[str, Sequence[float]],
    after: Mapping[str, Sequence[float]],
    dimensions: Sequence[str],
) -> str:
    """Return which ranks differ, by dimension: `21LA: BreathNet 4 to 3, ...; Average: ...`."""
    parts: list[str] = []
    for place, dimension in enumerate(dimensions):
        of = [
            f"{name} {own[place]:g} to {after[name][place]:g}"
            for name, own in before.items()
            if own[place] != after[name][place]
        ]
        parts += [f"{dimension}: {', '.join(of)}"] if of else []
    return "; ".join(parts)


def _name(table: Table, row: str) -> str:
    """Return what the paper calls a row, without its reference: `LSR+LSA`."""
    if row not in table.rows:
        raise BenchError(f"{table.key} has no row {row!r}{near(row, table.rows)}")
    return re.sub(r"\s*(\[[\d, ]+\]|†)", "", table.rows[row].cells[-1])


def _dimension(column: Column, tests: Mapping[str, str]) -> str:
    heading = f"{column.group} {column.heading}".strip()
    return tests.get(column.metric.rpartition(".")[0], heading)


def _reread(
    other: Table, name: str, columns: Sequence[tuple[Table, Column]], figures: Sequence[float]
) -> list[float]:
    """Return a system's figures, those that another table prints too as it prints them."""
    known = other.rows[name].published if name in other.rows else {}
    shared = [column.metric for _, column in columns if column.metric in known]
    if not shared:
        raise BenchError(f"{other.key}: has no result of {name} in the columns that are ranked")
    pairs = zip(columns, figures, strict=True)
    return [known.get(column.metric, figure) for (_, column), figure in pairs]


def _published(table: Table, name: str, column: Column) -> float:
    if name not in table.rows:
        raise BenchError(f"{table.key} has no row {name!r}{near(name, table.rows)}")
    value = table.rows[name].published.get(column.metric)
    if value is None:
        raise BenchError(
            f"{table.key}, row {name}: has no published {column.metric} to be ranked by"
        )
    return value


def _ours(
    table: Table,
    row: str,
    column: Column,
    frame_of: Callable[[str, Form], pd.DataFrame],
    form: Form,
) -> float | None:
    if table.rows[row].published_only:
        raise BenchError(f"{table.key}, row {row}: is published only; ours should be one we run")
    run = table_cards.resolve(table, row, form)
    stands = standing(table, row, run, frame_of(table.key, form), form)
    place = table.columns.index(column)
    (cell,) = (of for of in cells(table, {row: stands}) if (of.row, of.column) == (row, place))
    return cell.ours.mean if cell.complete and cell.ours else None
