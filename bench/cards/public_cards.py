"""Find and read the cards of public score files, `experiments/public/*.toml`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from bench.cards import card_files, corpus_cards, table_cards
from bench.errors import BenchError, near_name
from bench.specs.public_scores import PublicScores

PREFIX = "public/"


def public_keys() -> list[str]:
    """Return the key of every card, e.g. `public/itw`."""
    return card_files.card_keys("experiments", f"{PREFIX}*.toml")


def read_public_card(key: str) -> PublicScores:
    """Return a card; raise one error that holds all its faults, or a near name."""
    path = card_files.card_file("experiments", key)
    if not path.is_file():
        raise BenchError(
            "public.unknown",
            f"{key!r}: there is no such card of public scores{near_name(key, public_keys())}",
        )
    return _parse_card(key, path)


@lru_cache
def _parse_card(key: str, path: Path) -> PublicScores:
    card = card_files.validate_card(PublicScores, {"key": key, **card_files.read_card(path)}, path)
    if wrong := _find_mistakes(card, card_files.display_path(path)):
        raise BenchError("card.invalid", "\n".join(wrong))
    return card


def _find_mistakes(card: PublicScores, file: str) -> list[str]:
    """Return what is wrong with what a card refers to."""
    wrong: list[str] = []
    try:
        corpus_cards.check_split(corpus_cards.read_corpus_card(card.corpus), card.split)
    except BenchError as error:
        wrong.append(f"{file}: corpus, split: {error}")
    names: dict[str, str] = {}
    for name, public in card.files.items():
        where = f"{file}: files.{name}"
        for item in public.downloads:
            if Path(item.file).name != item.file:
                wrong.append(f"{where}: file = {item.file!r}: should be a name without folders")
            owner = names.setdefault(item.file, item.url)
            if owner != item.url:
                wrong.append(f"{where}: file = {item.file!r}: another file has this name already")
        if public.printed and not public.printed_in:
            wrong.append(f"{where}.printed_in: should say where the results are printed")
        for table in public.tables:
            try:
                table_cards.table_key(table)
            except BenchError as error:
                wrong.append(f"{where}.tables: {error}")
    return wrong


def select_files(card: PublicScores, choice: str | None) -> list[str]:
    """Return the files that `choice` names, with commas between; all by default."""
    if choice is None:
        return [*card.files]
    chosen = [name.strip() for name in choice.split(",")]
    for name in chosen:
        if name not in card.files:
            raise BenchError(
                "public.file-unknown",
                f"{card.key}: {name!r}: there is no such file{near_name(name, card.files)}",
            )
    return [name for name in card.files if name in chosen]
