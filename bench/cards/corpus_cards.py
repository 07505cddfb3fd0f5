"""Find and read the cards of the corpora; a card's key is its file's name.

They are in `datasets/` of the suite and of the folders that `extend` of bench.toml names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from string import Formatter
from typing import NamedTuple

from bench import extensions
from bench.cards.card_files import (
    card_file,
    card_keys,
    configuration_read_once,
    display_path,
    read_card,
    validate_card,
)
from bench.cards.corpus_names import is_called, near_corpus
from bench.errors import BenchError, near_name
from bench.specs.corpus import CorpusCard, Protocol
from bench.units import CLASSES


def list_corpora() -> list[str]:
    """Return the key of every corpus, sorted."""
    return sorted(_list_written_keys())


def _list_written_keys() -> dict[str, list[str]]:
    """Return the keys as the names of files have them, by key."""
    written: dict[str, list[str]] = {}
    for name in card_keys("datasets"):
        written.setdefault(name.lower(), []).append(name)
    return written


def read_corpus_card(name: str) -> CorpusCard:
    """Return the card of a corpus by any of its names (`bench.cards.corpus_names`).

    An unknown name and a faulty card are a BenchError; a card's faults are all in one error, a line
    each. The faults of other cards are told only where the name is unknown.
    """
    with configuration_read_once():
        written = _list_written_keys()
        if name.lower() in written:
            return _parse_by_key(name.lower(), written)
    readable = list_readable()
    for card in readable.cards:
        if is_called(card, name):
            return card
    message = f"{name!r}: there is no such corpus{near_corpus(name, list(readable.cards))}"
    raise BenchError("corpus.unknown", "\n".join([message, *readable.faults.values()]))


class ReadableCards(NamedTuple):
    """What cards there are."""

    cards: tuple[CorpusCard, ...]
    """Those without a fault, by key."""
    faults: Mapping[str, str]
    """What is wrong with each other one, by its key."""


def list_readable() -> ReadableCards:
    """Return every card that has no fault, and the faults of the others."""
    cards: list[CorpusCard] = []
    faults: dict[str, str] = {}
    with configuration_read_once():
        written = _list_written_keys()
        for key in sorted(written):
            try:
                cards.append(_parse_by_key(key, written))
            except BenchError as error:
                faults[key] = str(error)
    return ReadableCards(tuple(cards), faults)


def _parse_by_key(key: str, written: Mapping[str, Sequence[str]]) -> CorpusCard:
    name, *others = written[key]
    if others:
        raise BenchError(
            "corpus.invalid-card",
            f"{key}: there are cards {' and '.join(written[key])}: rename one of them",
        )
    return parse_corpus_card(card_file("datasets", name))


def parse_corpus_card(path: Path) -> CorpusCard:
    """Read the card at `path`; raise one BenchError that holds all its faults."""
    try:
        status = path.stat()
    except OSError:
        return _parse_file(path, ())  # says what is wrong with it
    return _parse_unchanged(path, (status.st_mtime_ns, status.st_size))


def _parse_file(path: Path, _state: tuple[int, ...]) -> CorpusCard:
    content = read_card(path)
    if "key" in content:
        raise BenchError(
            "corpus.invalid-card",
            f"{display_path(path)}: key: a card's key is its file's name; leave it out",
        )
    card = validate_card(CorpusCard, {"key": path.stem.lower(), **content}, path)
    wrong = [f"{display_path(path)}: {fault}" for fault in find_card_faults(card)]
    if wrong:
        raise BenchError("corpus.invalid-card", "\n".join(wrong))
    return card


_parse_unchanged = lru_cache(_parse_file)
"""A report asks for a card hundreds of times; one whose file was changed is read again."""


def reader_names() -> list[str]:
    """Return the name of every reader, sorted: a module of the suite or of an extension."""
    return extensions.list_modules("readers")


def find_card_faults(card: CorpusCard) -> Iterator[str]:
    """Yield what in a card does not fit together, beyond what its model checks."""
    readers = reader_names()
    if card.reader not in readers:
        yield f"reader = {card.reader!r}: no such reader{near_name(card.reader, readers)}"
    for name, split in card.splits.items():
        counts = (split.bonafide, split.spoof, split.utterances)
        if None not in counts and (split.bonafide or 0) + (split.spoof or 0) != split.utterances:
            yield (
                f"splits.{name}: {split.bonafide} bona fide and {split.spoof} spoof utterances are "
                f"not {split.utterances}"
            )

    if card.evaluation and card.evaluation not in card.splits:
        hint = near_name(card.evaluation, card.splits)
        yield f"evaluation = {card.evaluation!r}: no such split{hint}"
    for name in card.tdcf:
        if name not in card.splits:
            yield f"tdcf.{name}: no such split{near_name(name, card.splits)}"
    files = [item.file for item in card.downloads]
    for item in card.downloads:
        if files.count(item.file) > 1 or not is_plain_name(item.file):
            yield f"downloads: file = {item.file!r}: should be a file's name, unlike the others"
        for name in item.splits:
            if name not in card.splits:
                hint = near_name(name, card.splits)
                yield f"downloads: {item.file}: splits: no such split {name!r}{hint}"
    if not is_folder_within(card.folder):
        yield f"folder = {card.folder!r}: should be a folder below, such as `LA`"
    if card.reader == "protocol" and card.protocol is None:
        yield "protocol: is missing, and the reader goes by it"
    if card.protocol is not None:
        yield from _protocol_mistakes(card, card.protocol)


def is_plain_name(name: str) -> bool:
    """Return whether a name is that of a file, without a folder.

    >>> is_plain_name("LA.zip"), is_plain_name("../LA.zip"), is_plain_name("")
    (True, False, False)
    """
    return bool(name) and name not in (".", "..") and not re.search(r"[/\\:\0]", name)


def is_folder_within(folder: str) -> bool:
    """Return whether a path with `/`, or "", leads to a folder below another one.

    >>> is_folder_within(""), is_folder_within("a/b"), is_folder_within("../a")
    (True, True, False)
    """
    return not folder or all(map(is_plain_name, folder.split("/")))


def _protocol_mistakes(card: CorpusCard, protocol: Protocol) -> Iterator[str]:
    """Yield what names no column, and columns that cannot be."""
    common: set[str] = set()
    given = [name for name in ("columns", "fields") if getattr(protocol, name)]
    if protocol.file and not given:
        yield "protocol.columns: is missing: the names of the columns of `file`"
    for name in given if not protocol.file else given[1:]:
        others = "are `columns`" if protocol.file else "is no `file`"
        yield f"protocol.{name}: should be left out where there {others}"
    if protocol.fields and protocol.spans is not None and protocol.spans.regions is None:
        yield "protocol.spans.regions: is missing: spans of records are regions of one class"
    if protocol.spans is not None and protocol.spans.regions is not None:
        for text in protocol.forms:
            if not {"duration_s", "samples"} & set(text.split()):
                yield f"protocol.columns = {text!r}: has no duration_s, where regions' rest ends"
    for number, text in enumerate(protocol.forms):
        written = text.split() or [""]
        columns = [column for column in written if column != "..."]
        named = [column for column in columns if column != "-"]
        where = f"protocol.{''.join(given[-1:]) or 'columns'} = {text!r}"
        for column in sorted({column for column in named if named.count(column) > 1}):
            yield f"{where}: {column} is there twice"
        for column in named:
            if not re.fullmatch("[a-z][a-z0-9_]*", column) or column in ("path", "attack_type"):
                yield f"{where}: {column!r}: should be lower-case letters, digits, _; not path"
        for column in {"utterance", "label"} - set(named):
            if not getattr(protocol, column):
                yield f"{where}: has no {column}, and protocol.{column} is not there either"
        if ("spans" in named) != (protocol.spans is not None):
            yield f"{where}: a column `spans` and [protocol.spans] go together"
        if "..." in written and written[: written.index("...")][-1:] != ["spans"]:
            yield f"{where}: `...` stands after `spans` only"
        common = common & set(named) if number else set(named)
    known_columns = common | {"speaker", "attack"}
    used = [(f"protocol.words.{column}", column) for column in protocol.words]
    used += [(f"factors.{column}", column) for column in card.factors if column != "attack_type"]
    if protocol.label and protocol.label not in CLASSES:
        used.append(("protocol.label", protocol.label))
    patterns = [("protocol.audio", pattern) for pattern in protocol.audio]
    patterns += [("protocol.utterance", protocol.utterance)] if protocol.utterance else []
    known_columns |= {"utterance"} if protocol.utterance else set[str]()
    for name, split in card.splits.items():
        used += [(f"splits.{name}.where.{column}", column) for column in split.where]
        patterns += [(f"splits.{name}.audio", pattern) for pattern in split.audio]
    for where, pattern in patterns:
        try:
            inside = [
                column for _, column, _, _ in Formatter().parse(pattern) if column is not None
            ]
        except ValueError as error:
            yield f"{where} = {pattern!r}: {error}"
            continue
        used += [(where, column) for column in inside if column != "split"]
    for where, column in used:
        if column not in known_columns:
            yield f"{where}: no column {column!r}{near_name(column, known_columns)}"
    if protocol.ids:
        try:
            re.compile(protocol.ids)
        except re.error as error:
            yield f"protocol.ids = {protocol.ids!r}: is no regular expression: {error}"


def check_split(card: CorpusCard, split: str) -> None:
    """Raise a BenchError with a near name where the corpus has no such split."""
    if split not in card.splits:
        raise BenchError(
            "corpus.unknown-split",
            f"{card.key} has no split {split!r}{near_name(split, card.splits)}",
        )
