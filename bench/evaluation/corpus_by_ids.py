"""Which corpus a score file is of, by its ids, among the splits whose keys are on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bench.cards import corpus_cards
from bench.config import Config, Form
from bench.data.corpora import read_keys
from bench.errors import BenchError
from bench.evaluation import forms, ids
from bench.evaluation.read_options import ReadOptions
from bench.specs.corpus import CorpusCard

_ENOUGH = 0.5
"""Share of a file's ids that a split must know for the file to be of it."""


class KnownSplit(NamedTuple):
    """A split whose keys are here."""

    card: CorpusCard
    split: str
    keys: pa.StringArray
    """Its ids."""

    @property
    def title(self) -> str:
        """E.g. `asvspoof2019la eval`."""
        return f"{self.card.key} {self.split}"


class _Fit(NamedTuple):
    """How well a file's ids fit a split."""

    known_share: float
    """Share of the file's ids that the split knows."""
    covered: float
    """Share of the split's ids that the file has."""


def known_splits(here: Config, form: Form, split: str = "") -> Iterator[KnownSplit]:
    """Yield the evaluation split of every corpus whose keys are on this machine.

    `split` names another one, where a corpus has it.
    """
    for card in corpus_cards.list_readable().cards:
        name = split or card.evaluation_split
        if name not in card.splits:
            continue
        try:
            subset = read_keys(card, name, here.corpus_root(card.key, form))
        except BenchError:
            continue  # not here, or not sound: `bench doctor` and --corpus say so
        yield KnownSplit(card, name, ids.to_array(subset.table["utterance"].tolist()))


def find_split(
    path: Path, reading: ReadOptions, splits: tuple[KnownSplit, ...], shown: Path
) -> KnownSplit:
    """Return the split that the file's ids are of.

    BenchError where there is none, or more than one.
    """
    if not splits:
        raise BenchError(
            "keys.missing",
            f"{shown}: there are no keys of any corpus on this machine: name the corpus and the "
            "folder of its keys, --corpus NAME --keys FOLDER",
        )
    names = forms.read_score_file(path, reading).names
    fits = {index: _fit_ids(names, splits[index].keys) for index in range(len(splits))}
    best = max(fit.known_share for fit in fits.values())
    fitting = [index for index, fit in fits.items() if fit.known_share == best >= _ENOUGH]
    whole = [index for index in fitting if fits[index].covered == 1]
    chosen = whole if len(whole) == 1 else fitting
    if len(chosen) == 1:
        return splits[chosen[0]]
    if chosen:
        several = " and ".join(splits[index].title for index in chosen)
        raise BenchError(
            "scores.several-corpora", f"{shown}: its ids fit {several}: name one, --corpus NAME"
        )
    looked = ", ".join(split.title for split in splits)
    raise BenchError(
        "scores.unknown-corpus",
        f"{shown}: its ids, such as {names[0].as_py()!r}, fit no corpus whose keys are here "
        f"({looked}): name the corpus, --corpus NAME",
    )


def _fit_ids(names: pa.StringArray, keys: pa.StringArray) -> _Fit:
    positions = ids.match_ids(names, keys).position
    matched = positions[positions >= 0]
    return _Fit(len(matched) / max(len(positions), 1), len(np.unique(matched)) / max(len(keys), 1))
