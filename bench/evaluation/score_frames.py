"""The frames of a score file on their grid, in the order of utterances and time."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from bench.errors import BenchError
from bench.evaluation import score_file
from bench.metrics.grid import FramePoints, align_points
from bench.metrics.timeline import LabelledStretches
from bench.units import SAMPLE_RATE_HZ


class ScoreFrames(NamedTuple):
    """The frames of a score file."""

    names: list[str]
    """Of the utterances, by their codes."""
    points: FramePoints
    """The score is the bona fide logit minus the spoof logit, where the file has both."""


def read_timeline(table: pa.Table) -> tuple[FramePoints, LabelledStretches]:
    """Return the frames with their labels by `decision_score`, and where the labels change.

    Utterances are units of `list_utterances`. BenchError where frames lie on no grid from 0 on.
    """
    scored, truth, frame = score_file.read_frames(table, score_file.decision_score(table))
    return align_points(scored, truth, frame / SAMPLE_RATE_HZ), truth


def order_frames(table: pa.Table, path: Path) -> ScoreFrames:
    """Return the frames of a score file's `table` in the order of utterances and time.

    `path` is named in errors. Raise BenchError where the frames do not follow one another on a
    grid, also where each utterance has one row.
    """
    names, points = score_file.list_utterances(table), None
    if len(names) < table.num_rows:
        with suppress(BenchError):
            points, _ = read_timeline(table)
    if points is None:
        raise BenchError(
            "analysis.not-on-a-grid",
            f"{path}: its frames do not follow one another on a grid: positions in a segment are "
            "those of frames of one length",
        )
    return ScoreFrames(names, points)
