"""Find and read the cards of a paper's tables that no training has part in."""

from __future__ import annotations

from bench.cards import card_files
from bench.errors import BenchError, near
from bench.specs.checked import Checked, Counts, Shapes

FOLDER = "checked"
"""Their folder within a paper's: experiments/breathnet/checked/table1.toml is breathnet/table1."""


def names() -> list[str]:
    """Return every such table's key, e.g. `breathnet/table1`."""
    keys = card_files.card_keys("experiments", f"*/{FOLDER}/*.toml")
    return [key.replace(f"/{FOLDER}/", "/") for key in keys]


def card(key: str) -> Checked:
    """Return a table's card; raise one error that holds all its faults."""
    paper, _, name = key.partition("/")
    path = card_files.card_file("experiments", f"{paper}/{FOLDER}/{name}")
    content = {"key": key, **card_files.read(path)}
    kinds: dict[str, type[Shapes] | type[Counts]] = {"shapes": Shapes, "counts": Counts}
    kind = str(content.get("kind"))
    if kind not in kinds:
        raise BenchError(
            "card.invalid",
            f"{card_files.shown(path)}: kind = {kind!r}: no such kind{near(kind, kinds)}",
        )
    return card_files.validated(kinds[kind], content, path)
