"""Results with their intervals as cells of tables, and the table of a breakdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench._io.markdown import escape_text, format_list, format_table
from bench.evaluation.score_report import Breakdown, BreakdownLine
from bench.metrics.catalogue import find_metric, format_value, is_rate
from bench.metrics.measured import MetricResult

DIGITS = 6
"""Decimals of a result: as many as the organisers' packages print, for who checks theirs. Those of
its interval say how many of them matter."""
TOO_FEW = "too few errors to judge"
INTERVAL = "95 % interval"
P_VALUE = "p"
NONE = "–"


def render_columns(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table, without columns of intervals and p-values that are empty."""
    columns = [
        n
        for n, heading in enumerate(headings)
        if heading not in (INTERVAL, P_VALUE) or any(row[n] != NONE for row in rows)
    ]
    return format_table([headings[n] for n in columns], [[row[n] for n in columns] for row in rows])


def format_with_interval(name: str, result: MetricResult) -> tuple[str, str]:
    """Return a result and its interval as they are printed; – where there is no interval."""
    value = format_value(name, result.value, DIGITS)
    if math.isnan(result.low):
        return value, NONE
    if result.few and _says_nothing(name, result):
        return value, TOO_FEW
    return value, f"{format_value(name, result.low)} to {format_value(name, result.high)}"


def _says_nothing(name: str, result: MetricResult) -> bool:
    """Return whether an interval holds what chance alone gives.

    That is half of the trials wrong, or the cost of deciding nothing.
    """
    return result.low <= (0.5 if is_rate(name) else 1.0) <= result.high


def render_breakdown(breakdown: Breakdown) -> list[str]:
    """Return a breakdown as lines of Markdown, with an explanation of ties below it."""
    names = list(dict.fromkeys(name for line in breakdown.lines for name in line.results))
    labels = [info.label if (info := find_metric(name)) else name for name in names]
    headings = [*breakdown.by, *(h for label in labels for h in (label, INTERVAL))]
    headings += ["Bona fide", "Spoof", *_errors_of(breakdown)]
    lacking = any(line.missing for line in breakdown.lines)
    headings += ["Missing"] if lacking else []
    rows: list[list[str]] = []
    for line in breakdown.lines:
        row = list(line.levels)
        for name in names:
            result = line.results.get(name)
            value, interval = (
                format_with_interval(name, result) if result else ("not defined", NONE)
            )
            row += [value + _TIED * (name == "eer" and line.ties is not None), interval]
        row += [f"{line.bonafide:,}", f"{line.spoof:,}"]
        row += [_format_count(line, heading) for heading in _errors_of(breakdown)]
        rows.append([*row, *([f"{line.missing or 0:,}"] if lacking else [])])
    return [*render_columns(headings, rows), *_describe_ties(breakdown)]


_TIED = " ᵉ"
_COUNTS = {"Missed at the EER": "missed", "Accepted at the EER": "accepted"}


def _errors_of(breakdown: Breakdown) -> tuple[str, ...]:
    """Return the headings of the errors behind the EERs of a breakdown that has EERs."""
    return (*_COUNTS,) * any("eer" in line.results for line in breakdown.lines)


def _format_count(line: BreakdownLine, heading: str) -> str:
    count: float = getattr(line.results.get("eer"), _COUNTS[heading], math.nan)
    return NONE if math.isnan(count) else f"{count:,.0f}"


def _describe_ties(breakdown: Breakdown) -> list[str]:
    """Return which EERs depend on how ties are counted, and by how much."""
    texts = [
        f"{' '.join(line.levels)}: {ties.bonafide:,.0f} bona fide and {ties.spoof:,.0f} spoof "
        f"share {ties.score:.9g}; ASVspoof's packages print {format_value('eer', ties.official)}, "
        f"any order of these gives {format_value('eer', ties.lowest)} to "
        f"{format_value('eer', ties.highest)}"
        for line in breakdown.lines
        if (ties := line.ties)
    ]
    what = f"{_TIED.strip()}: the EER depends on how ties are counted:"
    return ["", escape_text(what), "", format_list(texts)] if texts else []
