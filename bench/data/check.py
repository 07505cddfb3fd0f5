"""What is on disk of a corpus against its card and its own protocol: every problem.

Labels and audio agree where the time that labels cover and the audio's differ by at most one frame
(frame vectors are counted by ceil or by floor) or 0.05 s, whichever is more.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench._io import markdown
from bench.cards.corpus_cards import check_split
from bench.config import Form
from bench.data import check_audio, polarity
from bench.data.audio import Header
from bench.data.fingerprint import fingerprint
from bench.data.parallel import Progress
from bench.data.problems import EXAMPLES, BrokenCorpus, Problem, Problems
from bench.data.readers import reader
from bench.data.subset import FrameVectors, Spans, Subset
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE, SPOOF

TOLERANCE_S = 0.05


@dataclass(frozen=True)
class Report:
    """What was found; `hours` by the audio's headers, `fingerprint` "" where nothing was read."""

    corpus: str
    split: str
    root: Path
    counts: Mapping[str, int]
    hours: float
    fingerprint: str
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings may remain."""
        return all(problem.severity == "warning" for problem in self.problems)


def check(
    card: CorpusCard,
    root: Path,
    split: str,
    progress: Progress,
    form: Form = "paper",
    decode: int | None = None,
) -> Report:
    """Check one split below `root` and report every problem; a broken corpus raises nothing.

    Compared are the labels at every official resolution with the protocol, the audio files with the
    protocol, their headers with the card and with the labels, and for form "paper" the counts with
    the card's (verified: error, memory: warning). Of each audio file header and last sample are
    read or, where `decode` says on how many processes, every sample (0: in this one). `progress` is
    told how many audio files are done, and of how many. An unknown split is a BenchError.
    """
    check_split(card, split)
    problems = Problems()
    readings = _readings(card, root, split, problems)
    if not readings:
        return Report(card.key, split, root, {}, 0.0, "", _distinct(problems))
    subset = readings[0]
    if form == "paper":
        _compare_counts(card, subset, problems)
    _note_untyped(subset, problems)
    files = check_audio.listed(subset, card.audio.suffix)
    problems.error("audio file missing", files.missing)
    headers = check_audio.headers(root, files.there, decode, problems, progress)
    check_audio.compare(card.audio, headers, problems)
    for reading in readings:
        if reading.timing is not None:
            polarity.warnings(reading.table, reading.timing, problems)
            _compare_durations(reading.table, reading.timing, headers, problems)
    seconds = sum(found.duration_s for found in headers.values())
    counts = {**_counts(subset), "other audio files": files.others}
    return Report(
        card.key, split, root, counts, seconds / 3600, fingerprint(subset), _distinct(problems)
    )


def glance(card: CorpusCard, root: Path, split: str) -> str:
    """Return in a line what is there of a split: its counts, or the first thing that it lacks.

    The lists are read and audio files are looked for; nothing is opened (`check` does).
    """
    try:
        subset = reader(card)(card, root, split, max(card.resolutions_s, default=None))
    except (BenchError, OSError) as error:
        return " ".join(str(error).split("\n")[:2])
    counts = _counts(subset)
    missing = len(check_audio.listed(subset, card.audio.suffix).missing)
    audio = f"audio of {missing:,} is missing" if missing else "all their audio is there"
    listed = f"{counts['bonafide']:,} bona fide and {counts['spoof']:,} spoof utterances"
    return f"{listed}, {audio}"


def render(report: Report) -> str:
    """Return the report as Markdown: a heading, a table of counts, a table of problems."""
    errors = sum(problem.severity == "error" for problem in report.problems)
    state = "sound" if report.ok else f"{errors} {'error' if errors == 1 else 'errors'}"
    title = markdown.heading(1, f"{report.corpus}, {report.split}: {state}")
    lines = [title, "", markdown.escaped(f"{report.root}"), ""]
    if report.counts:
        cells = {name: f"{count:,}" for name, count in report.counts.items()}
        cells |= {"hours": f"{report.hours:.2f}", "fingerprint": report.fingerprint}
        lines += markdown.table(["what", "value"], list(cells.items()))
    if report.problems:
        rows = [
            (p.severity, p.what, f"{p.count:,}", "; ".join(p.examples))
            for p in sorted(report.problems, key=lambda problem: problem.severity)
        ]
        lines += ["", *markdown.table(["", "problem", "count", "for example"], rows)]
    if any(len(p.items) > len(p.examples) for p in report.problems):
        lines += ["", f"Of each problem {EXAMPLES} are shown; `--list FILE` writes all."]
    return "\n".join(lines) + "\n"


def as_dict(report: Report) -> dict[str, Any]:
    """Return the report as what JSON can hold, every item of every problem too."""
    problems = [
        {"severity": p.severity, "what": p.what, "count": p.count, "items": list(p.items)}
        for p in report.problems
    ]
    return {
        "corpus": report.corpus,
        "split": report.split,
        "root": str(report.root),
        "ok": report.ok,
        "counts": dict(report.counts),
        "hours": report.hours,
        "fingerprint": report.fingerprint,
        "problems": problems,
    }


def listing(reports: Iterable[Report]) -> str:
    """Return every item of every problem as CSV: `finding,id,detail,severity,split`, a line each.

    `id` is a file, an utterance or a line of a list, "" where the problem says it itself.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["finding", "id", "detail", "severity", "split"])
    for report in reports:
        for problem in report.problems:
            for item in problem.items or [""]:
                name, _, detail = item.partition(": ")
                lines.writerow([problem.what, name, detail, problem.severity, report.split])
    return text.getvalue()


