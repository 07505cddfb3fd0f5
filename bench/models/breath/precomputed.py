"""Breath intervals from a CSV of `utterance,start_s,end_s`."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench._io import text_files
from bench.config import Config
from bench.data.subset import Subset
from bench.errors import BenchError, quote_text
from bench.models.breath.cache import Times
from bench.models.breath.marks import Intervals
from bench.models.weights import locate_requirement
from bench.specs.breath.precomputed import Precomputed

COLUMNS = ["utterance", "start_s", "end_s"]


def read_intervals(spec: Precomputed, subset: Subset, config: Config) -> Intervals:
    """Return the intervals that the file has for a subset; overlapping ones become one.

    The file may hold other utterances, too. An utterance of the subset without a line is a
    BenchError unless `spec.absent` is "no-breath", and so is a line that is no interval.
    """
    path = locate_requirement(spec.requirements()[0], config)
    utterances: list[str] = subset.table["utterance"].tolist()
    by_utterance: dict[str, list[tuple[float, float]]] = {}
    for utterance, interval in _read_lines(path):
        by_utterance.setdefault(utterance, []).extend(interval)
    absent = [utterance for utterance in utterances if utterance not in by_utterance]
    if absent and spec.absent == "error":
        raise BenchError(
            "breath.utterances-missing",
            f"{path}: has no line for {len(absent):,} of {len(utterances):,} utterances of "
            f"{subset.corpus} {subset.split}, the first is {absent[0]}: should have a line "
            f"`{absent[0]},,` where it has no breath, or set breath.absent = 'no-breath'",
        )
    return Intervals.from_utterances(
        _merge_intervals(by_utterance.get(utterance, [])) for utterance in utterances
    )


def _read_lines(path: Path) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yield the utterance of each line and its interval, none where both times are empty."""
    rows = csv.reader(io.StringIO(text_files.read_text(path)))
    try:
        header = next(rows, [])
        if header != COLUMNS:
            raise BenchError(
                "file.malformed",
                f"{path}:1: {quote_text(','.join(header))}: should be {','.join(COLUMNS)}",
            )
        for row in rows:
            yield _parse_line(f"{path}:{rows.line_num}", row)
    except csv.Error as error:
        raise BenchError("file.malformed", f"{path}: cannot be read: {error}") from error


def _parse_line(where: str, row: list[str]) -> tuple[str, list[tuple[float, float]]]:
    if len(row) == 3 and row[0] and row[1:] == ["", ""]:
        return row[0], []
    try:
        utterance, start_s, end_s = row[0], float(row[1]), float(row[2])
    except (ValueError, IndexError):
        utterance, start_s, end_s = "", math.nan, math.nan
    if len(row) != 3 or not utterance or not 0 <= start_s < end_s < math.inf:
        raise BenchError(
            "file.malformed",
            f"{where}: {quote_text(','.join(row))}: should be an utterance and two times in "
            "seconds, "
            "0 <= start_s < end_s, or two empty times where it has no breath",
        )
    return utterance, [(start_s, end_s)]


def _merge_intervals(intervals: list[tuple[float, float]]) -> Times:
    """Return the union of intervals as ones that are in order and apart."""
    united: list[tuple[float, float]] = []
    for start_s, end_s in sorted(intervals):
        if united and start_s <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], end_s)
        else:
            united.append((start_s, end_s))
    return np.array(united, dtype=np.float32).reshape(-1, 2)
