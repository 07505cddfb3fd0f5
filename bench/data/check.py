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
from bench.data.broken_corpus import BrokenCorpus
from bench.data.fingerprint import compute_fingerprint
from bench.data.parallel import Progress
from bench.data.readers import find_reader
from bench.data.subset import FrameVectors, Spans, Subset
from bench.errors import BenchError
from bench.issues import EXAMPLES_SHOWN, Issue, Issues
from bench.specs.corpus import CorpusCard
from bench.units import BONAFIDE, SPOOF

TOLERANCE_S = 0.05


@dataclass(frozen=True)
class CheckReport:
    """What was found; `hours` by the audio's headers, `fingerprint` "" where nothing was read."""

    corpus: str
    split: str
    root: Path
    counts: Mapping[str, int]
    hours: float
    fingerprint: str
    issues: tuple[Issue, ...]

    @property
    def ok(self) -> bool:
        """Whether there are no errors; warnings may remain."""
        return all(issue.severity == "warning" for issue in self.issues)


def check_corpus(
    card: CorpusCard,
    root: Path,
    split: str,
    progress: Progress,
    form: Form = "paper",
    decode: int | None = None,
) -> CheckReport:
    """Check one split below `root` and report every problem; a broken corpus raises nothing.

    Compared are the labels at every official resolution with the protocol, the audio files with the
    protocol, their headers with the card and with the labels, and for form "paper" the counts with
    the card's (verified: error, memory: warning). Of each audio file header and last sample are
    read or, where `decode` says on how many processes, every sample (0: in this one). `progress` is
    told how many audio files are done, and of how many. An unknown split is a BenchError.
    """
    check_split(card, split)
    issues = Issues()
    readings = _read_resolutions(card, root, split, issues)
    if not readings:
        return CheckReport(card.key, split, root, {}, 0.0, "", _drop_repeated(issues))
    subset = readings[0]
    if form == "paper":
        _compare_counts(card, subset, issues)
    _note_untyped(subset, issues)
    files = check_audio.list_files(subset, card.audio.suffix)
    issues.add("error", "corpus.audio-missing", "audio file missing", ids=files.missing)
    headers = check_audio.read_headers(root, files.there, decode, issues, progress)
    check_audio.compare_headers(card.audio, headers, issues)
    for reading in readings:
        if reading.timing is not None:
            polarity.warn_missing_spoof(reading.table, reading.timing, issues)
            _compare_durations(reading.table, reading.timing, headers, issues)
    seconds = sum(info.duration_s for info in headers.values())
    counts = {**_count_labels(subset), "other audio files": files.others}
    hours, fingerprint = seconds / 3600, compute_fingerprint(subset)
    return CheckReport(card.key, split, root, counts, hours, fingerprint, _drop_repeated(issues))


def summarize_split(card: CorpusCard, root: Path, split: str) -> str:
    """Return in a line what is there of a split: its counts, or the first thing that it lacks.

    The lists are read and audio files are looked for; nothing is opened (`check_corpus` does).
    """
    try:
        subset = find_reader(card)(card, root, split, max(card.resolutions_s, default=None))
    except (BenchError, OSError) as error:
        return " ".join(str(error).split("\n")[:2])
    counts = _count_labels(subset)
    missing = len(check_audio.list_files(subset, card.audio.suffix).missing)
    audio = f"audio of {missing:,} is missing" if missing else "all their audio is there"
    listed = f"{counts['bonafide']:,} bona fide and {counts['spoof']:,} spoof utterances"
    return f"{listed}, {audio}"


def render_check(report: CheckReport) -> str:
    """Return the report as Markdown: a heading, a table of counts, a table of issues."""
    errors = sum(issue.severity == "error" for issue in report.issues)
    state = "sound" if report.ok else f"{errors} {'error' if errors == 1 else 'errors'}"
    title = markdown.format_heading(1, f"{report.corpus}, {report.split}: {state}")
    lines = [title, "", markdown.escape_text(f"{report.root}"), ""]
    if report.counts:
        cells = {name: f"{count:,}" for name, count in report.counts.items()}
        cells |= {"hours": f"{report.hours:.2f}", "fingerprint": report.fingerprint}
        lines += markdown.format_table(["what", "value"], list(cells.items()))
    if report.issues:
        rows = [
            (issue.severity, issue.message, f"{issue.count:,}", "; ".join(issue.examples))
            for issue in sorted(report.issues, key=lambda issue: issue.severity)
        ]
        lines += ["", *markdown.format_table(["", "problem", "count", "for example"], rows)]
    if any(len(_list_items(issue)) > len(issue.examples) for issue in report.issues):
        hint = f"Of each problem {EXAMPLES_SHOWN} are shown; `--problems-file FILE` writes all."
        lines += ["", hint]
    return "\n".join(lines) + "\n"


