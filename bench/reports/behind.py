"""The errors and runs behind each result: the errors that it counts and the trials it counts them
among, the training that it is of, and the metrics that the table does not print.
"""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from bench._io.markdown import escaped, marked
from bench.config import Form
from bench.metrics.catalogue import digits, metric, shown
from bench.reports.cells import Cell, Ours, decimals
from bench.reports.grid import grid, ranged, smoke_word
from bench.reports.standings import Standing
from bench.reports.tables import Place, sides
from bench.specs.table import Table

_ERRORS = """\
Errors at each result's threshold, mean over seeds: bona fide rejected + spoof accepted. The line
*of* has the trials (of localization: frames), bona fide + spoof. With fewer than five errors a
result is very uncertain."""
_MOST_COLUMNS = 8
"""Of a table with more, figures of single seeds are in the CSV only."""
_NOTHING = "–"


def section(
    table: Table, found: tuple[Cell, ...], standings: Mapping[str, Standing], form: Form
) -> str:
    """Return the section of a report; empty where no row was run."""
    shown_rows = {row: stands for row, stands in standings.items() if len(stands.runs)}
    if not shown_rows:
        return ""
    parts = [
        errors(table, found, form),
        trainings(table, shown_rows, form),
        side_figures(table, shown_rows, form),
        breaths(shown_rows, form),
    ]
    heading = f"## {smoke_word(form)}Errors and runs behind each result"
    return "\n\n".join([heading, *filter(None, parts)])


def errors(table: Table, found: tuple[Cell, ...], form: Form) -> str:
    """Return the errors of every cell that counts some, laid out as the table is; empty where none
    does.
    """
    known = {(of.row, of.column): of.ours for of in found if of.ours and of.ours.errors is not None}
    rows = [row for row in table.rows if any(row == name for name, _ in known)]
    if not rows:
        return ""
    draw = _in_matrices if table.layout == "matrix" else _in_rows
    return f"{_ERRORS}\n\n{draw(table, rows, known, form)}"


def _in_rows(table: Table, rows: list[str], known: Mapping[Place, Ours], form: Form) -> str:
    places = [n for n in range(len(table.columns)) if any((row, n) in known for row in rows)]
    among = {n: {_among(known[row, n]) for row in rows if (row, n) in known} for n in places}
    common = {n: next(iter(of)) for n, of in among.items() if len(of) == 1}
    lines = [[marked("*of*"), *(common.get(n, "") for n in places)]]
    lines += [[row, *(_counted(known.get((row, n)), n in common) for n in places)] for row in rows]
    return grid(["Row", *(_name(table, n) for n in places)], lines, form)


def _in_matrices(table: Table, rows: list[str], known: Mapping[Place, Ours], form: Form) -> str:
    down, across = sides(table.columns)
    place = {(column.group, column.heading): n for n, column in enumerate(table.columns)}
    parts: list[str] = []
    for row in rows:
        own = [
            [group, *(_counted(known.get((row, place.get((group, h), -1))), False) for h in across)]
            for group in down
        ]
        parts += [escaped(f"{row}:"), grid(["", *across], own, form)]
    return "\n\n".join(parts)


def _counted(ours: Ours | None, bare: bool) -> str:
    if ours is None:
        return _NOTHING
    text = f"{_count(ours.missed)} + {_count(ours.accepted)}"
    return text if bare else marked("{} <small>of {}</small>", text, _among(ours))


def _among(ours: Ours) -> str:
    return f"{_count(ours.bonafide)} + {_count(ours.spoof)}"


def _count(number: float | None) -> str:
    """Return a count; a mean over seeds that is not whole has one decimal."""
    if number is None:
        return "?"
    return f"{number:,.0f}" if number == round(number) else f"{number:,.1f}"


