"""A verdict as text for people, as Markdown's tables, and as what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench._io.markdown import bullets, escaped, heading, marked, prose, table
from bench.config import Form
from bench.evaluation.breakdown_table import (
    DIGITS,
    INTERVAL,
    NONE,
    P_VALUE,
    TOO_FEW,
    breakdown_table,
    drawn_table,
    figure_cells,
)
from bench.evaluation.comparison import Compared, Comparison
from bench.evaluation.findings import Finding
from bench.evaluation.json_units import as_printed, in_unit, printed_result
from bench.evaluation.published import published_as_dict, published_table
from bench.evaluation.verdict import Verdict
from bench.metrics.catalogue import metric, printed_unit, shown
from bench.metrics.eer_variants import FORMULAS
from bench.metrics.scores import Figure

_UNDRAWN = "none, as asked for"
_SMOKE: Mapping[Form, str] = {"paper": "", "smoke": "SMOKE: "}
DIFFERENCE = """\
- difference: A minus B on the same resamples; p-values are two-sided (Student's t or, where few
  errors tell A and B apart, the exact one of these errors if it is larger), corrected for the
  number of lines that compare one metric (Holm)"""


def markdown(verdict: Verdict) -> str:
    """Return the verdict as Markdown, readable as plain text too."""
    name = verdict.name or verdict.scores.name
    lines = [
        heading(1, f"{_SMOKE[verdict.form]}{name} on {verdict.corpus}, {verdict.split}"),
        "",
        bullets([*_facts(verdict), *map(_said, verdict.findings), *map(prose, verdict.notes)]),
        "",
        *_figures(verdict),
        *_formulas(verdict),
        *_published(verdict),
    ]
    for breakdown in verdict.breakdowns:
        by = f"By {' and '.join(breakdown.by)}{_without(verdict.missing)}"
        lines += ["", heading(2, by), "", *breakdown_table(breakdown)]
    lines += ["", *_intervals(verdict)]
    said = f"Scores: SHA-256 {verdict.digest}...; keys: fingerprint {verdict.fingerprint}."
    lines += [escaped(said)]
    return "\n".join(lines) + "\n"


def _intervals(verdict: Verdict) -> list[str]:
    if not verdict.resampling:
        return [f"Intervals: {_UNDRAWN}."]
    every = [verdict.figures, *(line.figures for of in verdict.breakdowns for line in of.lines)]
    none = any(math.isnan(figure.low) for figures in every for figure in figures.values())
    why = " None (–) of an organisers' package and where one speaker is all there is." * none
    other = f" By {verdict.otherwise}: verdict.json." if verdict.otherwise else ""
    return [escaped(f"Intervals: {verdict.resampling}.{other}{why}")]


def _published(verdict: Verdict) -> list[str]:
    found = verdict.published
    return ["", *published_table(found, verdict.figures)] if found else []


def _formulas(verdict: Verdict) -> list[str]:
    if not verdict.formulas:
        return []
    rows = [
        [name, shown("eer", rate, DIGITS), FORMULAS[name]]
        for name, rate in verdict.formulas.items()
    ]
    title = "## The same scores by the formulas in use"
    return ["", title, "", *table(["Formula", "EER", "What it is"], rows)]


def comparison(found: Comparison) -> str:
    """Return a comparison as Markdown, readable as plain text too."""
    lines = [
        heading(
            1,
            f"{_SMOKE[found.form]}{found.names[0]} (A) and {found.names[1]} (B) on "
            f"{found.corpus}, {found.split}",
        ),
        "",
        f"- {found.trials:,} utterances scored by both"
        + (f"; {found.left_out:,} of the split are left out" if found.left_out else ""),
        *([DIFFERENCE] if found.resampling else []),
        *filter(None, [bullets([*_found(found), *map(prose, found.notes)])]),
        "",
    ]
    without = f", {found.left_out:,} left out" if found.left_out else ""
    rows = compared_table(found.by, found.found, without)
    intervals = escaped(f"Intervals: {found.resampling or _UNDRAWN}.")
    return "\n".join([*lines, *rows, "", intervals]) + "\n"


def compared_table(by: Sequence[str], found: Sequence[Compared], without: str = "") -> list[str]:
    """Return differences as a table of Markdown; `by` is what their levels are of, `without` stands
    behind each result.
    """
    if not found:
        return ["No result."]
    rows = [
        [
            *of.levels,
            (known.label if (known := metric(of.figure)) else of.figure) + without,
            *(shown(of.figure, value, DIGITS) for value in (of.a, of.b)),
            _signed(of.figure, of.difference.value),
            *_tested(of),
        ]
        for of in found
    ]
    return drawn_table([*by, "Metric", "A", "B", "Difference", INTERVAL, P_VALUE], rows)


def _found(found: Comparison) -> list[str]:
    """Return what is noteworthy about `keys`, `A` and `B`."""
    return [
        marked("{}: {}", name, _said(finding))
        for name, findings in found.findings.items()
        for finding in findings
    ]


def _tested(of: Compared) -> tuple[str, str]:
    """Return interval and p-value of a difference, or that it has none."""
    if math.isnan(of.corrected):
        return NONE, NONE
    low, high = (_signed(of.figure, bound) for bound in (of.difference.low, of.difference.high))
    return f"{low} to {high}", TOO_FEW if of.difference.few else f"{of.corrected:.4f}"


def comparison_as_dict(found: Comparison) -> dict[str, Any]:
    """Return a comparison as what JSON can hold; rates in per cent."""
    return {
        **{key: getattr(found, key) for key in ("form", "corpus", "split", "trials", "left_out")},
        "a": str(found.a),
        "b": str(found.b),
        "names": list(found.names),
        "findings": {name: _findings(of) for name, of in found.findings.items()},
        "notes": list(found.notes),
        "resampling": found.resampling,
        "compared": compared_as_dicts(found.by, found.found),
    }


def compared_as_dicts(by: Sequence[str], found: Sequence[Compared]) -> list[dict[str, Any]]:
    """Return differences as what JSON can hold; rates in per cent."""
    return [
        {
            "levels": dict(zip(by, of.levels, strict=False)),
            "metric": of.figure,
            "a": in_unit(of.figure, of.a),
            "b": in_unit(of.figure, of.b),
            "unit": printed_unit(of.figure),
            "difference": _finite(as_printed(of.figure, of.difference._asdict())),
            "p_corrected": None if math.isnan(of.corrected) else of.corrected,
        }
        for of in found
    ]


def _signed(name: str, value: float) -> str:
    text = shown(name, value)
    return text if text.startswith("-") else f"+{text}"


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as what JSON can hold; rates in per cent."""
    return {
        **{
            name: getattr(verdict, name)
            for name in (
                *("corpus", "short", "split", "digest", "fingerprint", "taken"),
                *("trials", "missing", "bonafide", "spoof", "negated", "resampling", "otherwise"),
            )
        },
        "form": verdict.form,
        "formulas": {name: printed_result("eer", rate) for name, rate in verdict.formulas.items()},
        "published": published_as_dict(verdict.published) if verdict.published else None,
        "name": verdict.name or verdict.scores.name,
        "scores": str(verdict.scores.absolute()),
        "keys": str(verdict.keys),
        "notes": list(verdict.notes),
        "findings": _findings(verdict.findings),
        "results": _numbers(verdict.figures),
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
                        "results": _numbers(line.figures),
                    }
                    for line in breakdown.lines
                ],
            }
            for breakdown in verdict.breakdowns
        ],
    }


