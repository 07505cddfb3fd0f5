"""Judge a score file by the official protocol of a corpus: read, check, compute."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bench.config import Form
from bench.corpora import load_keys
from bench.corpora.cards import check_split
from bench.corpora.fingerprint import fingerprint
from bench.corpora.subset import Subset
from bench.errors import BenchError, near
from bench.labels.reference import reference
from bench.metrics.bootstrap import Measure
from bench.metrics.breakdown import POOLED, Cell
from bench.metrics.eer_variants import variants
from bench.metrics.f1 import decision_at
from bench.metrics.grid import Rule
from bench.metrics.plans import AUTO, WORDS, Resampling
from bench.metrics.ranges import ranges
from bench.metrics.scores import Figure
from bench.metrics.tally import Floats, Integers
from bench.metrics.timeline import Reference, reference_of
from bench.scoring import detection, forms
from bench.scoring.checks import Checked, check, check_frames
from bench.scoring.coverage import whole
from bench.scoring.detection import Progress, Trials, factors_of
from bench.scoring.findings import Finding, Findings, refuse
from bench.scoring.forms import ScoreFile
from bench.scoring.localization import RESOLUTIONS_S, localized, of_cell
from bench.scoring.official import BROKEN_DOWN, Official, official
from bench.scoring.reading import Reading
from bench.scoring.verdict import Breakdown, Verdict
from bench.specs.corpus import CorpusCard
from bench.units import SPOOF

_CHUNK = 1 << 20
_FEW = 100
"""Replicates below which a bound of an interval is one of the two or three outermost."""


@dataclass(frozen=True)
class Request:
    """What is to be judged, and how."""

    card: CorpusCard
    split: str
    keys: Path
    """The corpus's folder, or whatever `bench.corpora.load_keys` takes."""
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
    rule: Rule = "any-spoof"
    threshold: float = 0.0
    """Frames of a higher score are decided bona fide."""
    resample: str = AUTO
    """What intervals draw whole: `AUTO`, what the trials ask for, or one of
    `bench.metrics.plans.PLANS`."""
    replicates: int = 1000
    seed: int = 0


@dataclass(frozen=True)
class Judged:
    """A score file that fits the keys, and what its figures are computed from."""

    file: ScoreFile
    reading: Reading
    subset: Subset
    checked: Checked
    truth: Reference | None
    """Of the present trials, where frames are judged."""

    @property
    def trials(self) -> Trials:
        """The utterances that have a score."""
        return self.of(np.flatnonzero(self.checked.present))

    def of(self, rows: Integers) -> Trials:
        """Return the utterances in these rows of the keys' table."""
        table = self.subset.table.iloc[rows].reset_index(drop=True)
        is_spoof = (table["label"] == SPOOF).to_numpy()
        return Trials(self.checked.score[rows], is_spoof, table, rows)

    def by_class(self) -> tuple[Floats, Floats]:
        """Return the scores of bona fide and of spoof trials, or of frames: one is spoof where any
        of its samples is.
        """
        if self.truth is None or self.checked.frames is None:
            trials = self.trials
            return trials.score[~trials.is_spoof], trials.score[trials.is_spoof]
        items = ranges(self.checked.frames, self.truth).items
        scored = np.isfinite(items.score)
        is_spoof = items.spoof > 0
        return items.score[scored & ~is_spoof], items.score[scored & is_spoof]


