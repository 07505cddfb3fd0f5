"""Where the parts of an export lie in its folder, and what of them is not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bench._io import atomic_files

REPORT, SCORES, SETTINGS = "report", "scores", "settings"
EVAL_RESULTS, ENVIRONMENT = "eval_results", "environment"
RUNS = "runs.json"


class MissingPart(NamedTuple):
    """Something that an export should have and has not."""

    what: str
    """E.g. `score file of partialspoof`."""
    row: str
    """Empty where it is of no single row."""
    reason: str


def name_row_folders(rows: Iterable[str]) -> dict[str, str]:
    """Return a folder's name for each row: its own, as far as every system accepts it.

    >>> name_row_folders(["S7", "S7@released", "S7_released", "s7", "../.."])
    {'S7': 'S7', 'S7@released': 'S7_released', 'S7_released': 'S7_released-2', 's7': 's7-2', \
'../..': '_'}
    """
    folders: dict[str, str] = {}
    taken: set[str] = set()
    for row in rows:
        base = atomic_files.portable_name(row) or "row"
        name, number = base, 1
        while name.casefold() in taken:
            number += 1
            name = f"{base}-{number}"
        taken.add(name.casefold())
        folders[row] = name
    return folders
