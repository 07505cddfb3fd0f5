"""The frames of a score file, in the order of utterances and time."""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false

# pyarrow ships no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.evaluation import score_file
from bench.metrics.grid import FramePoints, Surplus
from bench.units import to_samples


class ScoreFrames(NamedTuple):
    """The frames of a score file."""

    names: list[str]
    """Of the utterances, by their codes."""
    points: FramePoints
    """The score is the bona fide logit minus the spoof logit, where the file has both."""


def order_frames(table: Any, path: Path) -> ScoreFrames:
    """Return the frames of a score file's `table` in the order of utterances and time.

    `path` is named in errors. Raise BenchError where the frames do not follow one another on a
    grid.
    """
    encoded = table["utterance"].unify_dictionaries().combine_chunks()
    names, code = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    rank = np.argsort(np.argsort(np.array(names, dtype=object)))
    code = rank[code]
    start, end = _read_numbers(table, "start_s"), _read_numbers(table, "end_s")
    score, is_spoof = score_file.decision_score(table), score_file.pool_rows(table).is_spoof
    order = np.lexsort((start, code))
    frame_s = float(end[0] - start[0])
    same = np.diff(code[order]) == 0
    if not same.any() or np.abs(np.diff(start[order])[same] - frame_s).max() > 1e-6:
        raise BenchError(
            "analysis.not-on-a-grid",
            f"{path}: its frames do not follow one another on a grid: positions in a segment are "
            "those of frames of one length",
        )
    nothing = Surplus(0, 0, 0)
    points = FramePoints(code[order], is_spoof[order], score[order], to_samples(frame_s), nothing)
    return ScoreFrames(sorted(names), points)


def _read_numbers(table: Any, column: str) -> NDArray[np.float64]:
    return table[column].to_numpy().astype(np.float64)
