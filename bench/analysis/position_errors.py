"""Errors by position in the segment, from score files alone (SAL's Figure 3).

The paper says neither at which threshold nor of which class its rates are. As in the released
script they are of the frames of both classes together, decided by the larger logit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cards import corpus_cards as corpora
from bench.config import Config, Form
from bench.data.corpora import read_keys
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.evaluation.score_frames import ScoreFrames, order_frames
from bench.metrics.f1 import ARGMAX
from bench.metrics.grid import FramePoints, Surplus
from bench.metrics.positions import POSITIONS, FrameErrors, position_errors
from bench.metrics.ratios import group_ratios, ratio_intervals
from bench.plot_data import PositionErrors
from bench.specs.run import HeldOutData
from bench.training.clips import label_frames
from bench.units import to_samples

_REPLICATES, _SEED = 1000, 0


class PositionResults(NamedTuple):
    """What Figure 3 shows."""

    shares: NDArray[np.float64]
    """(4,): of the frames, in the order of `POSITIONS`."""
    systems: tuple[PositionErrors, ...]


def errors_by_position(paths: Mapping[str, Path]) -> PositionResults:
    """Return the shares of positions and each system's error rates, from score files by name.

    Intervals are of 1000 resamplings of utterances. Raise BenchError where a file has no frames on
    a grid, or two files have different frames or labels.
    """
    files = {name: order_frames(score_file.read_scores(path), path) for name, path in paths.items()}
    (first, first_frames), *others = files.items()
    for name, frames in others:
        if not _same_frames(frames, first_frames):
            raise BenchError(
                "analysis.different-frames",
                f"{paths[name]}: has other frames or labels than {paths[first]}: both should be of "
                "one evaluation",
            )
    results = [_system_errors(name, frames.points) for name, frames in files.items()]
    return PositionResults(results[0][0], tuple(places for _, places in results))


def position_shares(data: HeldOutData, form: Form, config: Config) -> PositionResults:
    """Return the shares of positions by the labels of an evaluation's corpus alone.

    No audio is read, and there are no systems. Raise BenchError where the corpus is not there, or
    whole utterances are labelled.
    """
    if data.resolution_s is None:
        raise BenchError(
            "analysis.no-frames",
            f"{data.corpus} {data.split}: whole utterances are labelled, not frames",
        )
    labels = label_frames(read_labelled(data, form, config), data)
    code = np.repeat(np.arange(len(labels)), [len(frames) for frames in labels])
    is_spoof = np.concatenate(labels)
    nothing = Surplus(0, 0, 0)
    frame = to_samples(data.resolution_s)
    points = FramePoints(code, is_spoof, np.zeros(len(code)), frame, nothing)
    return PositionResults(_position_shares(position_errors(points, ARGMAX)), ())


def read_labelled(data: HeldOutData, form: Form, config: Config) -> Subset:
    """Return the split of an evaluation from its protocol and label files alone."""
    card = corpora.read_corpus_card(data.corpus)
    root = config.corpus_root(card.key, form)
    return read_keys(card, data.split, root, data.resolution_s if card.resolutions_s else None)


def _same_frames(one: ScoreFrames, other: ScoreFrames) -> bool:
    return (
        one.names == other.names
        and one.points.frame == other.points.frame
        and np.array_equal(one.points.utterance, other.points.utterance)
        and np.array_equal(one.points.is_spoof, other.points.is_spoof)
    )


def _position_shares(errors: FrameErrors) -> NDArray[np.float64]:
    position = errors.group % len(POSITIONS)
    return np.bincount(position, minlength=len(POSITIONS)) / len(position)


def _system_errors(name: str, points: FramePoints) -> tuple[NDArray[np.float64], PositionErrors]:
    errors = position_errors(points, ARGMAX)
    position = errors.group % len(POSITIONS)  # classes together
    ratios = group_ratios(POSITIONS, position, errors.wrong, errors.unit)
    bounds = ratio_intervals(ratios.defined_ratios, None, _REPLICATES, _SEED)
    low, high = (
        np.array([getattr(bounds[at], side) if at in bounds else np.nan for at in POSITIONS])
        for side in ("low", "high")
    )
    return (
        _position_shares(errors),
        PositionErrors(name, np.array([*ratios.values.values()]), low, high),
    )