def check_as_dict(report: CheckReport) -> dict[str, Any]:
    """Return the report as what JSON can hold, every item of every issue too."""
    issues = [
        {
            "severity": issue.severity,
            "code": issue.code,
            "what": issue.message,
            "count": issue.count,
            "items": _list_items(issue),
        }
        for issue in report.issues
    ]
    return {
        "corpus": report.corpus,
        "split": report.split,
        "root": str(report.root),
        "ok": report.ok,
        "counts": dict(report.counts),
        "hours": report.hours,
        "fingerprint": report.fingerprint,
        "problems": issues,
    }


def list_issues(reports: Iterable[CheckReport]) -> str:
    """Return every item of every issue as CSV: `finding,id,detail,severity,split,code`.

    `id` is a file, an utterance or a line of a list, "" where the issue says it itself.
    """
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["finding", "id", "detail", "severity", "split", "code"])
    for report in reports:
        for issue in report.issues:
            for item in _list_items(issue) or [""]:
                name, _, detail = item.partition(": ")
                row = [issue.message, name, detail, issue.severity, report.split, issue.code]
                lines.writerow(row)
    return text.getvalue()


def _list_items(issue: Issue) -> list[str]:
    return list(issue.ids())


def _drop_repeated(issues: Iterable[Issue]) -> tuple[Issue, ...]:
    """Drop repetitions: a fault of the protocol is found at every resolution."""
    return tuple(dict.fromkeys(issues))


def _read_resolutions(card: CorpusCard, root: Path, split: str, issues: Issues) -> list[Subset]:
    """Read the split at every official resolution, or once where labels are spans; finest first."""
    subsets: list[Subset] = []
    for resolution_s in sorted(card.resolutions_s) or (None,):
        try:
            subsets.append(find_reader(card)(card, root, split, resolution_s))
        except BrokenCorpus as broken:
            issues.extend(broken.issues)
            if broken.subset is not None and len(broken.subset):
                subsets.append(broken.subset)
        except (BenchError, OSError) as error:
            code = error.code if isinstance(error, BenchError) else "file.unreadable"
            issues.add("error", code, str(error))
    return subsets


def _count_labels(subset: Subset) -> dict[str, int]:
    labels = subset.table["label"]
    return {
        "utterances": len(subset),
        "bonafide": int((labels == BONAFIDE).sum()),
        "spoof": int((labels == SPOOF).sum()),
        "speakers": len(set(subset.table["speaker"]) - {""}),
        "attacks": len(set(subset.table["attack"]) - {""}),
    }


def _compare_counts(card: CorpusCard, subset: Subset, issues: Issues) -> None:
    expected = card.splits[subset.split]
    counts = _count_labels(subset)
    severity = "error" if expected.standing == "verified" else "warning"
    for name in ("utterances", "bonafide", "spoof"):
        count: int | None = getattr(expected, name)
        if count is not None and count != counts[name]:
            message = f"{name}: {counts[name]:,} where the card has {count:,} ({expected.standing})"
            issues.add(severity, "corpus.count", message)


def _note_untyped(subset: Subset, issues: Issues) -> None:
    """Note attacks of which the card does not say whether they are TTS or VC."""
    table = subset.table
    if "attack_type" in table:
        untyped = table["attack"][(table["attack_type"] == "") & (table["attack"] != "")]
        what = "attack without a type on the card"
        issues.add("warning", "corpus.attack-untyped", what, ids=sorted(set(untyped)))


def _compare_durations(
    table: pd.DataFrame, timing: FrameVectors | Spans, headers: Mapping[str, Header], issues: Issues
) -> None:
    """Note utterances whose labels cover another time than their audio."""
    tolerance_s, source = TOLERANCE_S, "spans"
    if isinstance(timing, FrameVectors):
        tolerance_s = max(TOLERANCE_S, timing.resolution_s)
        source = f"frame vectors at {timing.resolution_s:g} s"
    rows = zip(table["utterance"], table["path"], strict=True)
    readable = [(utterance, headers[path]) for utterance, path in rows if path in headers]
    labels_s = np.array([_covered_s(timing, utterance) for utterance, _ in readable])
    audio_s = np.array([info.duration_s for _, info in readable])
    off = np.flatnonzero(np.abs(labels_s - audio_s) > tolerance_s + 1e-6)
    what = f"{source} and audio differ by more than {tolerance_s:g} s"
    ids = [f"{readable[i][0]}: {labels_s[i]:.2f} s and {audio_s[i]:.2f} s" for i in off]
    issues.add("error", "labels.duration-mismatch", what, ids=ids)


def _covered_s(timing: FrameVectors | Spans, utterance: str) -> float:
    if isinstance(timing, FrameVectors):
        return len(timing.spoof[utterance]) * timing.resolution_s
    return timing.spans[utterance][-1].end_s
