"""Evaluate a spoofing-aware speaker verification system from files of its trials."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench._io.digests import file_digest
from bench._io.markdown import escape_text, format_heading, format_list, format_prose
from bench.errors import BenchError
from bench.evaluation.render import render_results, results_as_dict
from bench.evaluation.sasv_files import TrialFile, match_scores, read_trial_file
from bench.metrics.measure import SasvMetric, TwoScoreMetric
from bench.metrics.measured import MetricResult, measure_items
from bench.metrics.plans import Resampling, make_factors
from bench.metrics.registry import select_metrics
from bench.metrics.sasv import KINDS, SPOOF, ADcfCosts, SasvTrials
from bench.metrics.tally import Floats

_ASVSPOOF5 = ADcfCosts()


@dataclass(frozen=True)
class SasvRequest:
    """What is to be evaluated, and how."""

    scores: Path
    keys: Path | None = None
    """The list of trials with their kinds; None where the scores have them."""
    asv: Path | None = None
    """Scores of the speaker verification alone."""
    cm: Path | None = None
    """Scores of the countermeasure alone."""
    costs: ADcfCosts = _ASVSPOOF5
    resample: str = "auto"
    replicates: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class SasvReport:
    """The results of a spoofing-aware speaker verification system."""

    request: SasvRequest
    digest: str
    """First 16 hexadecimal digits of the SHA-256 of the score file."""
    counts: Mapping[str, int]
    """Trials of each kind."""
    resampling: str
    """How intervals are made, in words; "" where there are none."""
    notes: tuple[str, ...]
    results: Mapping[str, MetricResult]


def evaluate_sasv(request: SasvRequest) -> SasvReport:
    """Return the results of a system's trials, fractions.

    SV-EER, SPF-EER, SASV-EER and a-DCF follow from the score of the whole system, t-EER from those
    of its two parts, where they are given. Intervals resample claimed speakers, that of SPF-EER
    attacks too where the trials name them (nontargets have none); t-EER has none. Raise BenchError
    where files are not sound, are of different trials, or have no kinds or not all three.
    """
    file = read_trial_file(request.scores)
    keys = file if request.keys is None else read_trial_file(request.keys)
    _check_kinds(file, keys)
    kind = np.array([KINDS.index(word) for word in keys.kind], dtype=np.int64)
    counts = {word: keys.kind.count(word) for word in KINDS}
    lacking = [word for word, n in counts.items() if not n]
    if lacking:
        raise BenchError(
            "sasv.kinds",
            f"{keys.path}: has no {lacking[0]} trial; there should be all of {', '.join(KINDS)}",
        )
    scores = {name: match_scores(keys, file, name) for name in file.scores}
    for name, path in (("asv", request.asv), ("cm", request.cm)):
        if path is not None:
            scores[name] = _read_part(keys, path, name)
    trials = SasvTrials(kind, scores.get("score"), scores.get("asv"), scores.get("cm"))
    resampling = _make_resampling(request, keys, kind)
    results = _measure_trials(trials, request.costs, resampling)
    if not results:
        raise BenchError(
            "sasv.scores",
            f"{request.scores}: has no score of the whole system, nor of both parts: t-EER needs "
            "asv-score and cm-score, or --asv-scores and --cm-scores",
        )
    return SasvReport(
        request,
        file_digest(request.scores),
        counts,
        _describe_resampling(request, results),
        tuple(_describe_results(results, request.costs)),
        results,
    )


def _check_kinds(file: TrialFile, keys: TrialFile) -> None:
    if not keys.kind:
        raise BenchError(
            "sasv.no-kinds",
            f"{keys.path}: does not say which trials are target, nontarget and spoof: give the "
            "list of trials (--keys)",
        )
    if keys is file or not file.kind:
        return
    known_kinds = dict(zip(keys.trials, keys.kind, strict=True))
    wrong = [
        trial
        for trial, kind in zip(file.trials, file.kind, strict=True)
        if known_kinds.get(trial, kind) != kind
    ]
    if wrong:
        raise BenchError(
            "sasv.kind-conflict",
            f"{len(wrong):,} trials of {file.path} are of another kind in {keys.path}, e.g. "
            f"{' '.join(wrong[0])}",
        )


def _read_part(keys: TrialFile, path: Path, name: str) -> Floats:
    """Return the scores of one of the two parts; its file may have them as its only score."""
    file = read_trial_file(path)
    for column in (name, "score"):
        if column in file.scores:
            return match_scores(keys, file, column)
    raise BenchError("sasv.scores", f"{path}: has no scores of the {name.upper()}")


def _make_resampling(request: SasvRequest, keys: TrialFile, kind: np.ndarray) -> Resampling:
    speakers = np.array([speaker for speaker, _ in keys.trials], dtype=object)
    attacks = np.full(len(kind), "", dtype=object)
    if keys.attack:
        spoofed = kind == SPOOF
        attacks[spoofed] = np.array(keys.attack, dtype=object)[spoofed]
    factors = make_factors(np.arange(len(kind)), speakers, attacks)
    return Resampling(factors, request.resample, request.replicates, request.seed)


def _measure_trials(
    trials: SasvTrials, costs: ADcfCosts, resampling: Resampling
) -> dict[str, MetricResult]:
    results: dict[str, MetricResult] = {}
    if trials.score is not None:
        for name, metric in select_metrics(SasvMetric).items():
            measures = {name: metric.make_measure(costs)}
            results |= measure_items(metric.make_items(trials, costs), measures, resampling)
    if trials.asv is not None and trials.cm is not None:
        for name, metric in select_metrics(TwoScoreMetric).items():
            results[name] = MetricResult(metric.compute(trials), math.nan, math.nan)
    return results


def _describe_resampling(request: SasvRequest, results: Mapping[str, MetricResult]) -> str:
    plans = {result.plan for result in results.values() if not math.isnan(result.low)}
    if not plans:
        return ""
    words = "trials" if "utterance" in plans else "claimed speakers"
    words += ", of SPF-EER attacks too" * any("attack" in plan for plan in plans)
    return (
        f"95 %, bootstrap of {request.replicates:,} replicates that resample {words}; seed "
        f"{request.seed}; exact bounds if errors are few"
    )


def _describe_results(results: Mapping[str, MetricResult], costs: ADcfCosts) -> list[str]:
    notes: list[str] = []
    if "a_dcf" in results:
        words = ", ".join(f"{name} {value:g}" for name, value in costs._asdict().items())
        default = " (ASVspoof 5, track 2)" if costs == _ASVSPOOF5 else ""
        notes.append(f"a-DCF: {words}{default}")
    if "sasv_eer" in results and results["sasv_eer"].value > 0.5:
        notes.append("the SASV-EER is above 50 %: a higher score should mean target")
    if "t_eer" in results:
        notes.append("t-EER: concurrent, by the scores of ASV and CM; it has no interval")
    return notes


def render_sasv(report: SasvReport) -> str:
    """Return the report as Markdown, readable as plain text too."""
    asked, counts = report.request, report.counts
    numbers = ", ".join(f"{n:,} {kind}" for kind, n in counts.items())
    facts = [
        f"{sum(counts.values()):,} trials: {numbers}",
        f"scores: {asked.scores}",
        *(
            f"{what}: {path}"
            for what, path in (("keys", asked.keys), ("ASV", asked.asv), ("CM", asked.cm))
            if path is not None
        ),
    ]
    title = f"{asked.scores.name}: spoofing-aware speaker verification"
    headings = "Targets missed", "Others accepted"
    return "\n".join(
        [
            format_heading(1, title),
            "",
            format_list([*facts, *map(format_prose, report.notes)]),
            "",
            *render_results(report.results, headings),
            "",
            escape_text(f"Intervals: {report.resampling or 'none, as requested'}."),
            escape_text(f"Scores: SHA-256 {report.digest}..."),
        ]
    )


def sasv_as_dict(report: SasvReport) -> dict[str, Any]:
    """Return the report as what JSON can hold; rates in per cent."""
    asked = report.request
    return {
        "scores": str(asked.scores),
        "digest": report.digest,
        **{name: path and str(path) for name, path in (("keys", asked.keys), ("asv", asked.asv))},
        "cm": asked.cm and str(asked.cm),
        "trials": dict(report.counts),
        "costs": asked.costs._asdict(),
        "resampling": report.resampling,
        "notes": list(report.notes),
        "results": results_as_dict(report.results),
    }
