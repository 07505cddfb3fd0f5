"""The corpora: cards, readers of official layouts, audio, and the check of what is on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.config import Config, Form
from bench.corpora.cards import card, check_split
from bench.corpora.readers import reader

if TYPE_CHECKING:  # pandas takes half a second, and cards are read where no corpus is
    from bench.corpora.subset import Subset


def load(
    key: str, split: str, config: Config, form: Form, resolution_s: float | None = None
) -> Subset:
    """Return one split of the corpus `key` (or its short name), read from where `config` says.

    `form` "smoke" reads the miniature. `resolution_s` chooses among official frame vectors (the
    finest where None) and plays no part where labels are spans. A corpus that is not there or not
    sound is a BenchError that names all its faults; counts are not compared with the card's
    (`bench.corpora.check` does).
    """
    found = card(key)
    check_split(found, split)
    return reader(found)(found, config.corpus_root(found.key, form), split, resolution_s)
