"""What a corpus may be called on the command line, and which ones a misspelt name is near to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

from bench.specs.corpus import CorpusCard

_CLOSE = 0.7
"""Likeness from which on a name is offered: another corpus's name is less alike."""


def is_called(card: CorpusCard, name: str) -> bool:
    """Return whether `name` is a name of the corpus.

    Names are its key, its short name and its full name; for corpora of ASVspoof also year and task
    in either order (`LA19`, `2019 LA`). Case, blanks and punctuation do not matter.
    """
    return _normalize_name(name) in _list_names(card)


def near_corpus(name: str, corpora: Iterable[CorpusCard]) -> str:
    """Return `.

    Did you mean 'X'?` for a corpus whose name is much alike and has the same numbers, else the list
    of those there are: 2019 is not 2021, however alike the rest is.
    """
    cards = list(corpora)
    numbers = _list_numbers(name)
    alike = {
        name_of_card: card
        for card in cards
        for name_of_card in _list_names(card)
        if _list_numbers(name_of_card) == numbers
    }
    likeness = {
        other: SequenceMatcher(None, other, _normalize_name(name)).ratio() for other in alike
    }
    nearest = max(likeness, key=likeness.__getitem__, default="")
    if likeness.get(nearest, 0) >= _CLOSE:
        return f"; did you mean {alike[nearest].key!r}?"
    return f"; known: {', '.join(sorted(f'{card.key} ({card.short})' for card in cards))}"


def _list_names(card: CorpusCard) -> set[str]:
    names = {_normalize_name(text) for text in (card.key, card.short, card.name)}
    task = re.fullmatch(r"(asvspoof)20(\d\d)([a-z]+)", _normalize_name(card.key))
    if task:
        first, year, what = task.groups()
        for before in ("", first):
            for number in (year, f"20{year}"):
                names |= {f"{before}{number}{what}", f"{before}{what}{number}"}
    return names


def _normalize_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "", name.lower())


def _list_numbers(name: str) -> list[str]:
    """Return the numbers of a name, years without their century."""
    return sorted(re.sub(r"^20(\d\d)$", r"\1", number) for number in re.findall(r"\d+", name))
