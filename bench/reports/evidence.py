"""What a row's results here rest on, in the words that tables, JSON and the grid use."""

from __future__ import annotations

from typing import Literal

from bench.reports.scored_rows import PUBLIC_GROUPS
from bench.specs.run import Run
from bench.specs.table import Row

Evidence = Literal[
    "measured here",
    "authors' weights, evaluated here",
    "authors' scores, evaluated here",
    "auditors' scores, evaluated here",
    "score file, evaluated here",
    "published",
]
_PUBLIC_GROUPS: dict[str, Evidence] = {
    PUBLIC_GROUPS["authors"]: "authors' scores, evaluated here",
    PUBLIC_GROUPS["auditors"]: "auditors' scores, evaluated here",
}
"""The groups of rows whose score files are published."""


def name_evidence(row: Row, run: Run | None, *, has_result: bool) -> Evidence:
    """Return what a result of a row rests on.

    `run` holds the settings of a row that the suite can run; None for another system's row. Without
    a result of ours there is only what the paper prints.
    """
    if not has_result:
        return "published"
    if run is None:
        return _PUBLIC_GROUPS.get(row.group, "score file, evaluated here")
    return "measured here" if run.is_trained else "authors' weights, evaluated here"
