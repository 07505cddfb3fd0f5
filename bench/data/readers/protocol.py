"""Any corpus whose lists are delimited text with named columns, as its card describes them: the
ASVspoof corpora, In-the-Wild, HAD, and a user's own.

Layout: what `[protocol]` of the card says (`bench.specs.corpus.Protocol`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from string import Formatter

import numpy as np
import pandas as pd

from bench.cards.corpus_cards import check_split
from bench.data import delimited, lines, places, polarity, spans
from bench.data.lines import Lines
from bench.data.problems import BrokenCorpus, Piece, Problems, absent, require
from bench.data.subset import TABLE_COLUMNS, Span, Spans, Subset
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard, Protocol
from bench.units import BONAFIDE

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

_SAMPLED = 64
"""Utterances by which the place of the audio is told."""


def read(
    card: CorpusCard,
    root: Path,
    split: str,
    resolution_s: float | None,  # noqa: ARG001  (all readers are called alike)
    keys_only: bool = False,
) -> Subset:
    """Return a split, with its spans where the protocol holds them; `resolution_s` plays no part.

    The table's further columns are those that the card names, as categories (`path` and `utterance`
    are text), and `attack_type` where the card has types. `duration_s` is the column's, else where
    the last span ends, else NaN.
    """
    problems, protocol = Problems(), described(card)
    found = protocol_lines(card, root, split, problems, keys_only)
    parsed: list[tuple[Span, ...]] = []
    if protocol.spans is not None:
        separator = " " if "..." in protocol.columns[0] else protocol.spans.separator
        found, parsed = spans.parse(found, "spans", separator, protocol.spans.labels, problems)
    table = table_of(card, found, problems)
    timing: Spans | None = None
    if protocol.spans is not None:
        timing = Spans(dict(zip(table["utterance"], parsed, strict=True)))
        ends_s = [labels[-1].end_s for labels in parsed]
        if "duration_s" in found.table:
            spans.check_ends(table, ends_s, problems)
        else:
            table["duration_s"] = np.array(ends_s, dtype=float)
        polarity.errors(table, timing, problems)
    table["path"] = _paths(card, root, split, table, problems, keys_only)
    subset = Subset(card.key, split, root, table, timing)
    if problems.fatal:
        raise BrokenCorpus(card, split, root, problems, subset)
    return subset


def described(card: CorpusCard) -> Protocol:
    """Return how the corpus's lists are read; `cards.parse` has seen to it that the card says."""
    if card.protocol is None:
        raise BenchError(f"{card.key}: the card has no [protocol]")
    return card.protocol


def protocol_lines(
    card: CorpusCard, root: Path, split: str, problems: Problems, keys_only: bool
) -> Lines:
    """Return the split's lines of the protocol, their labels among those the card knows."""
    check_split(card, split)
    protocol, where = described(card), card.splits[split].where
    path = _file(card, root, split, keys_only)
    found = delimited.read(path, protocol, card.audio.suffix, problems)
    found = lines.known(found, "label", protocol.labels, problems)
    if keys_only and problems.fatal and delimited.misfit(path, protocol, card.audio.suffix):
        named = f"this is another form than the corpus's own, which is read if named: --keys {path}"
        problems.error(named, [], 1)
    kept = np.ones(len(found), dtype=bool)
    for column, words in where.items():
        levels = _worded(found.table[column], protocol, column)
        kept &= levels.isin(words).to_numpy()
        if len(found) and not kept.any():
            there = ", ".join(sorted(set(levels)))
            problems.error(
                f"no line has {column} = {' or '.join(words)}; there are: {there}", [], 1
            )
    return found.only(kept)


def table_of(card: CorpusCard, found: Lines, problems: Problems) -> pd.DataFrame:
    """Return the table of a split's lines in the order of `TABLE_COLUMNS`; `path` is still to
    come.
    """
    protocol, raw = described(card), found.table
    table = pd.DataFrame({"utterance": raw["utterance"], "path": ""})
    table["label"] = _renamed(raw["label"], protocol.labels)
    for column in ("speaker", "attack"):
        table[column] = _worded(raw[column], protocol, column) if column in raw else _none(len(raw))
    table["duration_s"] = _durations(found, problems)
    if card.attack_types:
        types = {a: _type_of(card, a) for a in table["attack"].cat.categories}
        table["attack_type"] = _renamed(table["attack"], types)
    for column in raw.columns.difference([*TABLE_COLUMNS, "spans"], sort=False):
        table[column] = _worded(raw[column], protocol, column)
    contradicted = (table["label"] == BONAFIDE) & (table["attack"] != "")
    problems.error(
        "bona fide utterance with an attack",
        [
            f"{found.where(i)}: {table['attack'].iloc[i]}"
            for i in np.flatnonzero(contradicted).tolist()
        ],
    )
    return table