def _distinct(problems: Problems) -> tuple[Problem, ...]:
    """Drop repetitions: a fault of the protocol is found at every resolution."""
    return tuple(dict.fromkeys(problems.found))


def _readings(card: CorpusCard, root: Path, split: str, problems: Problems) -> list[Subset]:
    """Read the split at every official resolution, or once where labels are spans; finest first."""
    found: list[Subset] = []
    for resolution_s in sorted(card.resolutions_s) or (None,):
        try:
            found.append(reader(card)(card, root, split, resolution_s))
        except BrokenCorpus as broken:
            problems.found.extend(broken.problems)
            if broken.subset is not None and len(broken.subset):
                found.append(broken.subset)
        except (BenchError, OSError) as error:
            problems.error(str(error), [], 1)
    return found


def _counts(subset: Subset) -> dict[str, int]:
    labels = subset.table["label"]
    return {
        "utterances": len(subset),
        "bonafide": int((labels == BONAFIDE).sum()),
        "spoof": int((labels == SPOOF).sum()),
        "speakers": len(set(subset.table["speaker"]) - {""}),
        "attacks": len(set(subset.table["attack"]) - {""}),
    }


def _compare_counts(card: CorpusCard, subset: Subset, problems: Problems) -> None:
    expected = card.splits[subset.split]
    found = _counts(subset)
    note = problems.error if expected.standing == "verified" else problems.warning
    for name in ("utterances", "bonafide", "spoof"):
        count: int | None = getattr(expected, name)
        if count is not None and count != found[name]:
            note(
                f"{name}: {found[name]:,} where the card has {count:,} ({expected.standing})", [], 1
            )


def _note_untyped(subset: Subset, problems: Problems) -> None:
    """Note attacks of which the card does not say whether they are TTS or VC."""
    table = subset.table
    if "attack_type" in table:
        untyped = table["attack"][(table["attack_type"] == "") & (table["attack"] != "")]
        problems.warning("attack without a type on the card", sorted(set(untyped)))


def _compare_durations(
    table: pd.DataFrame,
    timing: FrameVectors | Spans,
    headers: Mapping[str, Header],
    problems: Problems,
) -> None:
    """Note utterances whose labels cover another time than their audio."""
    tolerance_s, source = TOLERANCE_S, "spans"
    if isinstance(timing, FrameVectors):
        tolerance_s = max(TOLERANCE_S, timing.resolution_s)
        source = f"frame vectors at {timing.resolution_s:g} s"
    rows = zip(table["utterance"], table["path"], strict=True)
    readable = [(utterance, headers[path]) for utterance, path in rows if path in headers]
    labels_s = np.array([_covered_s(timing, utterance) for utterance, _ in readable])
    audio_s = np.array([found.duration_s for _, found in readable])
    off = np.flatnonzero(np.abs(labels_s - audio_s) > tolerance_s + 1e-6)
    problems.error(
        f"{source} and audio differ by more than {tolerance_s:g} s",
        [f"{readable[i][0]}: {labels_s[i]:.2f} s and {audio_s[i]:.2f} s" for i in off],
    )


def _covered_s(timing: FrameVectors | Spans, utterance: str) -> float:
    if isinstance(timing, FrameVectors):
        return len(timing.spoof[utterance]) * timing.resolution_s
    return timing.spans[utterance][-1].end_s
