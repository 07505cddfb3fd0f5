"""Find and read the cards of a paper's tables that no training has part in."""

from __future__ import annotations

from bench import cards
from bench.errors import BenchError, near
from bench.specs.checked import Checked, Counts, Shapes

FOLDER = "checked"
"""Their folder within a paper's: experiments/breathnet/checked/table1.toml is breathnet/table1."""


def names() -> list[str]:
    """Return every such table's key, e.g. `breathnet/table1`."""
    found = cards.folder("experiments").glob(f"*/{FOLDER}/*.toml")
    return sorted(f"{path.parents[1].name}/{path.stem}" for path in found)


def card(key: str) -> Checked:
    """Return a table's card; raise one error that holds all its faults."""
    paper, _, name = key.partition("/")
    path = cards.folder("experiments") / paper / FOLDER / f"{name}.toml"
    content = {"key": key, **cards.read(path)}
    kinds: dict[str, type[Shapes] | type[Counts]] = {"shapes": Shapes, "counts": Counts}
    kind = str(content.get("kind"))
    if kind not in kinds:
        raise BenchError(f"{cards.shown(path)}: kind = {kind!r}: no such kind{near(kind, kinds)}")
    return cards.validated(kinds[kind], content, path)