class Judge:
    """Judges score files of one split: its keys are read once, however many files there are."""

    def __init__(self, request: Request) -> None:
        """Read the keys; BenchError where they are not there or not sound, or where a breakdown
        is by no factor of the corpus.
        """
        self.request = request
        check_split(request.card, request.split)
        roles = request.card.roles
        for factor in {factor for by in request.by for factor in by}:
            if factor not in roles:
                raise BenchError(
                    f"{request.card.short} has no figures by {factor!r}{near(factor, roles)}"
                )
        if not math.isfinite(request.threshold):
            raise BenchError(f"threshold {request.threshold:g}: should be a score, as 0 or 0.5")
        self.subset = load_keys(request.card, request.split, request.keys)
        found = Findings()
        whole(request.card, request.split, self.subset.table, found)
        self.findings: tuple[Finding, ...] = tuple(found.found)
        """What is noteworthy about the keys."""
        self.official: Official = official(request.card, request.split, request.keys)
        for name in request.figures:
            if name not in self.official.names:
                raise BenchError(
                    f"{request.card.short} has no figure {name!r}{near(name, self.official.names)}"
                )
        self._others: Mapping[str, Collection[str]] | None = None

    def read(self, path: Path, reading: Reading | None = None) -> Judged:
        """Return the score file at `path`, in the order of the keys; `reading` is for this file,
        the request's otherwise.

        A BenchError says what stands against giving any figure, all of it at once.
        """
        asked, reading = self.request, reading or self.request.reading
        file = forms.read(path, reading)
        how = (asked.allow_missing, reading.negate, asked.as_is)
        options = dict(zip(("allow_missing", "negate", "as_is"), how, strict=True))
        table = self.subset.table
        if file.kind == "utterances" or self.subset.timing is None:
            llr = "dcf" in asked.card.official
            checked, truth = check(file, table, self.others, **options, llr=llr), None
        else:
            truth = reference(self.subset)
            checked = check_frames(
                file, table, truth, self.others, **options, threshold=asked.threshold
            )
            truth = reference_of(truth, np.flatnonzero(checked.present))
        refuse(path, checked.findings)
        return Judged(file, reading, self.subset, checked, truth)

    def others(self) -> Mapping[str, Collection[str]]:
        """Return the ids of the corpus's other splits, as far as their keys are there."""
        if self._others is None:
            found: dict[str, Collection[str]] = {}
            for split in self.request.card.splits:
                if split == self.request.split:
                    continue
                try:
                    keys = load_keys(self.request.card, split, self.request.keys)
                except BenchError:
                    continue  # only to tell whose the unknown ids are; its keys may well be away
                found[split] = set(keys.table["utterance"])
            self._others = found
        return self._others

    def resampling(self) -> Resampling:
        """Return how intervals are made; units are rows of the keys' table."""
        asked = self.request
        known = factors_of(self.subset.table)
        return Resampling(known, asked.resample, asked.replicates, asked.seed)

    def resampled_by(self, trials: Trials) -> str:
        """How intervals of these trials together are made, in words."""
        asked = self.request
        few = " (rough: these are few)" if asked.replicates < _FEW else ""
        return (
            f"95 %, bootstrap of {asked.replicates:,} replicates{few} that draw "
            f"{WORDS[self.drawn(trials)]}, seed {asked.seed}; exact bounds where errors are few"
        )

    def drawn(self, trials: Trials) -> str:
        """Return the name of the plan that intervals of these trials together draw by."""
        return self.resampling().plan(trials.row, trials.is_spoof).name

    def measures(self, cell: Cell) -> dict[str, Measure]:
        """Return the figures of a cell of a breakdown; of the cell of all trials, all figures."""
        if all(level == POOLED for level in cell.levels.values()) and not self.request.figures:
            return self.official.measures(cell, self.official.names)
        return self.official.measures(cell, self.request.figures or BROKEN_DOWN)

    def verdict(self, judged: Judged, progress: Progress | None = None) -> Verdict:
        """Return all figures of a score file with their intervals; `progress` is told how many
        cells of a breakdown are done, and of how many.
        """
        asked, trials = self.request, judged.trials
        resampling = self.resampling()
        figures, breakdowns, notes = self._figures(judged, trials, resampling, progress)
        return Verdict(
            form=asked.form,
            corpus=asked.card.key,
            short=asked.card.short,
            split=asked.split,
            scores=judged.file.path,
            digest=_digest(judged.file.path),
            keys=asked.keys,
            fingerprint=fingerprint(judged.subset),
            taken=judged.file.taken,
            findings=(*self.findings, *judged.checked.findings),
            notes=(*judged.file.notes, *notes),
            trials=len(judged.subset),
            missing=int((~judged.checked.present).sum()),
            bonafide=int((~trials.is_spoof).sum()),
            spoof=int(trials.is_spoof.sum()),
            negated=judged.reading.negate,
            resampling=self.resampled_by(trials),
            otherwise="" if self.drawn(trials) == "utterance" else WORDS["utterance"],
            figures=figures,
            breakdowns=breakdowns,
            formulas=variants(*judged.by_class()) if asked.formulas and figures else {},
        )

    def _figures(
        self, judged: Judged, trials: Trials, resampling: Resampling, progress: Progress | None
    ) -> tuple[dict[str, Figure], tuple[Breakdown, ...], tuple[str, ...]]:
        asked, everything = self.request, judged.of(np.arange(len(judged.subset)))
        frames, truth = judged.checked.frames, judged.truth
        if truth is not None and frames is not None:
            decision = decision_at(asked.threshold)
            found = localized(frames, truth, RESOLUTIONS_S, asked.rule, decision, resampling)

            def of_frames(cell: Cell) -> Mapping[str, Figure]:
                return of_cell(frames, truth, cell, asked.rule, resampling)

            tables = self._breakdowns(everything, of_frames, progress)
            return found.figures, (*found.breakdowns, *tables), found.notes
        lacking = ""
        if judged.file.kind == "frames" and asked.card.task == "localization":
            lacking = "no figures of frames: the keys hold the protocol but no labels of frames"
        if trials.is_spoof.all() or not trials.is_spoof.any():
            alone = "no figure is defined: there are trials of one class only"
            return {}, (), tuple(filter(None, [alone, lacking]))
        figures = detection.pooled(trials, self.official, resampling)
        names = asked.figures or BROKEN_DOWN
        of_trials = detection.by_cell(everything, self.official, resampling, figures, names)
        tables = self._breakdowns(everything, of_trials, progress)
        return figures, tables, tuple(filter(None, [self.official.said, lacking]))

    def _breakdowns(
        self,
        trials: Trials,
        figures_of: Callable[[Cell], Mapping[str, Figure]],
        progress: Progress | None,
    ) -> tuple[Breakdown, ...]:
        return tuple(
            detection.breakdown(trials, self.request.card, by, figures_of, progress)
            for by in self.request.by
        )


def _digest(path: Path) -> str:
    """Return the first 16 hexadecimal digits of the file's SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()[:16]
