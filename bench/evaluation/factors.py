"""What results may be broken down by.

These are the card's factors, every other column of the keys, and columns of the score file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from bench.errors import BenchError, near_name
from bench.evaluation import forms
from bench.evaluation.forms import ScoreFile
from bench.evaluation.read_options import ReadOptions
from bench.metrics.breakdown import Role
from bench.metrics.tally import Integers
from bench.specs.corpus import CorpusCard
from bench.units import SPOOF

_NO_FACTORS = ("utterance", "path", "label", "duration_s")
_MANY = 1000
"""More levels than these are no levels: results of so few trials each say nothing."""


def known_factors(card: CorpusCard, table: pd.DataFrame) -> list[str]:
    """Return the columns of the keys that results may be broken down by.

    These are the card's, and all others of two levels or more.
    """
    others = [name for name in table.columns if name not in (*_NO_FACTORS, *card.roles)]
    return [*card.roles, *(name for name in others if table[name].nunique() >= 2)]


def read_with_fields(
    card: CorpusCard,
    keys: pd.DataFrame,
    path: Path,
    reading: ReadOptions,
    by: Iterable[str],
    ids: Sequence[str] = (),
) -> ScoreFile:
    """Return the score file, with those of its columns that `by` names and the keys do not have.

    `ids` as `read_score_file` takes them. BenchError for a column that neither has, with what
    either has.
    """
    factor_names = known_factors(card, keys)
    names = tuple(name for name in dict.fromkeys(by) if name not in factor_names)
    if not names:
        return forms.read_score_file(path, reading, ids)
    try:
        file = forms.read_score_file(path, replace(reading, fields=(*reading.fields, *names)), ids)
    except BenchError as error:
        forms.read_score_file(path, reading, ids)  # these columns apart, is it a score file?
        raise _no_factor(card, factor_names, names[0], str(error)) from error
    for name in names:
        if name not in file.fields:
            raise _no_factor(card, factor_names, name, f"{path}: there is no column {name!r}")
    return file


def _no_factor(card: CorpusCard, factor_names: list[str], name: str, why: str) -> BenchError:
    return BenchError(
        "scores.no-field",
        f"{card.short} has no metrics by {name!r}{near_name(name, factor_names)}\n- {why}",
    )


def with_fields(table: pd.DataFrame, file: ScoreFile, trial: Integers) -> pd.DataFrame:
    """Return the keys' table with the fields of the score file as columns.

    A trial without a row has "". `trial` is the row of the table for each row of the file, -1 where
    there is none. BenchError for an utterance whose frames have different words.
    """
    rows = np.flatnonzero(trial >= 0)
    added: dict[str, pd.Series] = {}
    for name, column in file.fields.items():
        words = np.array(column.to_pylist(), dtype=object)[rows]
        values = np.full(len(table), "", dtype=object)
        values[trial[rows]] = words
        other = np.flatnonzero(values[trial[rows]] != words)
        if len(other):
            at = trial[rows][other[0]]
            raise BenchError(
                "scores.field-differs",
                f"{file.path}: by {name}: {table['utterance'].iloc[at]} has {words[other[0]]!r} "
                f"and {values[at]!r}: should be one word an utterance",
            )
        added[name] = pd.Series(values, index=table.index)
    return table.assign(**added) if added else table


def roles_of(card: CorpusCard, table: pd.DataFrame, by: Iterable[str]) -> dict[str, Role]:
    """Return the role of each column that results are broken down by.

    It is the card's, else `spoof` where bona fide trials have one level, and `channel` otherwise.
    BenchError for a column of too many levels.
    """
    roles: dict[str, Role] = dict(card.roles)
    for name in by:
        if name in roles:
            continue
        levels = table[name].nunique()
        if levels > _MANY:
            raise BenchError(
                "scores.too-many-levels",
                f"by {name}: it has {levels:,} levels; should be a column of few words, at most "
                f"{_MANY:,}",
            )
        of_bonafide = table.loc[table["label"] != SPOOF, name].nunique()
        roles[name] = "channel" if of_bonafide > 1 else "spoof"
    return roles


def describe_fields(
    card: CorpusCard, file: ScoreFile, roles: Mapping[str, Role], by: Iterable[str]
) -> Iterator[str]:
    """Yield for each column without a role in the card where it is from, and what it restricts."""
    meanings: Mapping[Role, str] = {
        "channel": "a level restricts bona fide and spoof trials",
        "spoof": "a level restricts spoof trials only, as bona fide ones have but one",
    }
    for name in dict.fromkeys(by):
        if name not in card.roles:
            source = "the score file" if name in file.fields else "the keys"
            yield f"by {name}: a column of {source}; {meanings[roles[name]]}"
