"""What a paper's card says of the rows of its tables.

These are the points of its list of differences that concern them, and their variants.

The row `S7@released` is S7 with the settings of `[variants.released]`. It is a row like any other,
`from` the paper's row, in a copy of the table: folded, run, tracked and reported as they are. In
its smoke form, what the variant's `smoke` says comes last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

from bench._io.trees import merge_settings, spread_wildcard
from bench.cards import table_cards
from bench.cards.table_cards import MARK
from bench.errors import BenchError, near_name
from bench.specs.run import Run
from bench.specs.table import Difference, Effect, Paper, Row, Table, Variant


def add_variant(
    table: Table, paper: Paper, name: str, rows: Sequence[str]
) -> tuple[Table, tuple[str, ...]]:
    """Return the table with the variant `name` of each of `rows`, and the names of the new rows.

    Each variant stands after its own row; the names are in the order of `rows`.

    A row that the variant does not concern, or of which it changes nothing, has none. Raise
    BenchError where the paper has no such variant, or a row of it is at fault.
    """
    variant = _find_variant(paper, name)
    listed: dict[str, Row] = {}
    changed: list[str] = []
    for row, own in table.rows.items():
        listed[row] = own
        new = f"{row}{MARK}{name}"
        made = _variant_row(table, paper, variant, row, new) if row in rows else None
        if made is not None:
            listed[new] = made
            changed.append(new)
    return table.model_copy(update={"rows": listed}), tuple(changed)


def rows_by_difference(paper: Paper, table: str, runs: Mapping[str, Run]) -> dict[str, list[str]]:
    """Return the rows of a table that each point of the paper's list concerns, by the point.

    Points that concern none are left out. `table` is the table's key, and `runs` holds the rows'
    settings; variants of rows are not looked at.
    """
    settings = {row: run.flat_settings() for row, run in runs.items() if MARK not in row}
    rows_of = {
        point.item: [row for row, own in settings.items() if point.concerns_row(table, own)]
        for point in paper.differences
    }
    return {item: rows for item, rows in rows_of.items() if rows}


def in_papers_form(table: Table, runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return the settings that rows of a table have in the paper's form.

    `runs` may be smoke ones.
    """
    return {
        row: run if run.form == "paper" else table_cards.resolve_row(table, row)
        for row, run in runs.items()
    }


def sort_differences(points: Iterable[Difference]) -> list[Difference]:
    """Return points by their expected effect, the largest first; else in the card's order."""
    return sorted(points, key=lambda point: get_args(Effect).index(point.effect))


def _find_variant(paper: Paper, name: str) -> Variant:
    if name not in paper.variants:
        same = name == "released" and not any(point.setting for point in paper.differences)
        why = ", as its list of differences has no released setting that the rows lack"
        raise BenchError(
            "table.variant-unknown",
            f"experiments/{paper.key}/paper.toml: there is no variant {name!r}"
            f"{why if same else near_name(name, paper.variants)}",
        )
    return paper.variants[name]


def _variant_row(
    table: Table, paper: Paper, variant: Variant, parent: str, name: str
) -> Row | None:
    """Return the variant of row `parent`, to be called `name`; None where it changes nothing."""
    run = table_cards.resolve_row(table, parent)
    settings = run.flat_settings()
    if not variant.concerns_row(table.key, settings):
        return None
    concerning = [point for point in paper.differences if point.concerns_row(table.key, settings)]
    released = [point.setting for point in concerning] if variant.released else []
    whole = run.model_dump(mode="json")
    row = table.rows[parent]
    layers = [spread_wildcard(point, whole) for point in (*released, variant.settings)]
    changes = {
        "cells": (*row.cells[:-1], f"{row.cells[-1]}, {variant.title}"),
        "parent": parent,
        "settings": merge_settings(*layers),
        "smoke": variant.smoke,
    }
    made = row.model_copy(update=changes)
    wide = table.model_copy(update={"rows": {**table.rows, name: made}})
    return None if table_cards.resolve_row(wide, name).signature == run.signature else made
