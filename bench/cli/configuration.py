"""This machine's configuration as the verbs use it: every key of it is known."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench import config
from bench._io import atomic_files
from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import BenchError
from bench.models import weights

_NOT_WRITTEN_IN = ("mini", "artifacts", "outbox")
"""Folders of the work folder with many files, which others than `bench._io.atomic_files` make."""

_VARIABLE = "BENCH_"
"""How the variables that say a key begin."""


def load() -> Config:
    """Return the configuration, its corpora by their cards' keys.

    A corpus may be given by any name that `bench.cards.corpus_cards.card` knows it by. BenchError names
    all that no card has, and the keys of weights that are misspelt.
    """
    stated = config.load()
    wrong = [*_misspelt_weights(stated)]
    corpora: dict[str, Path] = {}
    origins = dict(stated.origins)
    said_by: dict[str, str] = {}
    for name, place in stated.corpora.items():  # what goes before all others stands last
        where = stated.where(f"corpora.{name}")
        try:
            key = name if name in corpus_cards.names() else corpus_cards.card(name).key
        except BenchError as error:
            wrong.append(f"{_said(where, 'corpora', name)}: {error}")
            continue
        source = "" if where.startswith(_VARIABLE) else where
        if said_by.get(key) == source:
            wrong.append(f"{_said(where, 'corpora', name)}: {key} has a place already")
        said_by[key], corpora[key] = source, place
        origins[f"corpora.{key}"] = where
    if wrong:
        raise BenchError("\n".join(wrong))
    return replace(stated, corpora=corpora, origins=origins)


def to_write(*places: Path) -> Config:
    """Return the configuration for a verb that writes into the work folder or `places`: what killed
    processes left there and among temporary files is removed first.
    """
    here = load()
    temporary = Path(tempfile.gettempdir())  # may be this process's own, beside those of others
    found = [*places, here.mini, temporary, temporary.parent]
    for place, below, _ in os.walk(here.work):
        if Path(place) == here.work:
            below[:] = [name for name in below if name not in _NOT_WRITTEN_IN]
        found.append(Path(place))
    atomic_files.remove_leftovers(found)
    return here


def _misspelt_weights(stated: Config) -> Iterator[str]:
    """Yield which keys of weights differ from a known one in case and dashes alone.

    Other keys are names of a user's own: cards and `--set frontend.weights=` may name any.
    """
    known = {_letters(key): key for key in weights.KNOWN}
    for name in stated.weights.keys() - weights.KNOWN.keys():
        if meant := known.get(_letters(name)):
            where = _said(stated.where(f"weights.{name}"), "weights", name)
            yield f"{where}: no such key; did you mean {meant!r}?"


def _letters(key: str) -> str:
    return "".join(letter for letter in key.casefold() if letter.isalnum())


def _said(where: str, section: str, key: str) -> str:
    """Return where a key is said: a variable, or the key of a file."""
    return where if where.startswith(_VARIABLE) else f"{section}.{key} in {where}"
