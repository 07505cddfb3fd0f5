"""Breaths that somebody else found, from a CSV of `utterance,start_s,end_s`."""

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
from bench.errors import BenchError, quoted
from bench.models.breath.cache import Times
from bench.models.breath.marks import Intervals
from bench.models.weights import INTERVALS, locate
from bench.specs.breath import Precomputed

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

COLUMNS = ["utterance", "start_s", "end_s"]


def read(subset: Subset, spec: Precomputed, config: Config) -> Intervals:
    """Return the intervals that the file has for a subset; overlapping ones become one.

    The file may hold other utterances, too. One of the subset's that it says nothing of is a
    BenchError unless `spec.absent` is "no-breath", and so is a line that is no interval.
    """
    path = locate(spec.intervals, config, INTERVALS)
    utterances: list[str] = subset.table["utterance"].tolist()
    found: dict[str, list[tuple[float, float]]] = {}
    for utterance, interval in _lines(path):
        found.setdefault(utterance, []).extend(interval)
    absent = [utterance for utterance in utterances if utterance not in found]
    if absent and spec.absent == "error":
        raise BenchError(
            f"{path}: says nothing of {len(absent):,} of {len(utterances):,} utterances of "
            f"{subset.corpus} {subset.split}, the first is {absent[0]}: should have a line "
            f"`{absent[0]},,` where it has no breath, or set breath.absent = 'no-breath'"
        )
    return Intervals.joined(_united(found.get(utterance, [])) for utterance in utterances)


def _lines(path: Path) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """Yield the utterance of each line and its interval, none where both times are empty."""
    rows = csv.reader(io.StringIO(text_files.read(path)))
    try:
        header = next(rows, [])
        if header != COLUMNS:
            raise BenchError(f"{path}:1: {quoted(','.join(header))}: should be {','.join(COLUMNS)}")
        for row in rows:
            yield _line(f"{path}:{rows.line_num}", row)
    except csv.Error as error:
        raise BenchError(f"{path}: cannot be read: {error}") from error


def _line(where: str, row: list[str]) -> tuple[str, list[tuple[float, float]]]:
    if len(row) == 3 and row[0] and row[1:] == ["", ""]:
        return row[0], []
    try:
        utterance, start_s, end_s = row[0], float(row[1]), float(row[2])
    except (ValueError, IndexError):
        utterance, start_s, end_s = "", math.nan, math.nan
    if len(row) != 3 or not utterance or not 0 <= start_s < end_s < math.inf:
        raise BenchError(
            f"{where}: {quoted(','.join(row))}: should be an utterance and two times in seconds, "
            "0 <= start_s < end_s, or two empty ones where it has no breath"
        )
    return utterance, [(start_s, end_s)]


def _united(intervals: list[tuple[float, float]]) -> Times:
    """Return the union of intervals as ones that are in order and apart."""
    united: list[tuple[float, float]] = []
    for start_s, end_s in sorted(intervals):
        if united and start_s <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], end_s)
        else:
            united.append((start_s, end_s))
    return np.array(united, dtype=np.float32).reshape(-1, 2)
