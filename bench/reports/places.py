"""Rows set against each other by where their errors are: inside of segments and at boundaries."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench._io.markdown import escaped, marked
from bench.config import Form
from bench.evaluation.places import Placed
from bench.metrics.between import Between, Trained, between
from bench.metrics.exact import FEW
from bench.metrics.paired import holm
from bench.metrics.positions import POSITION_NAMES, POSITIONS
from bench.reports.compared import LEVEL
from bench.reports.grid import bracketed, grid, smoke_word
from bench.reports.kept import Kept
from bench.reports.standings import Standing
from bench.specs.run import Run
from bench.specs.table import Table
from bench.units import CLASSES

_WORDS = """\
Error rates of frames in per cent, decided by the larger logit, mean over seeds; in small print the
95 % interval of one run. `middle` and the larger distances are what is not at a boundary. A line
`S5 - S3` is how much more errors the first row has, with the 95 % interval of the paired
difference; **fewer** and **more** mark significant differences (5 %, corrected by Holm for all
lines and places of a table)."""


class _Row(NamedTuple):
    """One row's error rates on an evaluation: a `Placed` of each seed."""

    seeds: tuple[Placed, ...]

    def trained(self, group: str) -> Trained:
        at = [of.names.index(group) for of in self.seeds]
        pairs = [*zip(self.seeds, at, strict=True)]
        return Trained(
            np.array([100 * of.values[n] for of, n in pairs]),
            np.stack([100 * of.replicates[:, n] for of, n in pairs]),
        )

    def mean(self, what: str, group: str) -> float:
        return float(np.mean([getattr(of, what)[of.names.index(group)] for of in self.seeds]))


def section(
    table: Table,
    runs: Mapping[str, Run],
    standings: Mapping[str, Standing],
    kept: Kept | None,
    form: Form,
) -> str:
    """Return the section of a report on localization; empty where no row keeps scores of frames."""
    parts: list[str] = []
    for evaluation in dict.fromkeys(name for run in runs.values() for name in run.evaluate):
        rows = _rows(evaluation, runs, standings, kept)
        if rows:
            parts += _of_evaluation(table, evaluation, rows, form)
    if not parts:
        return ""
    return "\n\n".join([f"## {smoke_word(form)}Errors by where frames are", _WORDS, *parts])


def _rows(
    evaluation: str,
    runs: Mapping[str, Run],
    standings: Mapping[str, Standing],
    kept: Kept | None,
) -> dict[str, _Row]:
    """Return the complete rows that keep their scores of the evaluation's frames."""
    found: dict[str, _Row] = {}
    for row, stands in standings.items():
        data = runs[row].evaluate.get(evaluation)
        if kept is None or data is None or data.resolution_s is None or stands.missing:
            continue
        seeds = [kept.placed(str(run_id), evaluation) for run_id in stands.runs["run_id"]]
        known = [of for of in seeds if of is not None]
        if known and len(known) == len(seeds):
            found[row] = _Row(tuple(known))
    return found


def _of_evaluation(
    table: Table, evaluation: str, rows: Mapping[str, _Row], form: Form
) -> list[str]:
    names = list(dict.fromkeys(name for row in rows.values() for name in row.seeds[0].names))
    places = [name for name in names if name in POSITION_NAMES]
    distances = [name for name in names if name not in POSITION_NAMES]
    found = [(f"{evaluation}, by place in the segment", "-", POSITIONS, places)]
    ways = list(dict.fromkeys(name.partition(" ")[2] for name in distances))
    found += [(f"{evaluation}, by distance to the nearest boundary", " ", tuple(ways), distances)]
    parts: list[str] = []
    for title, between_words, columns, known in found:
        parts += [escaped(f"{title}:"), _drawn(table, rows, between_words, columns, known, form)]
    return parts


def _drawn(
    table: Table,
    rows: Mapping[str, _Row],
    joint: str,
    columns: Sequence[str],
    known: Sequence[str],
    form: Form,
) -> str:
    """Return rates and steps as a table: a line for each row or step and class."""
    columns = [way for way in columns if any(f"{name}{joint}{way}" in known for name in CLASSES)]
    steps = _steps(table, rows, known)
    lines: list[list[str]] = []
    for name in CLASSES:
        groups = [f"{name}{joint}{way}" for way in columns]
        lines += [[row, name, *(_rate(of, group) for group in groups)] for row, of in rows.items()]
        for child, parent in dict.fromkeys((child, parent) for child, parent, _ in steps):
            own = [steps.get((child, parent, group), "") for group in groups]
            lines.append([f"{child} - {parent}", name, *own])
    return grid(["Row", "Class", *columns], lines, form)


def _rate(row: _Row, group: str) -> str:
    if any(group not in of.names for of in row.seeds):
        return ""
    interval = bracketed(100 * row.mean("low", group), 100 * row.mean("high", group), 2)
    rate = f"{100 * row.mean('values', group):.2f}"
    return marked("{} <small>{}</small>", rate, interval) if interval else rate


def _steps(
    table: Table, rows: Mapping[str, _Row], known: Sequence[str]
) -> dict[tuple[str, str, str], str]:
    """Return each row against its parent in each group, in words."""
    pairs = [
        (row, str(parent))
        for row in rows
        if (parent := table.rows[row].parent) in rows
        and {of.trials for of in (*rows[row].seeds, *rows[str(parent)].seeds)}
        == {rows[row].seeds[0].trials}
    ]
    places = [(child, parent, group) for child, parent in pairs for group in known]
    found = [_between(rows[child], rows[parent], group) for child, parent, group in places]
    corrected = holm([of.p_value for of in found])
    few = [
        max(rows[row].mean("erring", group) for row in (child, parent)) < FEW
        for child, parent, group in places
    ]
    return {
        place: _said(of, p_value, sparse)
        for place, of, p_value, sparse in zip(places, found, corrected, few, strict=True)
    }


def _between(child: _Row, parent: _Row, group: str) -> Between:
    return between(child.trained(group), parent.trained(group))


def _said(of: Between, p_value: float, few: bool) -> str:
    interval = bracketed(of.low, of.high, 2)
    text = f"{round(of.value, 2) + 0.0:+.2f} {interval}".strip()
    if few:
        return f"{text} too few errors"
    if p_value > LEVEL:
        return text
    return marked("**{}** {}", "fewer" if of.value < 0 else "more", text)
