"""The corpora: cards, readers of official layouts, audio, and the check of what is on disk."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bench.cards.corpus_cards import check_split, read_corpus_card
from bench.config import Config, Form
from bench.data.readers import find_reader
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

if TYPE_CHECKING:  # pandas takes half a second, and cards are read where no corpus is
    from bench.data.subset import Subset


def read_corpus_split(
    key: str, split: str, config: Config, form: Form, resolution_s: float | None = None
) -> Subset:
    """Return one split of the corpus `key` (or its short name), read from where `config` says.

    `form` "smoke" reads the miniature. `resolution_s` chooses among official frame vectors (the
    finest where None) and plays no part where labels are spans. A corpus that is not there or not
    sound is a BenchError that names all its faults; counts are not compared with the card's
    (`bench.data.check` does).
    """
    corpus = read_corpus_card(key)
    check_split(corpus, split)
    return find_reader(corpus)(corpus, config.corpus_root(corpus.key, form), split, resolution_s)


def read_keys(
    card: CorpusCard, split: str, path: Path, resolution_s: float | None = None
) -> Subset:
    """Return one split of a corpus from its protocol and key files alone; no audio is asked for.

    `path` is the corpus's folder, any folder that holds these files at any depth (files are found
    by name, those first whose last folders are the official ones), the protocol file itself, or any
    list of utterances and labels (`bench.data.other_keys`), which has no labels of frames. The
    subset is what `read_corpus_split` returns, but its paths may name files that are not there.
    Files that are not there, not this corpus's or not sound are a BenchError, and so are two
    different ones between which nothing decides.
    """
    from bench.data.other_keys import is_other, recast  # pandas, as above

    check_split(card, split)
    if not path.exists():
        raise BenchError("file.missing", f"{path}: there is no such file or folder")
    if path.is_file() and is_other(card, split, path):
        card = recast(card, split, path)
    return find_reader(card)(card, path, split, resolution_s, keys_only=True)