def _file(card: CorpusCard, root: Path, split: str, keys_only: bool) -> Path:
    protocol = described(card)
    names = [n.replace("{split}", split) for n in card.splits[split].file or protocol.file]
    if keys_only:
        if root.is_file() and (card.reader == "protocol" or root.name in map(_name, names)):
            return root
        misfit = partial(delimited.misfit, protocol=protocol, suffix=card.audio.suffix)
        path = places.find_list(card, root.parent if root.is_file() else root, names, misfit)
        if path is None:
            raise absent(card, split, root, list(dict.fromkeys(map(_name, names))))
        return path
    path = places.exact(root, names)
    if path is None:
        archive = card.downloads[0].file if len(card.downloads) == 1 else ""
        require(card, split, root, [Piece(names[0], archive)])
    return path or root / names[0]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _durations(found: Lines, problems: Problems) -> np.ndarray:
    if "duration_s" not in found.table:
        return np.full(len(found), np.nan)
    seconds = pd.to_numeric(found.table["duration_s"], errors="coerce").to_numpy(dtype=float)
    wrong: list[int] = np.flatnonzero(~(np.isfinite(seconds) & (seconds > 0))).tolist()
    texts = found.column("duration_s") if wrong else []
    problems.error("no duration in seconds", [f"{found.where(i)}: {texts[i]!r}" for i in wrong])
    return seconds


# --- words ----------------------------------------------------------------------------------------


def _worded(column: pd.Series, protocol: Protocol, name: str) -> pd.Series:
    """Return a column with the table's words for the file's: "" for none, and the card's own."""
    return _renamed(column, {protocol.none: "", **protocol.words.get(name, {})})


def _renamed(column: pd.Series, words: Mapping[str, str]) -> pd.Series:
    """Return a column's categories that occur, renamed, in order of the alphabet; two may become
    one.
    """
    codes: np.ndarray = column.cat.codes.to_numpy()
    old = [words.get(word, word) for word in column.cat.categories.tolist()]
    used: list[int] = np.flatnonzero(np.bincount(codes, minlength=len(old))).tolist()
    new = sorted({old[code] for code in used})
    index = {word: code for code, word in enumerate(new)}
    recoded = np.array([index.get(word, -1) for word in old], dtype=np.int32)
    return _categories(recoded[codes], new)


def _none(count: int) -> pd.Series:
    return _categories(np.zeros(count, dtype=np.int32), [""])


def _categories(codes: np.ndarray, words: list[str]) -> pd.Series:
    kind = pd.CategoricalDtype(pd.Series(words, dtype="str"))
    return pd.Series(pd.Categorical.from_codes(codes, dtype=kind))


def _type_of(card: CorpusCard, attack: str) -> str:
    fitting = (kind for name, kind in card.attack_types.items() if fnmatchcase(attack, name))
    return next(fitting, "") if attack else ""


# --- audio ----------------------------------------------------------------------------------------


def _paths(
    card: CorpusCard,
    root: Path,
    split: str,
    table: pd.DataFrame,
    problems: Problems,
    keys_only: bool,
) -> pd.Series:
    """Return where each utterance's audio is below `root`, or would be were it there."""
    patterns = [
        pattern.replace("{split}", split)
        for pattern in card.splits[split].audio or described(card).audio
    ]
    # Ids lose the audio's suffix: `{utterance}` is the file where they are written with it.
    suffix = card.audio.suffix
    patterns += [pattern + suffix for pattern in patterns if pattern.endswith("}")]
    if keys_only or not len(table):
        return _formatted(patterns[0].replace("**/", ""), table)
    sample = table.iloc[:: -(-len(table) // _SAMPLED)]
    best, there = "", -1
    for pattern in patterns:
        if "**/" in pattern:
            return _searched(root, pattern, table, card.audio.suffix, problems)
        found = sum((root / path).is_file() for path in _formatted(pattern, sample))
        if found > there:
            best, there = pattern, found
    if not there:
        names = " or ".join(patterns)
        problems.error(f"no audio at {names}: {card.place}", [], 1)
    return _formatted(best, table)


def _formatted(pattern: str, table: pd.DataFrame) -> pd.Series:
    """Return the pattern with each row's words in the place of its braces."""
    paths = pd.Series("", index=table.index, dtype="str")
    for text, column, _, _ in Formatter().parse(pattern):
        paths = paths + text
        if column:
            paths = paths + table[column].astype("str")
    return paths


def _searched(
    root: Path, pattern: str, table: pd.DataFrame, suffix: str, problems: Problems
) -> pd.Series:
    """Return the paths of files that are at any depth below what stands before `**`."""
    folder, _, rest = pattern.partition("**/")
    rest += suffix if rest.endswith("}") else ""
    folder = folder.rstrip("/")
    found: dict[str, list[str]] = {}
    for where, _, files in os.walk(root / folder):
        below = Path(where).relative_to(root).as_posix()
        for file in files:
            if file.endswith(suffix):
                found.setdefault(file, []).append(f"{below}/{file}")
    if not found:
        problems.error(f"no audio below {folder}: is an archive within it still packed?", [], 1)
    names: Sequence[str] = _formatted(rest, table).tolist()
    several = [f"{n}: {' and '.join(sorted(found[n]))}" for n in names if len(found.get(n, ())) > 1]
    problems.error("utterance with several audio files", several)
    paths = [min(found.get(name, [f"{folder}/{name}"])) for name in names]
    return pd.Series(paths, index=table.index, dtype="str")
