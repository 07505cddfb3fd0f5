"""What stands down the left and across the top of a table that is laid out as a matrix."""

from __future__ import annotations

from collections.abc import Sequence

from bench.specs.table import Column


def list_sides(columns: Sequence[Column]) -> tuple[list[str], list[str]]:
    """Return what stands down the left and across the top of a matrix, in the card's order."""
    down = dict.fromkeys(column.group for column in columns)
    across = dict.fromkeys(column.heading for column in columns)
    return list(down), list(across)


def index_matrix(columns: Sequence[Column]) -> dict[tuple[str, str], int]:
    """Return the index of each column by what stands to its left and above it in a matrix."""
    return {(column.group, column.heading): n for n, column in enumerate(columns)}
