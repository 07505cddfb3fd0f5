"""Evaluate a score file by the official protocol of a corpus: read, check, compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.cards.corpus_cards import check_split
from bench.config import Form
from bench.data.corpora import load_keys
from bench.data.fingerprint import fingerprint
from bench.errors import BenchError, near
from bench.evaluation import detection
from bench.evaluation.checks import check_frames, check_utterances
from bench.evaluation.coverage import check_key_counts
from bench.evaluation.detection import Progress, Trials, factors_of
from bench.evaluation.factors import describe_fields, read_with_fields, roles_of, with_fields
from bench.evaluation.findings import refuse_errors
from bench.evaluation.judged import Judged
from bench.evaluation.localization import evaluate_cell, evaluate_frames
from bench.evaluation.official import PACKAGE, Official, name_broken_down, official
from bench.evaluation.published import Published, published
from bench.evaluation.reading import Reading
from bench.evaluation.reference import reference
from bench.evaluation.verdict import Breakdown, Verdict
from bench.issues import Issue, Issues
from bench.metrics.breakdown import POOLED, Cell
from bench.metrics.eer_variants import variants
from bench.metrics.f1 import decision_at
from bench.metrics.grid import FrameRules
from bench.metrics.measure import Measure
from bench.metrics.measured import Figure
from bench.metrics.plans import AUTO, WORDS, Resampling
from bench.metrics.timeline import reference_of
from bench.specs.corpus import CorpusCard
from bench.units import RESOLUTIONS_S

_FEW = 100
"""Replicates below which a bound of an interval is one of the two or three outermost."""


@dataclass(frozen=True)
class Request:
    """What is to be evaluated, and how."""

    card: CorpusCard
    split: str
    keys: Path
    """The corpus's folder, or whatever `bench.data.load_keys` takes."""
    by: tuple[tuple[str, ...], ...] = ()
    """Breakdowns, each by one or more fields."""
    figures: tuple[str, ...] = ()
    """Figures that breakdowns have; none for those that organisers break down."""
    formulas: bool = False
    """Whether the EER is wanted by every formula in use."""
    form: Form = "paper"
    """`smoke`: judged on a miniature, never a result."""
    allow_missing: bool = False
    as_is: bool = False
    reading: Reading = field(default_factory=Reading)
    """How score files are read that nothing else is said of."""
    rules: FrameRules = field(default_factory=FrameRules)
    threshold: float = 0.0
    """Frames of a higher score are decided bona fide."""
    resample: str = AUTO
    """Bootstrap unit, what is resampled as a whole: `AUTO`, what the trials ask for, or one of
    `bench.metrics.plans.PLANS`."""
    replicates: int = 1000
    """0 for figures without intervals."""
    seed: int = 0


