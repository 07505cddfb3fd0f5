"""Evaluate a score file by the official protocol of a corpus: read, check, compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np

from bench.cards.corpus_cards import check_split
from bench.config import Form
from bench.data.corpora import read_keys
from bench.data.fingerprint import compute_fingerprint
from bench.data.parallel import Progress
from bench.errors import BenchError
from bench.evaluation import detection
from bench.evaluation.checks import check_frames, check_utterances
from bench.evaluation.coverage import check_key_counts, describe_counts
from bench.evaluation.decided import (
    Threshold,
    check_asked,
    check_given,
    decide_frames,
    decide_utterances,
    list_requested,
    measure_trials,
)
from bench.evaluation.detection import Trials, factors_of
from bench.evaluation.factors import describe_fields, read_with_fields, roles_of, with_fields
from bench.evaluation.findings import refuse_errors
from bench.evaluation.localization import evaluate_cell, evaluate_frames
from bench.evaluation.matched_scores import MatchedScores
from bench.evaluation.official import PACKAGE, OfficialMetrics, find_official, list_broken_down
from bench.evaluation.published import PublishedSystems, find_published
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.reference import build_reference
from bench.evaluation.score_report import Breakdown, ScoreReport
from bench.issues import Issue, Issues
from bench.metrics.breakdown import POOLED, BreakdownCell
from bench.metrics.dcf import DcfCosts
from bench.metrics.eer_variants import compute_variants
from bench.metrics.f1 import Decision
from bench.metrics.grid import FrameRules
from bench.metrics.measure import Measure
from bench.metrics.measure import Trials as TrialKind
from bench.metrics.measured import MetricResult
from bench.metrics.plans import AUTO, WORDS, Resampling
from bench.metrics.timeline import select_stretches
from bench.specs.corpus import CorpusCard
from bench.units import RESOLUTIONS_S

_FEW = 100
"""Replicates below which a bound of an interval is one of the two or three outermost."""


@dataclass(frozen=True)
class EvaluationRequest:
    """What is to be evaluated, and how."""

    card: CorpusCard
    split: str
    keys: Path
    """The corpus's folder, or whatever `bench.data.corpora.read_keys` takes."""
    by: tuple[tuple[str, ...], ...] = ()
    """Breakdowns, each by one or more fields."""
    metrics: tuple[str, ...] = ()
    """Metrics that breakdowns have, none for those that organisers break down; and those that are
    given on request alone."""
    formulas: bool = False
    """Whether the EER is wanted by every formula in use."""
    form: Form = "paper"
    """`smoke`: evaluated on a miniature, never a result."""
    allow_missing: bool = False
    as_is: bool = False
    reading: ReadOptions = field(default_factory=ReadOptions)
    """How score files are read that nothing else is said of."""
    rules: FrameRules = field(default_factory=FrameRules)
    threshold: Threshold = None
    """Frames, or utterances, of a higher score are decided bona fide."""
    costs: DcfCosts | None = None
    """Priors and costs of minDCF and actDCF beside those of the organisers."""
    resample: str = AUTO
    """Bootstrap unit, what is resampled as a whole: `AUTO`, what the trials ask for, or one of
    `bench.metrics.plans.PLANS`."""
    replicates: int = 1000
    """0 for results without intervals."""
    seed: int = 0


