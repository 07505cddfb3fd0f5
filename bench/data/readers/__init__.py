"""The readers of official layouts: one module each, by the name that a card's `reader` gives."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bench.specs.corpus import CorpusCard

if TYPE_CHECKING:  # pandas takes half a second, and cards are read where no corpus is
    from bench.data.subset import Subset


class Reader(Protocol):
    """Reads one split; all its faults are in one BrokenCorpus."""

    def __call__(
        self,
        card: CorpusCard,
        root: Path,
        split: str,
        resolution_s: float | None,
        keys_only: bool = False,
    ) -> Subset:
        """Return the split below `root`.

        With `keys_only`, its lists are searched by name at `root` (`bench.data.file_search`), and
        no audio is needed.
        """
        ...


def find_reader(card: CorpusCard) -> Reader:
    """Return the function that reads the corpus; the check of its card found that it is there."""
    return import_module(f"{__name__}.{card.reader}").read_split
