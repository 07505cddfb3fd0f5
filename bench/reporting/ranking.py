"""BreathNet's Figure 3 from the cards and the tracking store: systems ranked on several tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bench import cards
from bench.config import Form
from bench.errors import BenchError, near
from bench.reporting.cells import cells, standing
from bench.reporting.figures.ranks import ranked
from bench.specs.table import Column, Table


class Ranking(NamedTuple):
    """Ranks of systems on the columns of tables and on their mean."""

    dimensions: tuple[str, ...]
    panels: Mapping[str, Mapping[str, Sequence[float]]]
    """By whose figures: each system's ranks by dimension."""
    lacking: tuple[str, ...]
    """Of which columns we have no complete figure; then nothing of ours is ranked."""


def ranking(
    tables: Sequence[Table],
    systems: Sequence[str],
    ours: str,
    frame_of: Callable[[str, Form], pd.DataFrame],
    form: Form,
) -> Ranking:
    """Return the ranks of `systems`, rows of each of `tables`, by their published figures, and once
    more with our figure of the row `ours` in place of the published one, where it is complete.

    `frame_of` gives a table's runs (`Store.frame`). Columns that combine others are left out; the
    last dimension is the mean of all, as the paper has it (section IV.C). BenchError where a system
    has no published figure, and where columns differ in what is better.
    """
    columns = [(table, c) for table in tables for c in table.columns if c.combine == "none"]
    if len({(column.kind, column.better) for _, column in columns}) != 1:
        raise BenchError(f"{tables[0].key}: columns to be ranked together should be of one kind")
    better = columns[0][1].better
    published = {
        name: [_published(table, name, column) for table, column in columns] for name in systems
    }
    found = {
        f"{table.key}, {c.metric}": _ours(table, ours, c, frame_of, form) for table, c in columns
    }
    known = [value for value in found.values() if value is not None]
    panels = {"the paper's figures": published}
    if len(known) == len(columns):
        said = f"{ours}: our figures"
        panels[said] = {(f"{n} (ours)" if n == ours else n): v for n, v in published.items()}
        panels[said][f"{ours} (ours)"] = known
    return Ranking(
        (*(f"{c.group} {c.heading}".strip() for _, c in columns), "Average"),
        {name: _ranks(of, better == "lower") for name, of in panels.items()},
        tuple(name for name, value in found.items() if value is None),
    )


def _ranks(figures: Mapping[str, Sequence[float]], lower: bool) -> dict[str, list[float]]:
    values = np.array([[*own, np.mean(own)] for own in figures.values()])
    ranks = ranked(values, "lower" if lower else "higher")
    return dict(zip(figures, ranks.tolist(), strict=True))


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
    run = cards.resolve(table, row, form)
    stands = standing(table, row, run, frame_of(table.key, form), form)
    place = table.columns.index(column)
    (cell,) = (of for of in cells(table, {row: stands}) if (of.row, of.column) == (row, place))
    return cell.ours.mean if cell.complete and cell.ours else None
