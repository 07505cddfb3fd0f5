"""Figures that runs keep, placed in a report: those of the best row on each evaluation."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from bench._io.markdown import image
from bench.config import Form
from bench.reports.cells import Cell, foremost, run_of
from bench.reports.evaluations import called
from bench.reports.grid import smoke_word
from bench.reports.kept import Kept
from bench.reports.standings import Standing
from bench.specs.run import Run
from bench.specs.table import Table

_READING = """\
One run of the row that is best on the evaluation, by its first column: DET curve, scores by class,
and the best, median and worst utterances or the breakdown. The pictures of all other runs are in
the tracking store, below `figures`."""


class Pictures(NamedTuple):
    """A section of a report, empty where there is no figure, and its PNGs by name."""

    markdown: str
    files: Mapping[str, bytes]


def pictures(
    table: Table,
    found: tuple[Cell, ...],
    standings: Mapping[str, Standing],
    runs: Mapping[str, Run],
    kept: Kept | None,
    stem: str,
    form: Form,
) -> Pictures:
    """Return the figures that the best complete row's first run keeps of each evaluation."""
    files: dict[str, bytes] = {}
    lines: list[str] = []
    for evaluation, column in _evaluations(table).items():
        row = foremost(table, column, found)
        if kept is None or row is None:
            continue
        run = standings[row].runs.to_dict("records")[0]
        for name, png in kept.pictures(run_of(run, evaluation), evaluation).items():
            file = f"{stem}.{quote(f'{row}-{evaluation}-{name}', safe='@+')}"
            files[file] = png
            names = (called(of).get(evaluation) for of in runs.values())
            where = next(filter(None, names), evaluation)
            seed = "" if standings[row].scored else f", seed {run['seed']}"
            what = f"{row}{seed}, on {where}: {name.removesuffix('.png')}"
            lines.append(image(what, file))
    if not lines:
        return Pictures("", {})
    heading = f"## {smoke_word(form)}Plots of the best rows"
    return Pictures("\n\n".join([heading, _READING, *lines]), files)


def _evaluations(table: Table) -> dict[str, int]:
    """Return each evaluation that the table has figures of, with its first column."""
    found: dict[str, int] = {}
    for place, column in enumerate(table.columns):
        if column.combine == "none":
            found.setdefault(column.metric.partition(".")[0], place)
    return found