def trainings(table: Table, standings: Mapping[str, Standing], form: Form) -> str:
    """Return a line for each run: the weights that were kept, why training ended, and the figures
    of the run itself.
    """
    columns = [(n, column) for n, column in enumerate(table.columns) if column.combine == "none"]
    columns = columns if len(table.columns) <= _MOST_COLUMNS else []
    said: Mapping[str, Callable[[Mapping[Any, Any]], str]] = {
        "Epoch kept": lambda run: _text(run, "kept_epoch"),
        "Dev results": _on_dev,
        "Epochs trained": lambda run: _text(run, "epochs"),
        "Training ended": lambda run: _text(run, "why_ended"),
        **{
            _name(table, n): lambda run, of=column: _value(run, of.metric, decimals(of))
            for n, column in columns
        },
    }
    runs = [(row, run) for row, of in standings.items() for run in of.runs.to_dict("records")]
    kept = {name: of for name, of in said.items() if any(of(run) for _, run in runs)}
    lines = [
        [row, str(run["seed"]), *(of(run) or _NOTHING for of in kept.values())] for row, run in runs
    ]
    return "The weights that were scored, and the results of each seed:\n\n" + grid(
        ["Row", "Seed", *kept], lines, form
    )


def _on_dev(run: Mapping[Any, Any]) -> str:
    figures: dict[str, float] = json.loads(_text(run, "kept_dev") or "{}")
    return ", ".join(f"{name} {shown(name, value)}" for name, value in figures.items())


def _text(run: Mapping[Any, Any], name: str) -> str:
    """Return what a run says under a name; nothing where it says nothing."""
    value = run.get(name, "")
    return value if isinstance(value, str) else ""


def _value(run: Mapping[Any, Any], name: str, places: int) -> str:
    value = run.get(name)
    return "" if value is None or value != value else f"{value:.{places}f}"


def side_figures(table: Table, standings: Mapping[str, Standing], form: Form) -> str:
    """Return the figures of whole evaluations that were logged and that no column has, mean over
    seeds; empty where there is none.
    """
    printed = {column.metric for column in table.columns}
    evaluations = {
        name.partition(".")[0]
        for column in table.columns
        for name in (column.parts or (column.metric,))
    }
    names = {
        name
        for of in standings.values()
        for name in of.runs.columns
        if name.partition(".")[0] in evaluations
        and name.count(".") == 1
        and metric(name)
        and name not in printed
    }
    lines: list[list[str]] = []
    for name in sorted(names):
        known = metric(name)
        means = [_mean(of, name) for of in standings.values()]
        if known and any(means):
            evaluation = name.partition(".")[0]
            lines.append([evaluation, known.label, *(mean or _NOTHING for mean in means)])
    if not lines:
        return ""
    said = "Other metrics of the same scores, mean over seeds (rates in per cent):"
    return f"{said}\n\n{grid(['Evaluation', 'Metric', *standings], lines, form)}"


def _mean(stands: Standing, name: str) -> str:
    if name not in stands.runs:
        return ""
    mean = float(stands.runs[name].astype(float).mean())
    return "" if mean != mean else f"{mean:.{digits(name)}f}"


def breaths(standings: Mapping[str, Standing], form: Form) -> str:
    """Return how much of each split is marked as breath, by class; empty where rows hear none."""
    seen: dict[tuple[str, ...], list[str]] = {}
    for row, stands in standings.items():
        for text in dict.fromkeys(_text(run, "breaths") for run in stands.runs.to_dict("records")):
            for split, of in json.loads(text or "{}").items():
                shares = [_share(of.get(name)) for name in ("bonafide", "spoof", "utterances")]
                rows = seen.setdefault((split, *shares), [])
                rows += [row] if row not in rows else []
    if not seen:
        return ""
    order = [*standings]
    lines = [
        [split, *shares, ranged(rows, order)] for (split, *shares), rows in sorted(seen.items())
    ]
    headings = ["Split", "Bona fide", "Spoof", "Utterances with a mark", "Rows"]
    said = "Marked as breath: the share of hops, by class, and of utterances that have any."
    return f"{said}\n\n{grid(headings, lines, form)}"


def _share(value: float | None) -> str:
    return _NOTHING if value is None else f"{100 * value:.2f} %"


def _name(table: Table, place: int) -> str:
    column = table.columns[place]
    return f"{column.group} {column.heading}".strip()
