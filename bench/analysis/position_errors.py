"""Errors by position in the segment, from score files alone (SAL's Figure 3).

The paper says neither at which threshold nor of which class its rates are. As in the released
script they are of the frames of both classes together, decided by the larger logit.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.cards import corpus_cards as corpora
from bench.config import Config, Form
from bench.data.corpora import load_keys
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.metrics import scores as score_file
from bench.metrics.f1 import ARGMAX
from bench.metrics.grid import Points, Surplus
from bench.metrics.positions import POSITIONS, FrameErrors, position_errors
from bench.metrics.ratios import group_ratios, ratio_intervals
from bench.reports.figures import Places
from bench.specs.run import HeldOutData
from bench.training.clips import frame_labels
from bench.units import samples

_REPLICATES, _SEED = 1000, 0


class ByPosition(NamedTuple):
    """What Figure 3 shows."""

    shares: NDArray[np.float64]
    """(4,): of the frames, in the order of `POSITIONS`."""
    systems: tuple[Places, ...]


class Framed(NamedTuple):
    """The frames of a score file."""

    names: list[str]
    """Of the utterances, by their codes."""
    points: Points
    """The score is the bona fide logit minus the spoof logit, where the file has both."""


def by_position(paths: Mapping[str, Path]) -> ByPosition:
    """Return the shares of positions, and each system's error rates with the interval of 1000
    resamplings of utterances, from the score files by name.

    BenchError where a file has no frames on a grid, or two are of other frames or labels.
    """
    all_of = {name: framed(score_file.read(path), path) for name, path in paths.items()}
    (first, of_first), *others = all_of.items()
    for name, of in others:
        if not _same(of, of_first):
            raise BenchError(
                f"{paths[name]}: has other frames or labels than {paths[first]}: both should be of "
                "one evaluation"
            )
    found = [_places(name, of.points) for name, of in all_of.items()]
    return ByPosition(found[0][0], tuple(places for _, places in found))


def of_labels(data: HeldOutData, form: Form, config: Config) -> ByPosition:
    """Return the shares of positions of an evaluation's frames by its corpus's labels alone: no
    audio is looked at, and there are no systems.

    BenchError where the corpus is not there, or whole utterances are labelled.
    """
    if data.resolution_s is None:
        raise BenchError(f"{data.corpus} {data.split}: whole utterances are labelled, not frames")
    labels = frame_labels(labelled(data, form, config), data)
    code = np.repeat(np.arange(len(labels)), [len(of) for of in labels])
    is_spoof = np.concatenate(labels)
    nothing = Surplus(0, 0, 0)
    points = Points(code, is_spoof, np.zeros(len(code)), samples(data.resolution_s), nothing)
    return ByPosition(_shares(position_errors(points, ARGMAX)), ())


def labelled(data: HeldOutData, form: Form, config: Config) -> Subset:
    """Return the split of an evaluation from its protocol and label files alone."""
    card = corpora.card(data.corpus)
    root = config.corpus_root(card.key, form)
    return load_keys(card, data.split, root, data.resolution_s if card.resolutions_s else None)


def framed(table: Any, path: Path) -> Framed:
    """Return the frames of a score file, a table as `score_file.read` returns it; `path` is where
    it is from. BenchError where they do not follow one another on a grid.
    """
    encoded = table["utterance"].unify_dictionaries().combine_chunks()
    names, code = encoded.dictionary.to_pylist(), encoded.indices.to_numpy()
    rank = np.argsort(np.argsort(np.array(names, dtype=object)))
    code = rank[code]
    start, end = _numbers(table, "start_s"), _numbers(table, "end_s")
    score, is_spoof = score_file.decision_score(table), score_file.pooled(table).is_spoof
    order = np.lexsort((start, code))
    frame_s = float(end[0] - start[0])
    same = np.diff(code[order]) == 0
    if not same.any() or np.abs(np.diff(start[order])[same] - frame_s).max() > 1e-6:
        raise BenchError(
            f"{path}: its frames do not follow one another on a grid: positions in a segment are "
            "those of frames of one length"
        )
    nothing = Surplus(0, 0, 0)
    points = Points(code[order], is_spoof[order], score[order], samples(frame_s), nothing)
    return Framed(sorted(names), points)


def _same(one: Framed, other: Framed) -> bool:
    return (
        one.names == other.names
        and one.points.frame == other.points.frame
        and np.array_equal(one.points.utterance, other.points.utterance)
        and np.array_equal(one.points.is_spoof, other.points.is_spoof)
    )


def _shares(errors: FrameErrors) -> NDArray[np.float64]:
    place = errors.group % len(POSITIONS)
    return np.bincount(place, minlength=len(POSITIONS)) / len(place)


def _places(name: str, of: Points) -> tuple[NDArray[np.float64], Places]:
    errors = position_errors(of, ARGMAX)
    place = errors.group % len(POSITIONS)  # classes together
    ratios = group_ratios(POSITIONS, place, errors.wrong, errors.unit)
    bounds = ratio_intervals(ratios.defined, None, _REPLICATES, _SEED)
    low, high = (
        np.array([getattr(bounds[at], side) if at in bounds else np.nan for at in POSITIONS])
        for side in ("low", "high")
    )
    return _shares(errors), Places(name, np.array([*ratios.values.values()]), low, high)


def _numbers(table: Any, column: str) -> NDArray[np.float64]:
    return table[column].to_numpy().astype(np.float64)