class Evaluator:
    """Evaluates score files of one split; its keys are read once, however many files there are."""

    def __init__(self, request: EvaluationRequest) -> None:
        """Read the keys.

        BenchError where they are not there or not sound, or where the corpus has no such metric.
        """
        self.request = request
        check_split(request.card, request.split)
        if isinstance(request.threshold, float) and not math.isfinite(request.threshold):
            raise BenchError(
                "option.invalid",
                f"threshold {request.threshold:g}: should be a score, as 0 or 0.5, or eer",
            )
        self.subset = read_keys(request.card, request.split, request.keys)
        issues = Issues()
        check_key_counts(request.card, request.split, self.subset.table, issues)
        self.findings: tuple[Issue, ...] = tuple(issues)
        """What is noteworthy about the keys."""
        official = find_official(request.card, request.split, request.keys)
        self.official: OfficialMetrics = replace(official, costs=request.costs)
        kinds: tuple[TrialKind, ...] = ("utterances", "frames")
        evaluated = kinds[:1] if self.subset.timing is None else kinds
        others = (*self.official.names, *self.official.names_on_request, PACKAGE)
        check_asked(request.metrics, others, evaluated, request.card.short)
        self._others: Mapping[str, Collection[str]] | None = None

    def read_scores(self, path: Path, reading: ReadOptions | None = None) -> MatchedScores:
        """Return the score file at `path`, in the order of the keys.

        `reading` is for this file, else that of the request. BenchError with every reason why no
        result can be given.
        """
        asked, reading = self.request, reading or self.request.reading
        table, ids = self.subset.table, self._protocol_order(path, reading)
        file = read_with_fields(asked.card, table, path, reading, self._field_names, ids)
        options = {
            "allow_missing": asked.allow_missing,
            "negate": reading.negate,
            "as_is": asked.as_is,
        }
        truth = None
        if file.kind == "utterances" or self.subset.timing is None:
            llr = "dcf" in asked.card.official or asked.costs is not None
            checked = check_utterances(file, table, self.list_other_ids, **options, llr=llr)
        else:
            truth = build_reference(self.subset)
            stated = None if asked.threshold == "eer" else asked.threshold or 0.0
            checked = check_frames(
                file, table, truth, self.list_other_ids, **options, threshold=stated
            )
            truth = select_stretches(truth, np.flatnonzero(checked.present))
        refuse_errors(path, checked.findings)
        table = with_fields(table, file, checked.trial)
        roles = roles_of(asked.card, table[checked.present], self._field_names)
        return MatchedScores(file, reading, self.subset, checked, truth, table, roles)

    @property
    def _field_names(self) -> list[str]:
        """Every column that results are broken down by."""
        return [name for by in self.request.by for name in by]

    def _protocol_order(self, path: Path, reading: ReadOptions) -> Sequence[str]:
        """Return the ids in the order of the keys, for scores without any.

        BenchError where the keys are not those of the whole split.
        """
        if reading.order != "protocol":
            return ()
        asked, table = self.request, self.subset.table
        partial = describe_counts(asked.card, asked.split, table)
        if partial and asked.form != "smoke":
            raise BenchError(
                "keys.counts",
                f"{path}: scores without ids need the keys of the whole split, but {partial}: give "
                "all of the protocol with --keys, or write an id beside each score",
            )
        return table["utterance"].tolist()

    def find_decision(self, matched: MatchedScores) -> Decision:
        """Return what decides on the frames, or utterances, of a score file."""
        asked, frames, truth = self.request.threshold, matched.checked.frames, matched.truth
        if frames is None or truth is None:
            return decide_utterances(asked, *matched.split_classes())
        return decide_frames(asked, frames, truth, self.request.rules)

    def list_other_ids(self) -> Mapping[str, Collection[str]]:
        """Return the ids of the corpus's other splits, as far as their keys are there."""
        if self._others is None:
            ids_by_split: dict[str, Collection[str]] = {}
            for split in self.request.card.splits:
                if split == self.request.split:
                    continue
                try:
                    keys = read_keys(self.request.card, split, self.request.keys)
                except BenchError:
                    continue  # only to tell whose the unknown ids are; its keys may well be away
                ids_by_split[split] = set(keys.table["utterance"])
            self._others = ids_by_split
        return self._others

    def make_resampling(self, *, of_frames: bool) -> Resampling:
        """Return how intervals are made; units are rows of the keys' table."""
        asked = self.request
        dependence = factors_of(self.subset.table, of_frames=of_frames)
        return Resampling(dependence, asked.resample, asked.replicates, asked.seed)

    def describe_resampling(self, trials: Trials) -> str:
        """Return in words how intervals of these trials are made; "" where there are none."""
        asked = self.request
        if not asked.replicates:
            return ""
        few = " (rough: these are few)" if asked.replicates < _FEW else ""
        return (
            f"95 %, bootstrap of {asked.replicates:,} replicates{few} that resample "
            f"{WORDS[self.name_plan(trials)]}, seed {asked.seed}; exact bounds if errors are few"
        )

    def name_plan(self, trials: Trials) -> str:
        """Return the name of the plan that intervals of these trials together draw by."""
        if not self.request.replicates:
            return "utterance"
        dependence = factors_of(self.subset.table)
        return dependence.make_plan(trials.row, trials.is_spoof, self.request.resample).name

    def select_measures(self, cell: BreakdownCell) -> dict[str, Measure]:
        """Return the metrics of a cell of a breakdown; all metrics for the cell of all trials."""
        if all(level == POOLED for level in cell.levels.values()) and not self.request.metrics:
            return self.official.select_measures(cell, self.official.names)
        return self.official.select_measures(cell, self.request.metrics or list_broken_down())

    def evaluate_scores(
        self, matched: MatchedScores, progress: Progress | None = None
    ) -> ScoreReport:
        """Return all results of a score file with their intervals.

        `progress` gets how many cells of a breakdown are done, and of how many.
        """
        asked, trials = self.request, matched.trials
        resampling = self.make_resampling(of_frames=matched.truth is not None)
        results, breakdowns, notes = self._compute_results(matched, resampling, progress)
        formulas = asked.formulas and results
        return ScoreReport(
            form=asked.form,
            corpus=asked.card.key,
            short=asked.card.short,
            split=asked.split,
            scores=matched.file.path,
            digest=matched.digest,
            keys=asked.keys,
            fingerprint=compute_fingerprint(matched.subset),
            taken=matched.file.taken,
            findings=(*self.findings, *matched.checked.findings),
            notes=(
                *matched.checked.notes,
                *notes,
                *describe_fields(asked.card, matched.file, matched.roles, self._field_names),
            ),
            trials=len(matched.subset),
            missing=int((~matched.checked.present).sum()),
            bonafide=int((~trials.is_spoof).sum()),
            spoof=int(trials.is_spoof.sum()),
            negated=matched.reading.negate,
            resampling=self.describe_resampling(trials),
            otherwise="" if self.name_plan(trials) == "utterance" else WORDS["utterance"],
            results=results,
            breakdowns=breakdowns,
            published=self._find_published(matched, results),
            formulas=compute_variants(*matched.split_classes()) if formulas else {},
        )

    def _find_published(
        self, matched: MatchedScores, results: Mapping[str, MetricResult]
    ) -> PublishedSystems | None:
        """Return published results of the split where these are of all of its trials."""
        asked = self.request
        part = any(finding.code == "keys.counts" for finding in self.findings)
        if asked.form == "smoke" or part or not matched.checked.present.all():
            return None
        return find_published(asked.card.key, asked.split, results)

    def _compute_results(
        self, matched: MatchedScores, resampling: Resampling, progress: Progress | None
    ) -> tuple[dict[str, MetricResult], tuple[Breakdown, ...], tuple[str, ...]]:
        asked, trials = self.request, matched.trials
        frames, truth = matched.checked.frames, matched.truth
        kind = "utterances" if truth is None or frames is None else "frames"
        check_given(asked.metrics, kind, str(matched.file.path))
        if truth is not None and frames is not None:
            if truth.is_spoof.all() or not truth.is_spoof.any():
                return {}, (), ("no metric is defined: there are frames of one class only",)
            decision = self.find_decision(matched)
            how = asked.rules, decision, resampling, asked.metrics
            evaluated = evaluate_frames(frames, truth, RESOLUTIONS_S, *how)

            def of_frames(cell: BreakdownCell) -> Mapping[str, MetricResult]:
                return evaluate_cell(frames, truth, cell, *how)

            tables = self._compute_breakdowns(matched, of_frames, progress)
            return evaluated.results, (*evaluated.breakdowns, *tables), evaluated.notes
        lacking = ""
        if matched.file.kind == "frames" and asked.card.task == "localization":
            lacking = "no frame metrics: the keys hold the protocol but no labels of frames"
        if trials.is_spoof.all() or not trials.is_spoof.any():
            alone = "no metric is defined: there are trials of one class only"
            return {}, (), tuple(filter(None, [alone, lacking]))
        results = detection.compute_pooled(trials, self.official, resampling, asked.metrics)
        names = asked.metrics or list_broken_down()
        of_trials = by_score = detection.by_cell(
            matched.every_trial, self.official, resampling, results, names
        )
        pooled: Mapping[str, MetricResult] = {}
        rule = ""
        if list_requested("utterances", asked.metrics):
            decision = self.find_decision(matched)
            decided = partial(
                measure_trials, decision=decision, asked=asked.metrics, resampling=resampling
            )

            def of_decided(cell: BreakdownCell) -> dict[str, MetricResult]:
                rows = np.concatenate([cell.bonafide, cell.spoof])
                return {**by_score(cell), **decided(matched.select_trials(rows))}

            pooled, of_trials = decided(trials), of_decided
            rule = f"{', '.join(pooled)}: decided bona fide by {decision.rule}" if pooled else ""
        tables = self._compute_breakdowns(matched, of_trials, progress)
        costs = asked.costs._asdict().items() if asked.costs else ()
        custom = f"custom costs: {', '.join(f'{name} {n:g}' for name, n in costs)}" if costs else ""
        notes = tuple(filter(None, [self.official.tdcf_note, custom, rule, lacking]))
        return {**results, **pooled}, tables, notes

    def _compute_breakdowns(
        self,
        matched: MatchedScores,
        results_of: Callable[[BreakdownCell], Mapping[str, MetricResult]],
        progress: Progress | None,
    ) -> tuple[Breakdown, ...]:
        compute = partial(detection.compute_breakdown, matched.every_trial, matched.roles)
        of_frames = matched.truth is not None
        return tuple(
            compute(by, results_of, progress, of_frames=of_frames) for by in self.request.by
        )
