"""A report of a score file as text for people, as Markdown's tables, and as what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench._io.markdown import (
    escape_text,
    fill_template,
    format_heading,
    format_list,
    format_prose,
    format_table,
)
from bench.evaluation.breakdown_table import (
    DIGITS,
    INTERVAL,
    NONE,
    P_VALUE,
    TOO_FEW,
    format_with_interval,
    render_breakdown,
    render_columns,
)
from bench.evaluation.comparison import Compared, Comparison
from bench.evaluation.findings import describe_finding
from bench.evaluation.json_units import as_printed, in_unit, printed_result
from bench.evaluation.published import published_as_dict, render_published
from bench.evaluation.score_report import ScoreReport
from bench.issues import Issue
from bench.metrics.catalogue import find_metric, format_value, printed_unit
from bench.metrics.eer_variants import FORMULAS
from bench.metrics.measured import MetricResult
from bench.smoke import smoke_prefix

_UNDRAWN = "none, as requested"
DIFFERENCE = """\
- difference: A minus B on the same resamples; p-values are two-sided (t-test; if A and B differ in
  few errors, the larger of this p-value and that of the exact test of these errors) and corrected
  for the number of lines that compare one metric (Holm)"""


def render_report(report: ScoreReport) -> str:
    """Return the report as Markdown, readable as plain text too."""
    name = report.name or report.scores.name
    title = f"{smoke_prefix(report.form)}{name} on {report.corpus}, {report.split}"
    remarks = [*map(_format_finding, report.findings), *map(format_prose, report.notes)]
    lines = [
        format_heading(1, title),
        "",
        format_list([*_list_facts(report), *remarks]),
        "",
        *_results_section(report),
        *_formulas_section(report),
        *_published_section(report),
    ]
    for breakdown in report.breakdowns:
        by = f"By {' and '.join(breakdown.by)}{_missing_note(report.missing)}"
        lines += ["", format_heading(2, by), "", *render_breakdown(breakdown)]
    lines += ["", *_describe_intervals(report)]
    source = f"Scores: SHA-256 {report.digest}...; keys: fingerprint {report.fingerprint}."
    lines += [escape_text(source)]
    return "\n".join(lines) + "\n"


def _describe_intervals(report: ScoreReport) -> list[str]:
    if not report.resampling:
        return [f"Intervals: {_UNDRAWN}."]
    every = [report.results, *(line.results for each in report.breakdowns for line in each.lines)]
    none = any(math.isnan(result.low) for results in every for result in results.values())
    why = " –: no interval, because the organisers' tool gives none or there is one speaker." * none
    other = (
        f" Intervals that resample {report.otherwise}: verdict.json." if report.otherwise else ""
    )
    return [escape_text(f"Intervals: {report.resampling}.{other}{why}")]


def _published_section(report: ScoreReport) -> list[str]:
    published = report.published
    return ["", *render_published(published, report.results)] if published else []


def _formulas_section(report: ScoreReport) -> list[str]:
    if not report.formulas:
        return []
    rows = [
        [name, format_value("eer", rate, DIGITS), FORMULAS[name]]
        for name, rate in report.formulas.items()
    ]
    title = "## The same scores under every EER definition in use"
    return ["", title, "", *format_table(["Definition", "EER", "What it is"], rows)]


def render_comparison(result: Comparison) -> str:
    """Return a comparison as Markdown, readable as plain text too."""
    names = f"{result.names[0]} (A) and {result.names[1]} (B)"
    title = f"{smoke_prefix(result.form)}{names} on {result.corpus}, {result.split}"
    rest = f"; {result.left_out:,} of the split are left out" if result.left_out else ""
    lines = [
        format_heading(1, title),
        "",
        f"- {result.trials:,} utterances scored by both{rest}",
        *([DIFFERENCE] if result.resampling else []),
        *filter(None, [format_list([*_list_findings(result), *map(format_prose, result.notes)])]),
        "",
    ]
    without = f", {result.left_out:,} left out" if result.left_out else ""
    rows = render_compared(result.by, result.compared, without)
    intervals = escape_text(f"Intervals: {result.resampling or _UNDRAWN}.")
    return "\n".join([*lines, *rows, "", intervals]) + "\n"


def render_compared(
    by: Sequence[str], compared: Sequence[Compared], without: str = ""
) -> list[str]:
    """Return differences as a table of Markdown.

    `by` are the fields of their levels, `without` stands behind each result.
    """
    if not compared:
        return ["No result."]
    rows = [
        [
            *each.levels,
            (info.label if (info := find_metric(each.metric)) else each.metric) + without,
            *(format_value(each.metric, value, DIGITS) for value in (each.a, each.b)),
            _format_signed(each.metric, each.difference.value),
            *_interval_cells(each),
        ]
        for each in compared
    ]
    return render_columns([*by, "Metric", "A", "B", "Difference", INTERVAL, P_VALUE], rows)


def _list_findings(result: Comparison) -> list[str]:
    """Return what is noteworthy about `keys`, `A` and `B`."""
    return [
        fill_template("{}: {}", name, _format_finding(finding))
        for name, findings in result.findings.items()
        for finding in findings
    ]


def _interval_cells(compared: Compared) -> tuple[str, str]:
    """Return interval and p-value of a difference, or that it has none."""
    if math.isnan(compared.corrected):
        return NONE, NONE
    low, high = (
        _format_signed(compared.metric, bound)
        for bound in (compared.difference.low, compared.difference.high)
    )
    return f"{low} to {high}", TOO_FEW if compared.difference.few else f"{compared.corrected:.4f}"


def comparison_as_dict(result: Comparison) -> dict[str, Any]:
    """Return a comparison as what JSON can hold; rates in per cent."""
    return {
        **{key: getattr(result, key) for key in ("form", "corpus", "split", "trials", "left_out")},
        "a": str(result.a),
        "b": str(result.b),
        "names": list(result.names),
        "findings": {
            name: _findings_as_dicts(findings) for name, findings in result.findings.items()
        },
        "notes": list(result.notes),
        "resampling": result.resampling,
        "compared": compared_as_dicts(result.by, result.compared),
    }


def compared_as_dicts(by: Sequence[str], compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return differences as what JSON can hold; rates in per cent."""
    return [
        {
            "levels": dict(zip(by, each.levels, strict=False)),
            "metric": each.metric,
            "a": in_unit(each.metric, each.a),
            "b": in_unit(each.metric, each.b),
            "unit": printed_unit(each.metric),
            "difference": _replace_nan(as_printed(each.metric, each.difference._asdict())),
            "p_corrected": None if math.isnan(each.corrected) else each.corrected,
        }
        for each in compared
    ]


