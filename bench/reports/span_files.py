"""Decided recordings as files of other programs: CSV, RTTM, Praat's TextGrid."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import NamedTuple

from bench.evaluation.recording_scores import DecidedSpan, RecordingScores


class DecidedRecording(NamedTuple):
    """A recording's scores, and what is decided of it."""

    name: str
    """The file, as it was given."""
    stem: str
    """What files about it are called; no two recordings have one."""
    duration_s: float
    scores: RecordingScores
    spans: Sequence[DecidedSpan]
    """Empty without a threshold."""


def write_csv(recordings: Sequence[DecidedRecording]) -> str:
    """Return a line for each span or, without a threshold, for each frame."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["file", "start_s", "end_s", "score", "decision"])
    for one in recordings:
        for start_s, end_s, score, decision in _list_lines(one):
            table.writerow([one.name, f"{start_s:.6g}", f"{end_s:.6g}", f"{score:.9g}", decision])
    return text.getvalue()


def _list_lines(one: DecidedRecording) -> list[tuple[float, float, float, str]]:
    if one.spans:
        return [(span.start_s, span.end_s, span.score, span.label) for span in one.spans]
    edges, score = one.scores.edges_s.tolist(), one.scores.score.tolist()
    return [(*line, "") for line in zip(edges[:-1], edges[1:], score, strict=True)]


def write_rttm(recordings: Sequence[DecidedRecording]) -> str:
    """Return NIST's rich transcription time marks: a line for each span, the class as speaker."""
    return "".join(
        f"SPEAKER {'_'.join(one.stem.split())} 1 {span.start_s:.3f} "
        f"{span.end_s - span.start_s:.3f} <NA> <NA> {span.label} <NA> <NA>\n"
        for one in recordings
        for span in one.spans
    )


def write_textgrid(one: DecidedRecording) -> str:
    """Return a TextGrid with the tier `score` and, with a threshold, the tier `decision`.

    Praat needs intervals up to the end: what was not heard has an empty one.
    """
    edges, score = one.scores.edges_s.tolist(), one.scores.score.tolist()
    tiers = {
        "score": [
            (start, end, f"{value:.4g}")
            for start, end, value in zip(edges[:-1], edges[1:], score, strict=True)
        ]
    }
    if one.spans:
        tiers["decision"] = [(span.start_s, span.end_s, span.label) for span in one.spans]
    heads = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {one.duration_s:.6f}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    lines = [line for tier in enumerate(tiers.items(), 1) for line in _write_tier(*tier, one)]
    return "\n".join([*heads, *lines]) + "\n"


def _write_tier(
    number: int, tier: tuple[str, list[tuple[float, float, str]]], one: DecidedRecording
) -> list[str]:
    name, intervals = tier
    heard_s = intervals[-1][1]
    if one.duration_s - heard_s > 1e-6:
        intervals = [*intervals, (heard_s, one.duration_s, "")]
    lines = [
        f"    item [{number}]:",
        '        class = "IntervalTier"',
        f'        name = "{name}"',
        "        xmin = 0",
        f"        xmax = {one.duration_s:.6f}",
        f"        intervals: size = {len(intervals)}",
    ]
    for count, (start_s, end_s, label) in enumerate(intervals, 1):
        lines += [
            f"        intervals [{count}]:",
            f"            xmin = {start_s:.6f}",
            f"            xmax = {end_s:.6f}",
            f'            text = "{label}"',
        ]
    return lines
