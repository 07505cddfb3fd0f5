"""What `bench fuse` and `bench calibrate` print: each system before, and the result after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench._io.markdown import escape_text, format_heading, format_list, format_table
from bench.evaluation.fusion import COMPARED, LearntMap
from bench.evaluation.render import results_as_dict
from bench.evaluation.score_report import ScoreReport
from bench.metrics.catalogue import find_metric, format_value
from bench.metrics.measured import MetricResult
from bench.smoke import smoke_prefix


@dataclass(frozen=True)
class FusedInput:
    """A system that goes into the result."""

    name: str
    scores: Path
    learnt_from: Path
    digest: str
    weight: float
    results: Mapping[str, MetricResult]


@dataclass(frozen=True)
class FusionResult:
    """A fusion, or a calibration, which is the fusion of one system."""

    verb: str
    learnt: LearntMap
    inputs: Sequence[FusedInput]
    report: ScoreReport
    after: Mapping[str, MetricResult]
    left_out: int
    """Trials of the split that not all systems scored."""


def render_fusion(fusion: FusionResult) -> str:
    """Return the fusion as Markdown, readable as plain text too."""
    report, learnt = fusion.report, fusion.learnt
    title = f"{smoke_prefix(report.form)}{report.name} on {report.corpus}, {report.split}"
    source = f"{learnt.corpus}, {learnt.split}: {learnt.bonafide:,} bona fide and "
    source += f"{learnt.spoof:,} spoof trials, with a prior of bona fide of {learnt.prior:.4g}"
    trials = f"{report.bonafide:,} bona fide and {report.spoof:,} spoof trials of {report.split}"
    terms = [f"{given.weight:.6g} × {given.name}" for given in fusion.inputs]
    sign = "-" if learnt.map.offset < 0 else "+"
    total = f"{' + '.join(terms)} {sign} {abs(learnt.map.offset):.6g}"
    facts = [
        f"learnt from {source}",
        f"applied to {trials}",
        f"log-likelihood ratio = {total}",
    ]
    if fusion.left_out:
        facts.append(f"{fusion.left_out:,} trials that lack a score are left out")
    word = "Fused" if fusion.verb == "fuse" else "Calibrated"
    rows = [[given.name, *_format_results(given.results)] for given in fusion.inputs]
    rows.append([word, *_format_results(fusion.after)])
    labels = [info.label if (info := find_metric(name)) else name for name in COMPARED]
    costs = (
        "minDCF and actDCF have the costs of ASVspoof 5. Cllr and actDCF judge scores as "
        "log-likelihood ratios."
    )
    lines = [
        format_heading(1, title),
        "",
        format_list(facts),
        "",
        *format_table(["Scores", *labels], rows),
        "",
        escape_text(costs),
    ]
    return "\n".join(lines) + "\n"


def _format_results(results: Mapping[str, MetricResult]) -> list[str]:
    return [
        format_value(name, results[name].value, 6) if name in results else "–" for name in COMPARED
    ]


def fusion_as_dict(fusion: FusionResult, written: Sequence[Path]) -> dict[str, Any]:
    """Return the fusion as what JSON can hold; rates in per cent."""
    report, learnt = fusion.report, fusion.learnt
    return {
        "form": report.form,
        "corpus": report.corpus,
        "short": report.short,
        "split": report.split,
        "name": report.name,
        "scores": report.scores,
        "digest": report.digest,
        "fingerprint": report.fingerprint,
        "trials": report.trials,
        "left_out": fusion.left_out,
        "bonafide": report.bonafide,
        "spoof": report.spoof,
        "prior": learnt.prior,
        "offset": learnt.map.offset,
        "learnt_from": {
            "corpus": learnt.corpus,
            "split": learnt.split,
            "bonafide": learnt.bonafide,
            "spoof": learnt.spoof,
        },
        "inputs": [
            {
                "name": given.name,
                "scores": given.scores,
                "learnt_from": given.learnt_from,
                "digest": given.digest,
                "weight": given.weight,
                "results": results_as_dict(given.results),
            }
            for given in fusion.inputs
        ],
        "results": results_as_dict(fusion.after),
        "resampling": report.resampling,
        "notes": list(report.notes),
        "files": list(written),
    }
