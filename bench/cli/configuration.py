"""This machine's configuration as the verbs use it, with every key checked."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from bench import config
from bench._io import atomic_files
from bench.cards import corpus_cards
from bench.config import Config
from bench.errors import BenchError
from bench.models import weights
from bench.tracking import unit_outboxes

_NOT_WRITTEN_IN = ("mini", "artifacts", "outbox", "digests")
"""Folders of the work folder with many files, which others than `bench._io.atomic_files` make."""

_VARIABLE = "BENCH_"
"""How the variables that say a key begin."""


def load_configuration() -> Config:
    """Return the configuration, its corpora by their cards' keys.

    A corpus may be given by any name that `bench.cards.corpus_cards.read_corpus_card` takes.
    BenchError lists the names that no card has, and misspelt keys of weights.
    """
    stated = config.read_config()
    wrong = [*_list_misspelt_weights(stated)]
    corpora: dict[str, Path] = {}
    origins = dict(stated.origins)
    said_by: dict[str, str] = {}
    for name, folder in stated.corpora.items():  # what goes before all others stands last
        where = stated.source_of(f"corpora.{name}")
        try:
            key = (
                name
                if name in corpus_cards.list_corpora()
                else corpus_cards.read_corpus_card(name).key
            )
        except BenchError as error:
            wrong.append(f"{_describe_origin(where, 'corpora', name)}: {error}")
            continue
        source = "" if where.startswith(_VARIABLE) else where
        if said_by.get(key) == source:
            wrong.append(f"{_describe_origin(where, 'corpora', name)}: {key} has a place already")
        said_by[key], corpora[key] = source, folder
        origins[f"corpora.{key}"] = where
    stage: list[str] = []
    for name in stated.stage:
        try:
            stage.append(corpus_cards.read_corpus_card(name).key)
        except BenchError as error:
            wrong.append(f"stage in {stated.source_of('stage')}: {error}")
    if wrong:
        raise BenchError("config.invalid", "\n".join(wrong))
    return replace(stated, corpora=corpora, stage=tuple(stage), origins=origins)


def to_write(*places: Path) -> Config:
    """Return the configuration for a verb that writes into the work folder or `places`.

    First it removes what killed processes left there and among temporary files.
    """
    here = load_configuration()
    temporary = Path(tempfile.gettempdir())  # may be this process's own, beside those of others
    folders = [*places, here.mini_root, temporary, temporary.parent]
    for folder, below, _ in os.walk(here.work):
        if Path(folder) == here.work:
            below[:] = [name for name in below if name not in _NOT_WRITTEN_IN]
        folders.append(Path(folder))
    atomic_files.remove_leftovers(folders)
    return here


def announce_waiting(here: Config) -> None:
    """Say on standard error how many runs of units and machines wait for `bench sync`, if any."""
    if count := unit_outboxes.count_waiting(here):
        what = "1 run waits" if count == 1 else f"{count} runs wait"
        click.echo(f"{what} in {here.work / 'outboxes'} for `bench sync`", err=True)


def _list_misspelt_weights(stated: Config) -> Iterator[str]:
    """Yield which keys of weights differ from a known one in case and dashes alone.

    Other keys are names of a user's own: cards and `--set frontend.weights=` may name any.
    """
    key_of = {_keep_letters(key): key for key in weights.published_weights()}
    for name in stated.weights.keys() - weights.published_weights().keys():
        if meant := key_of.get(_keep_letters(name)):
            where = _describe_origin(stated.source_of(f"weights.{name}"), "weights", name)
            yield f"{where}: no such key; did you mean {meant!r}?"


def _keep_letters(key: str) -> str:
    return "".join(letter for letter in key.casefold() if letter.isalnum())


def _describe_origin(where: str, section: str, key: str) -> str:
    """Return where a key is said: a variable, or the key of a file."""
    return where if where.startswith(_VARIABLE) else f"{section}.{key} in {where}"