def _findings(found: Sequence[Finding]) -> list[dict[str, Any]]:
    names = ("severity", "code", "message", "count")
    return [
        {**{name: getattr(of, name) for name in names}, "examples": list(of.examples)}
        for of in found
    ]


def _said(finding: Finding) -> str:
    said = prose(str(finding))
    return marked("**warning**: {}", said) if finding.severity == "warning" else said


def _facts(verdict: Verdict) -> list[str]:
    judged = verdict.bonafide + verdict.spoof
    kept = f"{judged:,} of {verdict.trials:,} trials" if verdict.missing else f"{judged:,} trials"
    facts = [
        f"{kept}: {verdict.bonafide:,} bona fide, {verdict.spoof:,} spoof",
        f"scores: {verdict.scores}, {verdict.taken}",
        f"keys: {verdict.keys}",
    ]
    if verdict.negated:
        facts.append("scores were negated, as asked for")
    return facts


def _figures(verdict: Verdict) -> list[str]:
    if not verdict.figures:
        return ["No result."]
    rows: list[list[str]] = []
    for name, figure in verdict.figures.items():
        known = metric(name)
        label, says = (known.label, known.definition) if known else (name, "")
        cells = (*figure_cells(name, figure), *_errors(figure))
        rows.append([label + _without(verdict.missing), *cells, says])
    return drawn_table(["Metric", "Value", INTERVAL, *_ERRORS, "What it is"], rows)


_ERRORS = ("Bona fide missed", "Spoof accepted")


def _errors(figure: Figure) -> tuple[str, str]:
    """Return the errors that a figure rests on, of how many trials or frames."""
    pairs = ((figure.missed, figure.bonafide), (figure.accepted, figure.spoof))
    missed, accepted = (NONE if math.isnan(n) else f"{n:,.0f} of {of:,.0f}" for n, of in pairs)
    return missed, accepted


def _without(missing: int) -> str:
    """Return what stands beside every figure that trials are missing from."""
    return f", {missing:,} missing" if missing else ""


def _numbers(figures: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    return {
        name: {**_finite(as_printed(name, figure._asdict())), "few": figure.few}
        for name, figure in figures.items()
    }


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
