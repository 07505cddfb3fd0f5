"""Plots that runs keep, shown in a report: those of the best row on each evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from bench._io.markdown import format_image
from bench.config import Form
from bench.reports.evaluation_names import name_evaluations
from bench.reports.result_cells import ResultCells, choose_shown_row
from bench.reports.row_runs import RunsByRow
from bench.reports.stored_results import StoredResults
from bench.smoke import smoke_prefix
from bench.specs.run import Run
from bench.specs.table import Table

_READING = """\
For each evaluation, one run of the row that is best in the evaluation's first column: DET curve,
scores by class, and the best, median and worst utterances or the breakdown. The pictures of all
other runs are in the tracking store, in each run's folder `figures`."""


class BestRowPlots(NamedTuple):
    """A section of a report, empty where there is no figure, and its PNGs by name."""

    markdown: str
    files: Mapping[str, bytes]


def collect_best_row_plots(
    table: Table,
    results: ResultCells,
    standings: RunsByRow,
    runs: Mapping[str, Run],
    artifacts: StoredResults | None,
    stem: str,
    form: Form,
) -> BestRowPlots:
    """Return the plots of each evaluation that the first run of the best complete row keeps."""
    files: dict[str, bytes] = {}
    lines: list[str] = []
    for evaluation, column in _list_evaluations(table).items():
        row = choose_shown_row(table, column, results)
        if artifacts is None or row is None:
            continue
        run = standings[row].results[0]
        for name, png in artifacts.read_pictures(run.find_run_id(evaluation), evaluation).items():
            file = f"{stem}.{quote(f'{row}-{evaluation}-{name}', safe='@+')}"
            files[file] = png
            names = (name_evaluations(run).get(evaluation) for run in runs.values())
            where = next(filter(None, names), evaluation)
            seed = "" if standings[row].system else f", seed {run.seed}"
            what = f"{row}{seed}, on {where}: {name.removesuffix('.png')}"
            lines.append(format_image(what, file))
    if not lines:
        return BestRowPlots("", {})
    heading = f"## {smoke_prefix(form)}Plots of the best rows"
    return BestRowPlots("\n\n".join([heading, _READING, *lines]), files)


def _list_evaluations(table: Table) -> dict[str, int]:
    """Return each evaluation that the table has figures of, with its first column."""
    first_columns: dict[str, int] = {}
    for index, column in enumerate(table.columns):
        if column.combine == "none":
            first_columns.setdefault(column.metric.partition(".")[0], index)
    return first_columns
