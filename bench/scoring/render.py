"""A verdict as text for people, as Markdown's tables, and as what JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bench.catalogue import is_rate, metric, shown
from bench.config import Form
from bench.markdown import bullets, escaped, heading, marked, prose, table
from bench.metrics.eer_variants import FORMULAS
from bench.metrics.scores import Figure
from bench.scoring.comparison import Compared, Comparison
from bench.scoring.findings import Finding
from bench.scoring.verdict import Breakdown, Line, Verdict

_DIGITS = 6
"""Decimals of a figure: as many as the organisers' packages print, for who checks theirs. Those of
its interval say how many of them matter."""


TOO_FEW = "too few errors to judge"

_SMOKE: Mapping[Form, str] = {"paper": "", "smoke": "SMOKE: "}
_DIFFERENCE = """\
- difference: A minus B on the same resamples; p-values are two-sided (Student's t or, where few
  errors tell A and B apart, the exact one of these errors if it is larger), corrected for the
  number of lines that compare one figure (Holm)"""


def markdown(verdict: Verdict) -> str:
    """Return the verdict as Markdown, readable as plain text too."""
    lines = [
        heading(
            1, f"{_SMOKE[verdict.form]}{verdict.scores.name} on {verdict.corpus}, {verdict.split}"
        ),
        "",
        bullets([*_facts(verdict), *map(_said, verdict.findings), *map(prose, verdict.notes)]),
        "",
        *_figures(verdict),
        *_formulas(verdict),
    ]
    for breakdown in verdict.breakdowns:
        by = f"By {' and '.join(breakdown.by)}{_without(verdict.missing)}"
        lines += ["", heading(2, by), "", *_breakdown(breakdown)]
    lines += ["", *_intervals(verdict)]
    said = f"Scores: SHA-256 {verdict.digest}...; keys: fingerprint {verdict.fingerprint}."
    lines += [escaped(said)]
    return "\n".join(lines) + "\n"


def _intervals(verdict: Verdict) -> list[str]:
    every = [verdict.figures, *(line.figures for of in verdict.breakdowns for line in of.lines)]
    none = any(math.isnan(figure.low) for figures in every for figure in figures.values())
    why = " None (–) of an organisers' package and where one speaker is all there is." * none
    other = f" By {verdict.otherwise}: verdict.json." if verdict.otherwise else ""
    return [escaped(f"Intervals: {verdict.resampling}.{other}{why}")]


def _formulas(verdict: Verdict) -> list[str]:
    if not verdict.formulas:
        return []
    rows = [
        [name, shown("eer", rate, _DIGITS), FORMULAS[name]]
        for name, rate in verdict.formulas.items()
    ]
    title = "## The same scores by the formulas in use"
    return ["", title, "", *table(["Formula", "EER", "What it is"], rows)]


def comparison(found: Comparison) -> str:
    """Return a comparison as Markdown, readable as plain text too."""
    lines = [
        heading(1, f"{found.a.name} (A) and {found.b.name} (B) on {found.corpus}, {found.split}"),
        "",
        f"- {found.trials:,} utterances that both have scores of"
        + (f"; {found.left_out:,} of the split are left out" if found.left_out else ""),
        _DIFFERENCE,
        *filter(None, [bullets([*_found(found), *map(prose, found.notes)])]),
        "",
    ]
    without = f", {found.left_out:,} left out" if found.left_out else ""
    rows = [
        [
            *of.levels,
            (known.label if (known := metric(of.figure)) else of.figure) + without,
            *(shown(of.figure, value, _DIGITS) for value in (of.a, of.b)),
            _signed(of.figure, of.difference.value),
            *_tested(of),
        ]
        for of in found.found
    ]
    headings = [*found.by, "Figure", "A", "B", "Difference", "95 % interval", "p"]
    shown_rows = table(headings, rows) if rows else ["No figure."]
    return "\n".join([*lines, *shown_rows, "", escaped(f"Intervals: {found.resampling}.")]) + "\n"


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
        return "–", "–"
    low, high = (_signed(of.figure, bound) for bound in (of.difference.low, of.difference.high))
    return f"{low} to {high}", TOO_FEW if of.difference.few else f"{of.corrected:.4f}"


def comparison_as_dict(found: Comparison) -> dict[str, Any]:
    """Return a comparison as what JSON can hold; figures are fractions."""
    return {
        **{key: getattr(found, key) for key in ("corpus", "split", "trials", "left_out")},
        "a": str(found.a),
        "b": str(found.b),
        "findings": {name: _findings(of) for name, of in found.findings.items()},
        "notes": list(found.notes),
        "resampling": found.resampling,
        "compared": [
            {
                "levels": dict(zip(found.by, of.levels, strict=False)),
                "figure": of.figure,
                "a": of.a,
                "b": of.b,
                "difference": _finite(of.difference._asdict()),
                "p_corrected": None if math.isnan(of.corrected) else of.corrected,
            }
            for of in found.found
        ],
    }


def _signed(name: str, value: float) -> str:
    text = shown(name, value)
    return text if text.startswith("-") else f"+{text}"


def as_dict(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as what JSON can hold; figures are fractions."""
    return {
        **{
            name: getattr(verdict, name)
            for name in (
                *("corpus", "short", "split", "digest", "fingerprint", "taken"),
                *("trials", "missing", "bonafide", "spoof", "negated", "resampling", "otherwise"),
            )
        },
        "form": verdict.form,
        "formulas": dict(verdict.formulas),
        "scores": str(verdict.scores),
        "keys": str(verdict.keys),
        "notes": list(verdict.notes),
        "findings": _findings(verdict.findings),
        "figures": _numbers(verdict.figures),
        "breakdowns": [
            {
                "by": list(breakdown.by),
                "lines": [
                    {
                        "levels": dict(zip(breakdown.by, line.levels, strict=True)),
                        "bonafide": line.bonafide,
                        "spoof": line.spoof,
                        "missing": line.missing,
                        "ties": line.ties and line.ties._asdict(),
                        "figures": _numbers(line.figures),
                    }
                    for line in breakdown.lines
                ],
            }
            for breakdown in verdict.breakdowns
        ],
    }


