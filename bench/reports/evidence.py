"""What a row's results here rest on, in the words that tables, JSON and the grid use."""

from __future__ import annotations

from typing import Literal

from bench.specs.run import Run

Evidence = Literal[
    "measured here",
    "authors' weights, evaluated here",
    "score file, evaluated here",
    "published",
]


def name_evidence(run: Run | None, *, has_result: bool) -> Evidence:
    """Return what a result of a row rests on.

    `run` holds the settings of a row that the suite can run; None for another system's row. Without
    a result of ours there is only what the paper prints.
    """
    if not has_result:
        return "published"
    if run is None:
        return "score file, evaluated here"
    return "measured here" if run.is_trained else "authors' weights, evaluated here"
