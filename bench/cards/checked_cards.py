"""Find and read the cards of a paper's tables that no training has part in."""

from __future__ import annotations

from bench.cards import card_files
from bench.errors import BenchError, near_name
from bench.specs.checked import Checked, CountTable, ShapeTable

FOLDER = "checked"
"""Their folder within a paper's: experiments/breathnet/checked/table1.toml is breathnet/table1."""


def checked_table_keys() -> list[str]:
    """Return every such table's key, e.g. `breathnet/table1`."""
    keys = card_files.card_keys("experiments", f"*/{FOLDER}/*.toml")
    return [key.replace(f"/{FOLDER}/", "/") for key in keys]


def read_checked_table(key: str) -> Checked:
    """Return a table's card; raise one error that holds all its faults."""
    paper, _, name = key.partition("/")
    path = card_files.card_file("experiments", f"{paper}/{FOLDER}/{name}")
    content = {"key": key, **card_files.read_card(path)}
    kinds: dict[str, type[ShapeTable] | type[CountTable]] = {
        "shapes": ShapeTable,
        "counts": CountTable,
    }
    kind = str(content.get("kind"))
    if kind not in kinds:
        raise BenchError(
            "card.invalid",
            f"{card_files.display_path(path)}: kind = {kind!r}: no such "
            f"kind{near_name(kind, kinds)}",
        )
    return card_files.validate_card(kinds[kind], content, path)
