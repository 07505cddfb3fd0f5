"""What is wrong with a corpus on disk: gathered first, raised together, so that one reading names
it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from bench._io.printable import one_line
from bench.data.subset import Subset
from bench.errors import BenchError
from bench.specs.corpus import CorpusCard

Severity = Literal["error", "warning"]
EXAMPLES = 5
_FEW = 2
"""Downloads that are all named where none is called after what it holds."""


@dataclass(frozen=True)
class Problem:
    """One kind of fault, how often it occurs, and where: every place, or none where the fault says
    it itself.
    """

    severity: Severity
    what: str
    count: int
    items: tuple[str, ...] = ()
    """Each begins with a file, an utterance or a line; what is wrong there may follow, after a
    colon."""

    @property
    def examples(self) -> tuple[str, ...]:
        """The first few places."""
        return self.items[:EXAMPLES]

    def __str__(self) -> str:
        times = f" ({self.count:,})" if self.count > 1 else ""
        more = ", ..." if self.count > len(self.examples) > 0 else ""
        places = f": {', '.join(map(one_line, self.examples))}{more}" if self.examples else ""
        return f"{self.what}{times}{places}"


class BrokenCorpus(BenchError):
    """A split that cannot be used as it is. `subset` is what could be read of it, or None."""

    def __init__(
        self, card: CorpusCard, split: str, root: Path, found: Problems, subset: Subset | None
    ):
        errors = [str(problem) for problem in found.found if problem.severity == "error"]
        super().__init__("\n- ".join((f"{card.name}, split {split}, at {root}:", *errors)))
        self.problems = tuple(found.found)
        self.subset = subset


@dataclass(frozen=True)
class Problems:
    """Gathers problems while a split is read."""

    found: list[Problem] = field(default_factory=list[Problem])

    def error(self, what: str, items: Sequence[str], count: int | None = None) -> None:
        """Note an error, once for each item unless `count` says how often; no item, no error."""
        self._add("error", what, items, count)

    def warning(self, what: str, items: Sequence[str], count: int | None = None) -> None:
        """Note a warning, like `error`."""
        self._add("warning", what, items, count)

    def _add(self, severity: Severity, what: str, items: Sequence[str], count: int | None):
        count = len(items) if count is None else count
        if count:
            self.found.append(Problem(severity, what, count, tuple(items)))

    @property
    def fatal(self) -> bool:
        """Whether any error was noted."""
        return any(problem.severity == "error" for problem in self.found)


class Piece(NamedTuple):
    """A file or folder that a split needs, and the official download that holds it, if known."""

    path: str
    download: str = ""


def require(card: CorpusCard, split: str, root: Path, pieces: Iterable[Piece]) -> None:
    """Raise BrokenCorpus naming every piece that is not below `root` and what to download for
    it.
    """
    missing = [piece for piece in pieces if not (root / piece.path).exists()]
    if not missing:
        return
    urls = {download.file: download.url for download in card.downloads}
    problems = Problems()
    for path, download in missing:
        source = f": it is in {download} ({urls[download]})" if download else ""
        problems.error(f"{path} is missing{source}", [], 1)
    elsewhere = _elsewhere(root, missing[0].path)
    if elsewhere:
        problems.error(
            f"{missing[0].path} is below {elsewhere}: set corpora.{card.key} to it", [], 1
        )
    else:
        problems.error(card.place, [], 1)
    raise BrokenCorpus(card, split, root, problems, None)


def absent(card: CorpusCard, split: str, place: Path, files: Sequence[str]) -> BrokenCorpus:
    """Return the error of whoever has only the keys, and at `place` none of the `files`."""
    problems = Problems()
    problems.error(f"no {' or '.join(files)} there or below", [], 1)
    problems.error(keys_source(card), [], 1)
    return BrokenCorpus(card, split, place, problems, None)


def keys_source(card: CorpusCard) -> str:
    """Return where a corpus's protocol and keys are to be had, in words: the downloads that are
    called so, else all of them, else the corpus's page.
    """
    named = [of for of in card.downloads if re.search("protocol|key|label", of.file)]
    files = named or (card.downloads if len(card.downloads) <= _FEW else ())
    where = ", ".join(f"{of.file} ({of.url})" for of in files) or card.page
    return f"protocol and keys of {card.short} are to be had in {where}"


def _elsewhere(root: Path, piece: str) -> Path | None:
    """Look for a piece one folder up and one folder down: roots are often set one level off."""
    below = [path for path in sorted(root.iterdir()) if path.is_dir()] if root.is_dir() else []
    return next((path for path in (*below, root.parent) if (path / piece).exists()), None)