def _findings(found: Sequence[Finding]) -> list[dict[str, Any]]:
    return [{**vars(finding), "examples": list(finding.examples)} for finding in found]


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
        return ["No figure."]
    rows: list[list[str]] = []
    for name, figure in verdict.figures.items():
        known = metric(name)
        label, says = (known.label, known.says) if known else (name, "")
        cells = (*_cells(name, figure), *_errors(figure))
        rows.append([label + _without(verdict.missing), *cells, says])
    return table(["Figure", "Value", "95 % interval", *_ERRORS, "What it is"], rows)


_ERRORS = ("Bona fide missed", "Spoof accepted")


def _errors(figure: Figure) -> tuple[str, str]:
    """Return the errors that a figure rests on, of how many trials or frames."""
    pairs = ((figure.missed, figure.bonafide), (figure.accepted, figure.spoof))
    missed, accepted = ("–" if math.isnan(n) else f"{n:,.0f} of {of:,.0f}" for n, of in pairs)
    return missed, accepted


def _cells(name: str, figure: Figure) -> tuple[str, str]:
    value = shown(name, figure.value, _DIGITS)
    if math.isnan(figure.low):
        return value, "–"
    if figure.few and _says_nothing(name, figure):
        return value, TOO_FEW
    return value, f"{shown(name, figure.low)} to {shown(name, figure.high)}"


def _says_nothing(name: str, figure: Figure) -> bool:
    """Whether an interval holds what chance alone gives: half of the trials wrong, or the cost of
    deciding nothing."""
    return figure.low <= (0.5 if is_rate(name) else 1.0) <= figure.high


def _breakdown(breakdown: Breakdown) -> list[str]:
    names = list(dict.fromkeys(name for line in breakdown.lines for name in line.figures))
    labels = [known.label if (known := metric(name)) else name for name in names]
    headings = [*breakdown.by, *(h for label in labels for h in (label, "95 % interval"))]
    headings += ["Bona fide", "Spoof", *_errors_of(breakdown)]
    lacking = any(line.missing for line in breakdown.lines)
    headings += ["Missing"] if lacking else []
    rows: list[list[str]] = []
    for line in breakdown.lines:
        row = list(line.levels)
        for name in names:
            known = line.figures.get(name)
            value, interval = _cells(name, known) if known else ("not defined", "–")
            row += [value + _TIED * (name == "eer" and line.ties is not None), interval]
        row += [f"{line.bonafide:,}", f"{line.spoof:,}"]
        row += [_count(line, of) for of in _errors_of(breakdown)]
        rows.append([*row, *([f"{line.missing or 0:,}"] if lacking else [])])
    return [*table(headings, rows), *_tied(breakdown)]


_TIED = " ᵉ"
_COUNTS = {"Missed at the EER": "missed", "Accepted at the EER": "accepted"}


def _errors_of(breakdown: Breakdown) -> tuple[str, ...]:
    """Return the headings of the errors behind the EERs of a breakdown that has EERs."""
    return (*_COUNTS,) * any("eer" in line.figures for line in breakdown.lines)


def _count(line: Line, heading: str) -> str:
    count: float = getattr(line.figures.get("eer"), _COUNTS[heading], math.nan)
    return "–" if math.isnan(count) else f"{count:,.0f}"


def _tied(breakdown: Breakdown) -> list[str]:
    """Return what is said of EERs that hang on ties."""
    said = [
        f"{' '.join(line.levels)} ({line.ties.bonafide:,.0f} bona fide and {line.ties.spoof:,.0f} "
        f"spoof share {line.ties.score:.9g})"
        for line in breakdown.lines
        if line.ties
    ]
    text = f"{_TIED.strip()}: the EER depends on how ties are counted: {', '.join(said)}."
    return ["", escaped(text)] if said else []


def _without(missing: int) -> str:
    """Return what stands beside every figure that trials are missing from."""
    return f", {missing:,} missing" if missing else ""


def _numbers(figures: Mapping[str, Figure]) -> dict[str, dict[str, Any]]:
    return {
        name: {**_finite(figure._asdict()), "few": figure.few} for name, figure in figures.items()
    }


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    """JSON has no NaN."""
    return {
        key: None if isinstance(value, float) and math.isnan(value) else value
        for key, value in values.items()
    }
