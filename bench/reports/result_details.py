"""The errors and runs behind each result.

These are the errors that a result counts and the trials that it counts them among, the training
behind it, and the metrics that the table does not print.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from statistics import fmean

from bench._io.markdown import escape_text, fill_template
from bench.config import Form
from bench.metrics.catalogue import find_metric, format_value, metric_decimals
from bench.reports.main_table import CellKey
from bench.reports.matrix_sides import index_matrix, list_sides
from bench.reports.name_ranges import format_row_names
from bench.reports.result_cells import OurResult, ResultCells, count_decimals, name_column
from bench.reports.row_runs import RowRuns, RunsByRow
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix
from bench.specs.table import Table
from bench.tracking.stored_runs import StoredRun

_ERRORS = """\
Errors at each result's threshold, mean over seeds: bona fide rejected + spoof accepted. The line
*of* gives the trials (for localization: frames), bona fide + spoof. With fewer than five errors a
result is very uncertain."""
_MOST_COLUMNS = 8
"""Of a table with more, figures of single seeds are in the CSV only."""
_NOTHING = "–"


def describe_errors_and_runs(
    table: Table, results: ResultCells, standings: RunsByRow, form: Form
) -> str:
    """Return the section of a report; empty where no row was run."""
    shown_rows = {row: stands for row, stands in standings.items() if stands.runs}
    if not shown_rows:
        return ""
    parts = [
        format_error_counts(table, results, form),
        format_trainings(table, shown_rows, form),
        format_other_metrics(table, shown_rows, form),
        format_breath_shares(shown_rows, form),
    ]
    heading = f"## {smoke_prefix(form)}Errors and runs behind each result"
    return "\n\n".join([heading, *filter(None, parts)])


def format_error_counts(table: Table, results: ResultCells, form: Form) -> str:
    """Return the errors of every cell that counts some, laid out as the table; empty if none."""
    counted = {
        (cell.row, cell.column): cell.ours
        for cell in results
        if cell.ours and cell.ours.error_count is not None
    }
    rows = [row for row in table.rows if any(row == name for name, _ in counted)]
    if not rows:
        return ""
    draw = _in_matrices if table.layout == "matrix" else _in_rows
    return f"{_ERRORS}\n\n{draw(table, rows, counted, form)}"


def _in_rows(
    table: Table, rows: list[str], counted: Mapping[CellKey, OurResult], form: Form
) -> str:
    shown = [n for n in range(len(table.columns)) if any((row, n) in counted for row in rows)]
    among = {
        n: {_format_trials(counted[row, n]) for row in rows if (row, n) in counted} for n in shown
    }
    common = {n: next(iter(texts)) for n, texts in among.items() if len(texts) == 1}
    lines = [[fill_template("*of*"), *(common.get(n, "") for n in shown)]]
    lines += [
        [row, *(_format_counts(counted.get((row, n)), n in common) for n in shown)] for row in rows
    ]
    headings = ["Row", *(name_column(table.columns[n]) for n in shown)]
    return format_report_table(headings, lines, form)


def _in_matrices(
    table: Table, rows: list[str], counted: Mapping[CellKey, OurResult], form: Form
) -> str:
    down, across = list_sides(table.columns)
    index = index_matrix(table.columns)
    parts: list[str] = []
    for row in rows:
        cells = {at: counted.get((row, column)) for at, column in index.items()}
        lines = [
            [group, *(_format_counts(cells.get((group, name)), False) for name in across)]
            for group in down
        ]
        parts += [escape_text(f"{row}:"), format_report_table(["", *across], lines, form)]
    return "\n\n".join(parts)


def _format_counts(ours: OurResult | None, bare: bool) -> str:
    if ours is None:
        return _NOTHING
    text = f"{_format_count(ours.missed)} + {_format_count(ours.accepted)}"
    return text if bare else fill_template("{} <small>of {}</small>", text, _format_trials(ours))


def _format_trials(ours: OurResult) -> str:
    return f"{_format_count(ours.bonafide)} + {_format_count(ours.spoof)}"


def _format_count(number: float | None) -> str:
    """Return a count; a mean over seeds that is not whole has one decimal."""
    if number is None:
        return "?"
    return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"


def format_trainings(table: Table, standings: RunsByRow, form: Form) -> str:
    """Return a line for each run: which weights were scored, why training ended, its results."""
    columns = [(n, column) for n, column in enumerate(table.columns) if column.combine == "none"]
    columns = columns if len(table.columns) <= _MOST_COLUMNS else []
    readers: Mapping[str, Callable[[StoredRun], str]] = {
        "Epoch kept": lambda run: run.kept_epoch,
        "Dev results": _on_dev,
        "Epochs trained": lambda run: run.epochs,
        "Training ended": lambda run: run.why_ended,
        **{
            name_column(table.columns[n]): lambda run, column=column: _format_value(
                run, column.metric, count_decimals(column)
            )
            for n, column in columns
        },
    }
    runs = [(row, run) for row, stands in standings.items() for run in stands.runs]
    used = {name: read for name, read in readers.items() if any(read(run) for _, run in runs)}
    lines = [
        [row, str(run.seed), *(read(run) or _NOTHING for read in used.values())]
        for row, run in runs
    ]
    return "The weights that were scored, and the results of each seed:\n\n" + format_report_table(
        ["Row", "Seed", *used], lines, form
    )


def _on_dev(run: StoredRun) -> str:
    figures: dict[str, float] = json.loads(run.kept_dev or "{}")
    return ", ".join(f"{name} {format_value(name, value)}" for name, value in figures.items())


def _format_value(run: StoredRun, name: str, places: int) -> str:
    return f"{run.figures[name]:.{places}f}" if run.has_figure(name) else ""


def format_other_metrics(table: Table, standings: RunsByRow, form: Form) -> str:
    """Return metrics of whole evaluations that no column has, mean over seeds; empty if none."""
    printed = {column.metric for column in table.columns}
    evaluations = {
        name.partition(".")[0]
        for column in table.columns
        for name in (column.parts or (column.metric,))
    }
    names = {
        name
        for row_runs in standings.values()
        for run in row_runs.runs
        for name in run.figures
        if name.partition(".")[0] in evaluations
        and name.count(".") == 1
        and find_metric(name)
        and name not in printed
    }
    lines: list[list[str]] = []
    for name in sorted(names):
        info = find_metric(name)
        means = [_format_mean(row_runs, name) for row_runs in standings.values()]
        if info and any(means):
            evaluation = name.partition(".")[0]
            lines.append([evaluation, info.label, *(mean or _NOTHING for mean in means)])
    if not lines:
        return ""
    introduction = "Other metrics of the same scores, mean over seeds (rates in per cent):"
    headings = ["Evaluation", "Metric", *standings]
    return f"{introduction}\n\n{format_report_table(headings, lines, form)}"


def _format_mean(stands: RowRuns, name: str) -> str:
    values = [run.figures[name] for run in stands.runs if run.has_figure(name)]
    return f"{fmean(values):.{metric_decimals(name)}f}" if values else ""


def format_breath_shares(standings: RunsByRow, form: Form) -> str:
    """Return how much of each split is marked as breath, by class; empty where rows hear none."""
    seen: dict[tuple[str, ...], list[str]] = {}
    for row, stands in standings.items():
        for text in dict.fromkeys(run.breaths for run in stands.runs):
            for split, share_by_class in json.loads(text or "{}").items():
                shares = [
                    _format_share(share_by_class.get(name))
                    for name in ("bonafide", "spoof", "utterances")
                ]
                rows = seen.setdefault((split, *shares), [])
                rows += [row] if row not in rows else []
    if not seen:
        return ""
    order = [*standings]
    lines = [
        [split, *shares, format_row_names(rows, order)]
        for (split, *shares), rows in sorted(seen.items())
    ]
    headings = ["Split", "Bona fide", "Spoof", "Utterances with a mark", "Rows"]
    introduction = (
        "Share of hops that are marked as breath, by class, and share of utterances with any mark."
    )
    return f"{introduction}\n\n{format_report_table(headings, lines, form)}"


def _format_share(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.2f} %"
