"""Rows that evaluate weights which authors published, by the names of these: `official:aasist`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench._io.trees import as_tree
from bench.cards import paper_cards, table_cards
from bench.errors import BenchError, near_name
from bench.specs.table import Table

OFFICIAL = "official:"
"""How the names begin."""


def find_official_row(name: str) -> tuple[Table, str]:
    """Return the first table and row that evaluate published weights; BenchError if there is none.

    Rows whose start is published weights are looked through, and variants of rows.
    """
    wanted = OFFICIAL + name.removeprefix(OFFICIAL).replace("_", "-")
    for official, table, row, variant in _iterate_official():
        if official != wanted:
            continue
        if row:
            return table, row
        paper = table_cards.read_paper_of(table)
        rows = table_cards.runnable_rows(table)
        wide, added = paper_cards.add_variant(table, paper, variant, rows)
        if added:
            return wide, added[0]
    names = list_official()
    raise BenchError(
        "weights.not-official",
        f"--weights {name}: no row evaluates such weights{near_name(name, names)}: should be one "
        f"of {', '.join(names)}",
    )


def list_official() -> list[str]:
    """Return the names of all weights that rows evaluate."""
    return list(dict.fromkeys(name for name, *_ in _iterate_official()))


def _iterate_official() -> Iterator[tuple[str, Table, str, str]]:
    """Yield a name with its table, and the row or the variant of rows."""
    for key in table_cards.table_keys():
        table = table_cards.read_table(key)
        for row in table_cards.runnable_rows(table):
            if name := _name_start(table.rows[row].settings):
                yield name, table, row, ""
        for variant, card in table_cards.read_paper_of(table).variants.items():
            if name := _name_start(card.settings):
                yield name, table, "", variant


def _name_start(settings: Any) -> str:
    """Return the name of the published weights that settings start from, or ""."""
    start = as_tree((as_tree(settings) or {}).get("start")) or {}
    weights = str(start.get("weights", ""))
    return weights and OFFICIAL + weights.replace("_", "-")
