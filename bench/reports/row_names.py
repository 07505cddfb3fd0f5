"""What stands before a row's results: its key, and what the paper prints of the row.

The key is the name that `--rows` takes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.reports.published_systems import index_of_name
from bench.specs.table import Table

HEADING = "Row"


def find_shown_columns(rows: Iterable[tuple[str, Sequence[str]]]) -> list[int]:
    """Return which of the paper's text columns are shown beside the keys.

    These are all but one that only repeats the keys. `rows` holds each row's key and its text
    cells.

    >>> find_shown_columns([("S0", ("S0", "Avg Pool")), ("S1", ("S1", "Conformer"))])
    [1]
    >>> find_shown_columns([("S1", ("(1)",)), ("S2", ("(2)",))])
    [0]
    """
    all_rows = [*rows]
    keys = [key for key, _ in all_rows]
    columns = zip(*(cells for _, cells in all_rows), strict=True)
    return [n for n, texts in enumerate(columns) if [*texts] != keys]


def list_name_headings(table: Table) -> list[str]:
    """Return the headings of what `list_name_cells` returns."""
    return [HEADING, *(table.text_columns[n] for n in _find_columns(table))]


def list_name_cells(table: Table, row: str, key: str, cells: Sequence[str]) -> list[str]:
    """Return a row's key and its text cells.

    Both are given as they are to be written (`cells` all of them, the system's name linked). Where
    that name only repeats the key, the key is linked.
    """
    places, named = _find_columns(table), index_of_name(table.rows[row])
    return [key if named in places else cells[named], *(cells[n] for n in places)]


def _find_columns(table: Table) -> list[int]:
    return find_shown_columns((key, row.cells) for key, row in table.rows.items())
