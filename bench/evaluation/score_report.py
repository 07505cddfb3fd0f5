"""What `bench score` reports: results with their intervals, and all that stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from bench.config import Form
from bench.evaluation.published import PublishedSystems
from bench.issues import Issue
from bench.metrics.measured import MetricResult


class TiedEer(NamedTuple):
    """Trials that share the score at which error rates cross, and what depends on them."""

    score: float
    bonafide: float
    """Trials with that score."""
    spoof: float
    official: float
    """The EER of ASVspoof's packages (`bench.metrics.det.eer_official`)."""
    lowest: float
    """The lowest EER that any order of tied trials gives, stepped through one by one."""
    highest: float


class BreakdownLine(NamedTuple):
    """One line of a breakdown."""

    levels: tuple[str, ...]
    """Of each field broken down by; `Pooled` in margins."""
    bonafide: int
    """Trials, or frames."""
    spoof: int
    results: Mapping[str, MetricResult]
    """By name; empty where there are trials of one class only."""
    missing: int | None = None
    """Trials of the keys without a score, left out of the line; None where rows are frames."""
    ties: TiedEer | None = None
    """Where its EER hangs on how tied trials are counted; None where it does not, and of frames."""


class Breakdown(NamedTuple):
    """Results by the levels of some fields."""

    by: tuple[str, ...]
    lines: tuple[BreakdownLine, ...]


@dataclass(frozen=True)
class ScoreReport:
    """The report of a score file."""

    form: Form
    """`smoke`: evaluated on a miniature, never a result."""
    corpus: str
    short: str
    split: str
    scores: Path
    digest: str
    """First 16 hexadecimal digits of the SHA-256 of the score file."""
    keys: Path
    fingerprint: str
    """Of the keys: protocol and labels."""
    taken: str
    """Which columns were taken for what."""
    findings: tuple[Issue, ...]
    """What the checks found; no errors, else there were no verdict."""
    notes: tuple[str, ...]
    """What was done that is no fault, sentence by sentence."""
    trials: int
    """Of the split by its keys."""
    missing: int
    """Trials without a score, left out of every result."""
    bonafide: int
    """Utterances evaluated."""
    spoof: int
    negated: bool
    resampling: str
    """How the intervals were made that a reader takes, in words; "" where there are none."""
    otherwise: str
    """What the other intervals (`utterance_low`) draw; "" where they are the same."""
    results: Mapping[str, MetricResult]
    breakdowns: tuple[Breakdown, ...] = ()
    formulas: Mapping[str, float] = field(default_factory=dict[str, float])
    """The EER by each formula of `bench.metrics.eer_variants`, where asked for."""
    published: PublishedSystems | None = None
    """Systems of papers on the same trials; None where there are none."""
    name: str = ""
    """What the system is called; "" for what its file is called."""
