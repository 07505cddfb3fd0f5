"""Find and read the cards of the corpora (`datasets/*.toml`); a card's key is its file's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.cards import folder, read, shown, validated
from bench.corpora.readers import names as names_of_readers
from bench.errors import BenchError, near
from bench.specs.corpus import CorpusCard


def names() -> list[str]:
    """Return the key of every corpus, sorted."""
    return sorted(path.stem for path in folder("datasets").glob("*.toml"))


def card(name: str) -> CorpusCard:
    """Return the card of a corpus by its key or the field's short name (PS, HAD, LPS), in any case.

    An unknown name and a faulty card are a BenchError; a card's faults are all in one error, a line
    each.
    """
    known = names()
    if name.lower() in known:
        return parse(folder("datasets") / f"{name.lower()}.toml")
    cards = [parse(folder("datasets") / f"{key}.toml") for key in known]
    for found in cards:
        if found.short.lower() == name.lower():
            return found
    shorts = [found.short for found in cards]
    raise BenchError(f"{name!r}: there is no such corpus{near(name, [*known, *shorts])}")


def parse(path: Path) -> CorpusCard:
    """Read the card at `path`; raise one BenchError that holds all its faults."""
    content = read(path)
    if "key" in content:
        raise BenchError(f"{shown(path)}: key: a card's key is its file's name; leave it out")
    found = validated(CorpusCard, {"key": path.stem, **content}, path)
    wrong = [f"{shown(path)}: {fault}" for fault in _mistakes(found)]
    if wrong:
        raise BenchError("\n".join(wrong))
    return found


def _mistakes(card: CorpusCard) -> Iterator[str]:
    readers = names_of_readers()
    if card.reader not in readers:
        yield f"reader = {card.reader!r}: no such reader{near(card.reader, readers)}"
    for name, split in card.splits.items():
        counts = (split.bonafide, split.spoof, split.utterances)
        if None not in counts and (split.bonafide or 0) + (split.spoof or 0) != split.utterances:
            yield (
                f"splits.{name}: {split.bonafide} bona fide and {split.spoof} spoof utterances are "
                f"not {split.utterances}"
            )


def check_split(card: CorpusCard, split: str) -> None:
    """Raise a BenchError with a near name where the corpus has no such split."""
    if split not in card.splits:
        raise BenchError(f"{card.key} has no split {split!r}{near(split, card.splits)}")
