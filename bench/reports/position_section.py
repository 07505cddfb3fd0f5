"""Rows compared by where their errors are: inside of segments and at boundaries."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bench._io.markdown import escape_text, fill_template
from bench.config import Form
from bench.evaluation.frame_errors import PositionErrorRates
from bench.metrics.between import SeededResult, SystemDifference, compare_systems
from bench.metrics.exact import FEW
from bench.metrics.paired import correct_holm
from bench.metrics.positions import POSITION_NAMES, POSITIONS, name_distances
from bench.reports.name_ranges import format_interval
from bench.reports.row_runs import RunsByRow
from bench.reports.row_tests import SIGNIFICANCE_LEVEL
from bench.reports.stored_results import StoredResults
from bench.reports.table_model import format_report_table
from bench.smoke import smoke_prefix
from bench.specs.run import Run
from bench.specs.table import Table
from bench.units import CLASSES

_WORDS = """\
Error rates of frames in per cent, mean over seeds; the larger logit decides. Small print: the 95 %
confidence interval of one run. `middle` and the larger distances are frames away from a boundary.
A line `S5 - S3` shows how many more errors S5 has than S3, with the 95 % interval of the paired
difference. **fewer** and **more** mark significant differences (5 %, corrected by Holm for all
lines and columns of a table)."""


class _Row(NamedTuple):
    """One row's error rates on an evaluation: one set for each seed."""

    seeds: tuple[PositionErrorRates, ...]

    def has_group(self, group: str) -> bool:
        """Return whether every seed has frames of the group; rows differ in their resolution."""
        return all(group in rates.names for rates in self.seeds)

    def read_group(self, group: str) -> SeededResult:
        at = [rates.names.index(group) for rates in self.seeds]
        pairs = [*zip(self.seeds, at, strict=True)]
        return SeededResult(
            np.array([100 * rates.values[n] for rates, n in pairs]),
            np.stack([100 * rates.replicates[:, n] for rates, n in pairs]),
        )

    def read_mean(self, what: str, group: str) -> float:
        return float(np.mean([getattr(one, what)[one.names.index(group)] for one in self.seeds]))


def describe_position_errors(
    table: Table,
    runs: Mapping[str, Run],
    standings: RunsByRow,
    artifacts: StoredResults | None,
    form: Form,
) -> str:
    """Return the section of a report on localization; empty where no row keeps scores of frames."""
    parts: list[str] = []
    for evaluation in dict.fromkeys(name for run in runs.values() for name in run.evaluate):
        rows = _read_rows(evaluation, runs, standings, artifacts)
        if rows:
            parts += _describe_evaluation(table, evaluation, rows, form)
    if not parts:
        return ""
    return "\n\n".join([f"## {smoke_prefix(form)}Errors by position of the frame", _WORDS, *parts])


def _read_rows(
    evaluation: str, runs: Mapping[str, Run], standings: RunsByRow, artifacts: StoredResults | None
) -> dict[str, _Row]:
    """Return the complete rows that keep their scores of the evaluation's frames."""
    complete: dict[str, _Row] = {}
    for row, stands in standings.items():
        data = runs[row].evaluate.get(evaluation)
        if artifacts is None or data is None or data.resolution_s is None or stands.missing:
            continue
        seeds = [artifacts.read_position_rates(run.run_id, evaluation) for run in stands.runs]
        present = [rates for rates in seeds if rates is not None]
        if present and len(present) == len(seeds):
            complete[row] = _Row(tuple(present))
    return complete


def _describe_evaluation(
    table: Table, evaluation: str, rows: Mapping[str, _Row], form: Form
) -> list[str]:
    names = list(dict.fromkeys(name for row in rows.values() for name in row.seeds[0].names))
    places = [name for name in names if name in POSITION_NAMES]
    distances = [name for name in names if name not in POSITION_NAMES]
    tables = [(f"{evaluation}, by position in the segment", "-", POSITIONS, places)]
    ways = name_distances()
    tables += [(f"{evaluation}, by distance to the nearest boundary", " ", ways, distances)]
    parts: list[str] = []
    for title, between_words, columns, groups in tables:
        parts += [
            escape_text(f"{title}:"),
            _format_rates(table, rows, between_words, columns, groups, form),
        ]
    return parts


def _format_rates(
    table: Table,
    rows: Mapping[str, _Row],
    joint: str,
    columns: Sequence[str],
    shown: Sequence[str],
    form: Form,
) -> str:
    """Return rates and steps as a table: a line for each row or step and class."""
    columns = [way for way in columns if any(f"{name}{joint}{way}" in shown for name in CLASSES)]
    steps = _compare_steps(table, rows, shown)
    lines: list[list[str]] = []
    for name in CLASSES:
        groups = [f"{name}{joint}{way}" for way in columns]
        lines += [
            [row, name, *(_format_rate(row_rates, group) for group in groups)]
            for row, row_rates in rows.items()
        ]
        for child, parent in dict.fromkeys((child, parent) for child, parent, _ in steps):
            texts = [steps.get((child, parent, group), "") for group in groups]
            lines.append([f"{child} - {parent}", name, *texts])
    return format_report_table(["Row", "Class", *columns], lines, form)


def _format_rate(row: _Row, group: str) -> str:
    if not row.has_group(group):
        return ""
    low, high = (100 * row.read_mean(bound, group) for bound in ("low", "high"))
    interval = format_interval(low, high, 2)
    rate = f"{100 * row.read_mean('values', group):.2f}"
    return fill_template("{} <small>{}</small>", rate, interval) if interval else rate


def _compare_steps(
    table: Table, rows: Mapping[str, _Row], groups: Sequence[str]
) -> dict[tuple[str, str, str], str]:
    """Return each row against its parent in each group, in words."""
    pairs = [
        (row, str(parent))
        for row in rows
        if (parent := table.rows[row].parent) in rows
        and {rates.trials for rates in (*rows[row].seeds, *rows[str(parent)].seeds)}
        == {rows[row].seeds[0].trials}
    ]
    places = [
        (child, parent, group)
        for child, parent in pairs
        for group in groups
        if rows[child].has_group(group) and rows[parent].has_group(group)
    ]
    differences = [
        compare_systems(rows[child].read_group(group), rows[parent].read_group(group))
        for child, parent, group in places
    ]
    corrected = correct_holm([difference.p_value for difference in differences])
    few = [
        max(rows[row].read_mean("erring", group) for row in (child, parent)) < FEW
        for child, parent, group in places
    ]
    return {
        step: _format_step(difference, p_value, sparse)
        for step, difference, p_value, sparse in zip(
            places, differences, corrected, few, strict=True
        )
    }


def _format_step(difference: SystemDifference, p_value: float, few: bool) -> str:
    interval = format_interval(difference.low, difference.high, 2)
    text = f"{round(difference.value, 2) + 0.0:+.2f} {interval}".strip()
    if few:
        return f"{text} too few errors"
    if p_value > SIGNIFICANCE_LEVEL:
        return text
    return fill_template("**{}** {}", "fewer" if difference.value < 0 else "more", text)
