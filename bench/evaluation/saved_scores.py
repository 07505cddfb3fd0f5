"""An evaluated score file in the suite's own format: later tests of difference need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.evaluation import score_file as scores
from bench.evaluation.matched_scores import MatchedScores
from bench.metrics.grid import FrameRules, align_points
from bench.metrics.tally import Bools, Floats, Integers
from bench.metrics.utterances import utterance_items
from bench.units import CLASSES, SAMPLE_RATE_HZ

_UNKNOWN_S = 1.0
"""Stands for an utterance's length where the keys do not say it; no result of utterances reads
it."""


def save_scores(
    path: Path,
    matched: MatchedScores,
    resolution_s: float | None,
    rules: FrameRules | None = None,
    threshold: float = 0.0,
) -> None:
    """Write the trials of an evaluated file that have a score, in the columns of `scores.COLUMNS`.

    Speakers, attacks and labels are those of the keys. Scores are as exact as the file's, less
    `threshold`, so that bona fide decisions are above 0. Of scores of frames, those at
    `resolution_s` are written; where that is None, the lowest of each utterance. BenchError where
    frames are on no grid that `resolution_s` goes with.
    """
    if matched.truth is None or matched.checked.frames is None:
        trials = matched.trials
        columns = _utterance_columns(matched, trials.row, trials.is_spoof, trials.score)
    elif resolution_s is None:
        items = utterance_items(matched.checked.frames, matched.truth)
        columns = _utterance_columns(matched, items.unit, items.spoof > 0, items.score)
    else:
        at = align_points(
            matched.checked.frames, matched.truth, resolution_s, *(rules or FrameRules())
        )
        first = np.searchsorted(at.utterance, at.utterance)
        start_s = (np.arange(len(first)) - first) * at.frame / SAMPLE_RATE_HZ
        columns = _shared_columns(matched, at.utterance, at.is_spoof, at.score)
        columns |= {"start_s": start_s, "end_s": start_s + at.frame / SAMPLE_RATE_HZ}
    scores.write_scores(path, {**columns, "score": columns["score"] - threshold}, doubles=True)


def _utterance_columns(
    matched: MatchedScores, row: Integers, is_spoof: Bools, score: Floats
) -> dict[str, Any]:
    length_s = matched.table["duration_s"].to_numpy(dtype=np.float64)[row]
    has_length = np.isfinite(length_s) & (length_s > 0)
    end_s = np.where(has_length, length_s, _UNKNOWN_S)
    return {
        **_shared_columns(matched, row, is_spoof, score),
        "start_s": 0.0 * end_s,
        "end_s": end_s,
    }


def _shared_columns(
    matched: MatchedScores, row: Integers, is_spoof: Bools, score: Floats
) -> dict[str, Any]:
    named = ("utterance", "speaker", "attack")
    return {
        **{name: matched.table[name].to_numpy(dtype=object)[row] for name in named},
        "label": np.array(CLASSES, dtype=object)[is_spoof.astype(int)],
        "score": score,
    }
