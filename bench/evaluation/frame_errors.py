"""Error rates of one system's frames by position in the segment and by distance to a boundary.

All systems on the same trials have the same replicates, as those of `bench.evaluation.draws`.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.evaluation import score_file
from bench.evaluation.draws import REPLICATES
from bench.evaluation.score_frames import read_timeline
from bench.metrics.f1 import ARGMAX
from bench.metrics.grid import FramePoints
from bench.metrics.plans import ResamplingPlan
from bench.metrics.positions import distance_errors, position_errors
from bench.metrics.ratios import Ratios, bound_replicates, group_ratios, replicate_ratios
from bench.metrics.resampling_groups import group_items
from bench.metrics.tally import Floats
from bench.metrics.timeline import LabelledStretches


class PositionErrorRates(NamedTuple):
    """Error rates of k groups of frames, fractions; arrays of shape (k,) but the last."""

    names: tuple[str, ...]
    """Those of `bench.metrics.positions`, of which there are frames: `spoof-middle`, `bonafide 640
    ms and above`."""
    trials: str
    """Sixteen digits of the trials: systems with equal ones were drawn alike."""
    frames: Floats
    errors: Floats
    erring: Floats
    """Utterances with such an error."""
    low: Floats
    """Bounds of the 95 % interval."""
    high: Floats
    replicates: Floats
    """(REPLICATES, k); NaN where a replicate has no such frame."""

    @property
    def values(self) -> Floats:
        """The error rates."""
        return self.errors / self.frames


def compute_position_errors(path: Path) -> PositionErrorRates:
    """Return the error rates by position of the score file at `path`.

    A frame is decided by its larger logit, or by `score > 0` where the file has none. Boundaries
    are those of the file's own labels, so exact to a frame. Speakers and attacks are drawn where
    the file names them, else utterances. BenchError as `score_file.read_scores`, where frames
    lie on no grid, and where nothing can be drawn.
    """
    table = score_file.read_scores(path)
    frames_of_file, truth = read_timeline(table)
    ratios = _error_ratios(frames_of_file, truth)
    plan = score_file.file_factors(table).make_plan(
        frames_of_file.utterance, frames_of_file.is_spoof
    )
    trials = _digest_trials(score_file.list_utterances(table), frames_of_file, plan)
    seed = int(trials, 16)
    drawn = replicate_ratios([ratios], group_items(plan, [ratios.unit]), REPLICATES, seed)[0]
    bounds = bound_replicates(ratios, drawn)
    return PositionErrorRates(
        ratios.names,
        trials,
        ratios.whole.sum(axis=0),
        ratios.part.sum(axis=0),
        np.count_nonzero(ratios.part, axis=0),
        np.array([bounds[name].low for name in ratios.names]),
        np.array([bounds[name].high for name in ratios.names]),
        drawn,
    )


def _error_ratios(frames_of_file: FramePoints, truth: LabelledStretches) -> Ratios:
    """Return the share of wrong frames of every group that has a frame."""
    by_position, by_distance = (
        group_ratios(errors.names, errors.group, errors.wrong, errors.unit)
        for errors in (
            position_errors(frames_of_file, ARGMAX),
            distance_errors(frames_of_file, truth, ARGMAX),
        )
    )
    return by_position._replace(
        names=by_position.names + by_distance.names,
        part=np.concatenate([by_position.part, by_distance.part], axis=1),
        whole=np.concatenate([by_position.whole, by_distance.whole], axis=1),
    ).defined_ratios


def _digest_trials(names: list[str], frames_of_file: FramePoints, plan: ResamplingPlan) -> str:
    """Return a digest of what decides draws and groups.

    These are the utterances, their factors, and the labels of their frames.
    """
    utterances: list[str] = [names[unit] for unit in plan.unit.tolist()]
    digest = hashlib.sha256("\n".join([plan.name, *utterances]).encode())
    for values in (*plan.levels, frames_of_file.utterance, frames_of_file.is_spoof):
        digest.update(np.ascontiguousarray(values, dtype=np.int64).tobytes())
    return digest.hexdigest()[:16]
