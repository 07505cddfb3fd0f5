"""Read protocol and label files line by line, gathering what is malformed, duplicate or unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.corpora.problems import Problems
from bench.errors import BenchError, near
from bench.units import BONAFIDE, SPOOF

CLASS_WORDS = {BONAFIDE: BONAFIDE, SPOOF: SPOOF}


@dataclass(frozen=True)
class Lines:
    """The well-formed lines of a file: fields by name, line numbers from 1, and what they hold."""

    path: Path
    fields: Mapping[str, int]
    numbers: Sequence[int]
    rows: Sequence[tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, field: str) -> list[str]:
        """Return one field of every line."""
        index = self.fields[field]
        return [row[index] for row in self.rows]

    def where(self, index: int) -> str:
        """Return `file:line` of the line in row `index`."""
        return f"{self.path.name}:{self.numbers[index]}"

    def only(self, rows: Iterable[int]) -> Lines:
        """Return the lines in the rows given."""
        kept = list(rows)
        numbers = [self.numbers[i] for i in kept]
        return Lines(self.path, self.fields, numbers, [self.rows[i] for i in kept])


def read(path: Path, pattern: re.Pattern[str], form: str, problems: Problems) -> Lines:
    """Return the lines that `pattern` matches whole, its named groups as fields.

    One of the groups is `utterance`. Lines that do not match, and utterances that come again, are
    noted and left out; blank lines are passed over. `form` is what a line should look like.
    """
    fields = {name: index - 1 for name, index in pattern.groupindex.items()}
    utterance = fields["utterance"]
    numbers: list[int] = []
    rows: list[tuple[str, ...]] = []
    malformed: list[str] = []
    duplicates: list[str] = []
    seen: set[str] = set()
    for number, line in enumerate(_text(path).split("\n"), 1):
        match = pattern.fullmatch(line.strip())
        if match is None:
            if line.strip():
                malformed.append(f"{path.name}:{number}: {_cut(line.strip())!r}")
            continue
        row = match.groups(default="")
        if row[utterance] in seen:
            duplicates.append(f"{row[utterance]} ({path.name}:{number})")
            continue
        seen.add(row[utterance])
        numbers.append(number)
        rows.append(row)
    problems.error(f"malformed line, should be `{form}`", malformed)
    problems.error("utterance listed more than once", duplicates)
    if not rows and not malformed:
        problems.error(f"{path.name} is empty", [], 1)
    return Lines(path, fields, numbers, rows)


def known(lines: Lines, field: str, words: Mapping[str, str], problems: Problems) -> Lines:
    """Return the lines whose `field` is one of `words`; note the others."""
    column = lines.column(field)
    wrong = [i for i, word in enumerate(column) if word not in words]
    if not wrong:
        return lines
    places = [f"{lines.where(i)}: {column[i]!r}" for i in wrong]
    problems.error(f"unknown label{near(column[wrong[0]], words)}", places)
    return lines.only(i for i, word in enumerate(column) if word in words)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: not a text file in UTF-8: {error}") from error


def _cut(text: str, longest: int = 80) -> str:
    return text if len(text) <= longest else f"{text[:longest]}..."