class Judge:
    """Evaluates score files of one split; its keys are read once, however many files there are."""

    def __init__(self, request: Request) -> None:
        """Read the keys.

        BenchError where they are not there or not sound, or where the corpus has no such metric.
        """
        self.request = request
        check_split(request.card, request.split)
        if not math.isfinite(request.threshold):
            raise BenchError(
                "option.invalid", f"threshold {request.threshold:g}: should be a score, as 0 or 0.5"
            )
        self.subset = load_keys(request.card, request.split, request.keys)
        issues = Issues()
        check_key_counts(request.card, request.split, self.subset.table, issues)
        self.findings: tuple[Issue, ...] = tuple(issues)
        """What is noteworthy about the keys."""
        self.official: Official = official(request.card, request.split, request.keys)
        names = (*self.official.names, PACKAGE)
        for name in request.figures:
            if name not in names:
                raise BenchError(
                    "scores.no-metric",
                    f"{request.card.short} has no metric {name!r}{near(name, names)}",
                )
        self._others: Mapping[str, Collection[str]] | None = None

    def read(self, path: Path, reading: Reading | None = None) -> Judged:
        """Return the score file at `path`, in the order of the keys.

        `reading` is for this file, else that of the request. BenchError with every reason why no
        result can be given.
        """
        asked, reading = self.request, reading or self.request.reading
        file = read_with_fields(
            asked.card,
            self.subset.table,
            path,
            reading,
            self._field_names,
            self._protocol_order(path, reading),
        )
        how = (asked.allow_missing, reading.negate, asked.as_is)
        options = dict(zip(("allow_missing", "negate", "as_is"), how, strict=True))
        table = self.subset.table
        if file.kind == "utterances" or self.subset.timing is None:
            llr = "dcf" in asked.card.official
            checked, truth = check_utterances(file, table, self.others, **options, llr=llr), None
        else:
            truth = reference(self.subset)
            checked = check_frames(
                file, table, truth, self.others, **options, threshold=asked.threshold
            )
            truth = reference_of(truth, np.flatnonzero(checked.present))
        refuse_errors(path, checked.findings)
        table = with_fields(table, file, checked.trial)
        roles = roles_of(asked.card, table[checked.present], self._field_names)
        return Judged(file, reading, self.subset, checked, truth, table, roles)

    @property
    def _field_names(self) -> list[str]:
        """Every column that figures are broken down by."""
        return [name for by in self.request.by for name in by]

    def _protocol_order(self, path: Path, reading: Reading) -> Sequence[str]:
        """Return the ids in the order of the keys, for scores without any.

        BenchError where the keys are not those of the whole split.
        """
        if reading.order != "protocol":
            return ()
        partial = [finding for finding in self.findings if finding.code == "keys.counts"]
        if partial and self.request.form != "smoke":
            raise BenchError(
                "keys.counts",
                f"{path}: scores without ids need the keys of the whole split: {partial[0]}",
            )
        return self.subset.table["utterance"].tolist()

    def others(self) -> Mapping[str, Collection[str]]:
        """Return the ids of the corpus's other splits, as far as their keys are there."""
        if self._others is None:
            ids_by_split: dict[str, Collection[str]] = {}
            for split in self.request.card.splits:
                if split == self.request.split:
                    continue
                try:
                    keys = load_keys(self.request.card, split, self.request.keys)
                except BenchError:
                    continue  # only to tell whose the unknown ids are; its keys may well be away
                ids_by_split[split] = set(keys.table["utterance"])
            self._others = ids_by_split
        return self._others

    def resampling(self, *, of_frames: bool) -> Resampling:
        """Return how intervals are made; units are rows of the keys' table."""
        asked = self.request
        dependence = factors_of(self.subset.table, of_frames=of_frames)
        return Resampling(dependence, asked.resample, asked.replicates, asked.seed)

    def resampled_by(self, trials: Trials) -> str:
        """Return in words how intervals of these trials are made; "" where there are none."""
        asked = self.request
        if not asked.replicates:
            return ""
        few = " (rough: these are few)" if asked.replicates < _FEW else ""
        return (
            f"95 %, bootstrap of {asked.replicates:,} replicates{few} that draw "
            f"{WORDS[self.drawn(trials)]}, seed {asked.seed}; exact bounds where errors are few"
        )

    def drawn(self, trials: Trials) -> str:
        """Return the name of the plan that intervals of these trials together draw by."""
        if not self.request.replicates:
            return "utterance"
        dependence = factors_of(self.subset.table)
        return dependence.plan(trials.row, trials.is_spoof, self.request.resample).name

    def measures(self, cell: Cell) -> dict[str, Measure]:
        """Return the metrics of a cell of a breakdown; all metrics for the cell of all trials."""
        if all(level == POOLED for level in cell.levels.values()) and not self.request.figures:
            return self.official.measures(cell, self.official.names)
        return self.official.measures(cell, self.request.figures or name_broken_down())

    def verdict(self, judged: Judged, progress: Progress | None = None) -> Verdict:
        """Return all results of a score file with their intervals.

        `progress` gets how many cells of a breakdown are done, and of how many.
        """
        asked, trials = self.request, judged.trials
        resampling = self.resampling(of_frames=judged.truth is not None)
        figures, breakdowns, notes = self._compute_figures(judged, trials, resampling, progress)
        return Verdict(
            form=asked.form,
            corpus=asked.card.key,
            short=asked.card.short,
            split=asked.split,
            scores=judged.file.path,
            digest=judged.digest,
            keys=asked.keys,
            fingerprint=fingerprint(judged.subset),
            taken=judged.file.taken,
            findings=(*self.findings, *judged.checked.findings),
            notes=(
                *judged.checked.notes,
                *notes,
                *describe_fields(asked.card, judged.file, judged.roles, self._field_names),
            ),
            trials=len(judged.subset),
            missing=int((~judged.checked.present).sum()),
            bonafide=int((~trials.is_spoof).sum()),
            spoof=int(trials.is_spoof.sum()),
            negated=judged.reading.negate,
            resampling=self.resampled_by(trials),
            otherwise="" if self.drawn(trials) == "utterance" else WORDS["utterance"],
            figures=figures,
            breakdowns=breakdowns,
            published=self._find_published(judged, figures),
            formulas=variants(*judged.split_classes()) if asked.formulas and figures else {},
        )

    def _find_published(self, judged: Judged, figures: Mapping[str, Figure]) -> Published | None:
        """Return published results of the split where these are of all of its trials."""
        asked = self.request
        part = any(finding.code == "keys.counts" for finding in self.findings)
        if asked.form == "smoke" or part or not judged.checked.present.all():
            return None
        return published(asked.card.key, asked.split, figures)

    def _compute_figures(
        self, judged: Judged, trials: Trials, resampling: Resampling, progress: Progress | None
    ) -> tuple[dict[str, Figure], tuple[Breakdown, ...], tuple[str, ...]]:
        asked, everything = self.request, judged.of(np.arange(len(judged.subset)))
        frames, truth = judged.checked.frames, judged.truth
        if truth is not None and frames is not None:
            if truth.is_spoof.all() or not truth.is_spoof.any():
                return {}, (), ("no metric is defined: there are frames of one class only",)
            decision = decision_at(asked.threshold)
            results = evaluate_frames(
                frames, truth, RESOLUTIONS_S, asked.rules, decision, resampling
            )

            def of_frames(cell: Cell) -> Mapping[str, Figure]:
                return evaluate_cell(frames, truth, cell, asked.rules, resampling)

            tables = self._compute_breakdowns(judged, of_frames, progress)
            return results.figures, (*results.breakdowns, *tables), results.notes
        lacking = ""
        if judged.file.kind == "frames" and asked.card.task == "localization":
            lacking = "no frame metrics: the keys hold the protocol but no labels of frames"
        if trials.is_spoof.all() or not trials.is_spoof.any():
            alone = "no metric is defined: there are trials of one class only"
            return {}, (), tuple(filter(None, [alone, lacking]))
        figures = detection.compute_pooled(trials, self.official, resampling)
        names = asked.figures or name_broken_down()
        of_trials = detection.by_cell(everything, self.official, resampling, figures, names)
        tables = self._compute_breakdowns(judged, of_trials, progress)
        return figures, tables, tuple(filter(None, [self.official.said, lacking]))

    def _compute_breakdowns(
        self,
        judged: Judged,
        figures_of: Callable[[Cell], Mapping[str, Figure]],
        progress: Progress | None,
    ) -> tuple[Breakdown, ...]:
        trials, of_frames = judged.of(np.arange(len(judged.subset))), judged.truth is not None
        return tuple(
            detection.compute_breakdown(
                trials, judged.roles, by, figures_of, progress, of_frames=of_frames
            )
            for by in self.request.by
        )
