"""The error of a corpus that cannot be used: it names everything that is wrong at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.data.subset import Subset
from bench.errors import BenchError
from bench.issues import Issues
from bench.specs.corpus import CorpusCard

_FEW = 2
"""So many downloads are all named where no name says what they hold."""


class BrokenCorpus(BenchError):
    """A split that cannot be used as it is. `subset` is what could be read of it, or None."""

    def __init__(
        self, card: CorpusCard, split: str, root: Path, issues: Issues, subset: Subset | None
    ):
        errors = [issue.describe(with_count=True) for issue in issues.errors]
        head = f"{card.name}, split {split}, at {root}:"
        super().__init__("corpus.broken", "\n- ".join((head, *errors)))
        self.issues = tuple(issues)
        self.subset = subset


class RequiredFile(NamedTuple):
    """A file or folder that a split needs, and the official download that holds it, if known."""

    path: str
    download: str = ""


def require_files(card: CorpusCard, split: str, root: Path, pieces: Iterable[RequiredFile]) -> None:
    """Raise BrokenCorpus if a piece is missing below `root`; it names all and their downloads."""
    missing = [piece for piece in pieces if not (root / piece.path).exists()]
    if not missing:
        return
    urls = {download.file: download.url for download in card.downloads}
    issues = Issues()
    for path, download in missing:
        source = f": it is in {download} ({urls[download]})" if download else ""
        issues.add("error", "corpus.file-missing", f"{path} is missing{source}")
    elsewhere = _find_elsewhere(root, missing[0].path)
    if elsewhere:
        what = f"{missing[0].path} is below {elsewhere}: set corpora.{card.key} to it"
        issues.add("error", "corpus.wrong-folder", what)
    else:
        issues.add("error", "corpus.file-missing", card.place)
    raise BrokenCorpus(card, split, root, issues, None)


def missing_lists_error(
    card: CorpusCard, split: str, path: Path, files: Sequence[str]
) -> BrokenCorpus:
    """Return the error for keys at `path` that have none of the `files`."""
    issues = Issues()
    issues.add("error", "protocol.missing", f"no {' or '.join(files)} there or below")
    issues.add("error", "protocol.missing", describe_keys_source(card))
    return BrokenCorpus(card, split, path, issues, None)


def describe_keys_source(card: CorpusCard) -> str:
    """Say where a corpus's protocol and keys can be downloaded.

    These are the downloads whose names say so, else all if they are few, else the corpus's page.
    """
    named = [
        download for download in card.downloads if re.search("protocol|key|label", download.file)
    ]
    files = named or (card.downloads if len(card.downloads) <= _FEW else ())
    where = ", ".join(f"{download.file} ({download.url})" for download in files) or card.page
    apart = any(download.keys for download in card.downloads)
    command = f"`bench get {card.short} --keys-only` brings them" if apart else ""
    return "; ".join(filter(None, (f"protocol and keys of {card.short} are in {where}", command)))


def _find_elsewhere(root: Path, piece: str) -> Path | None:
    """Look for a piece one folder up and one folder down: roots are often set one level off."""
    below = [path for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []
    return next((path for path in (*below, root.parent) if (path / piece).exists()), None)