def _format_signed(name: str, value: float) -> str:
    text = format_value(name, value)
    return text if text.startswith("-") else f"+{text}"


def report_as_dict(report: ScoreReport) -> dict[str, Any]:
    """Return the report as what JSON can hold; rates in per cent."""
    return {
        **{name: getattr(report, name) for name in _AS_THEY_ARE},
        "formulas": {name: printed_result("eer", rate) for name, rate in report.formulas.items()},
        "published": published_as_dict(report.published) if report.published else None,
        "name": report.name or report.scores.name,
        "scores": str(report.scores.absolute()),
        "keys": str(report.keys),
        "notes": list(report.notes),
        "findings": _findings_as_dicts(report.findings),
        "results": results_as_dict(report.results),
        "breakdowns": [
            {
                "by": list(breakdown.by),
                "lines": [
                    {
                        "levels": dict(zip(breakdown.by, line.levels, strict=True)),
                        "bonafide": line.bonafide,
                        "spoof": line.spoof,
                        "missing": line.missing,
                        "ties": line.ties and as_printed("eer", line.ties._asdict()),
                        "results": results_as_dict(line.results),
                    }
                    for line in breakdown.lines
                ],
            }
            for breakdown in report.breakdowns
        ],
    }


_AS_THEY_ARE = (
    *("form", "corpus", "short", "split", "digest", "fingerprint", "taken"),
    *("trials", "missing", "bonafide", "spoof", "negated", "resampling", "otherwise"),
)


def _findings_as_dicts(findings: Sequence[Issue]) -> list[dict[str, Any]]:
    return [issue.as_dict() for issue in findings]


def _format_finding(finding: Issue) -> str:
    text = format_prose(describe_finding(finding))
    return fill_template("**warning**: {}", text) if finding.severity == "warning" else text


def _list_facts(report: ScoreReport) -> list[str]:
    evaluated = report.bonafide + report.spoof
    trials = (
        f"{evaluated:,} of {report.trials:,} trials" if report.missing else f"{evaluated:,} trials"
    )
    facts = [
        f"{trials}: {report.bonafide:,} bona fide, {report.spoof:,} spoof",
        f"scores: {report.scores}, {report.taken}",
        f"keys: {report.keys}",
    ]
    if report.negated:
        facts.append("scores were negated, as requested")
    return facts


def _results_section(report: ScoreReport) -> list[str]:
    if not report.results:
        return ["No result."]
    return render_results(report.results, _ERROR_HEADINGS, _missing_note(report.missing))


def render_results(
    results: Mapping[str, MetricResult], error_headings: Sequence[str], missing: str = ""
) -> list[str]:
    """Return the lines of a table of results.

    `error_headings` are those of the errors of both classes, `missing` stands beside each result.
    """
    rows: list[list[str]] = []
    for name, result in results.items():
        info = find_metric(name)
        label, definition = (info.label, info.definition) if info else (name, "")
        cells = (*format_with_interval(name, result), *_error_cells(result))
        rows.append([label + missing, *cells, definition])
    return render_columns(["Metric", "Value", INTERVAL, *error_headings, "What it is"], rows)


_ERROR_HEADINGS = ("Bona fide missed", "Spoof accepted")


def _error_cells(result: MetricResult) -> tuple[str, str]:
    """Return the errors that a result rests on, of how many trials or frames."""
    pairs = ((result.missed, result.bonafide), (result.accepted, result.spoof))
    missed, accepted = (
        NONE if math.isnan(n) else f"{n:,.0f} of {total:,.0f}" for n, total in pairs
    )
    return missed, accepted


def _missing_note(missing: int) -> str:
    """Return what stands beside every result that trials are missing from."""
    return f", {missing:,} missing" if missing else ""


def results_as_dict(results: Mapping[str, MetricResult]) -> dict[str, dict[str, Any]]:
    """Return results as what JSON can hold, by name; rates in per cent."""
    return {
        name: {**_replace_nan(as_printed(name, result._asdict())), "few": result.few}
        for name, result in results.items()
    }


def _replace_nan(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
