"""Read the lines of protocol and label files, gathering what is malformed, duplicate or unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from bench._io import text_files
from bench._io.delimited_text import name_line, number_lines
from bench.errors import near_name
from bench.issues import Issues
from bench.units import BONAFIDE, SPOOF

CLASS_WORDS = {BONAFIDE: BONAFIDE, SPOOF: SPOOF}


@dataclass(frozen=True)
class Lines:
    """The well-formed lines of a file: their fields as columns of text, their numbers from 1."""

    name: str
    """The file's, as messages show it."""
    table: pd.DataFrame
    numbers: np.ndarray
    files: tuple[tuple[int, str], ...] = ()
    """Of several files joined: the number before each one's first line, and its name."""

    def __len__(self) -> int:
        return len(self.table)

    def list_column(self, field: str) -> list[str]:
        """Return one field of every line."""
        return self.table[field].tolist()

    def name_line(self, index: int) -> str:
        """Return `file:line` of the line in row `index`."""
        number = int(self.numbers[index])
        for before, name in reversed(self.files):
            if number > before:
                return f"{name}:{number - before}"
        return f"{self.name}:{number}"

    def keep_rows(self, rows: Iterable[int] | np.ndarray) -> Lines:
        """Return the lines in the rows given, or those where a bool array is True."""
        if not isinstance(rows, np.ndarray):
            rows = np.array(list(rows), dtype=np.int64)
        elif rows.all():
            return self
        table = self.table.loc[rows].reset_index(drop=True)
        return replace(self, table=table, numbers=self.numbers[rows])


def join_lines(name: str, each: Sequence[Lines]) -> Lines:
    """Return the lines of several files as one's, with the columns that all of them have."""
    files: list[tuple[int, str]] = []
    numbers: list[np.ndarray] = []
    before = 0
    for lines in each:
        files.append((before, lines.name))
        numbers.append(lines.numbers + before)
        before += int(lines.numbers.max(initial=0))
    shared = [column for column in each[0].table if all(column in one.table for one in each)]
    columns = {column: _join_column([one.table[column] for one in each]) for column in shared}
    return Lines(name, pd.DataFrame(columns), np.concatenate(numbers), tuple(files))


def _join_column(parts: Sequence[pd.Series]) -> pd.Series:
    """Return the parts below each other; categories stay categories."""
    if all(isinstance(part.dtype, pd.CategoricalDtype) for part in parts):
        return pd.Series(union_categoricals(list(parts)))
    return pd.concat(parts, ignore_index=True)


def read_lines(path: Path, pattern: re.Pattern[str], form: str, issues: Issues) -> Lines:
    """Return the lines that `pattern` matches whole, its named groups as fields.

    One of the groups is `utterance`. Lines that do not match, and utterances that come again, are
    noted and left out; blank lines are passed over. `form` is what a line should look like.
    """
    numbers: list[int] = []
    rows: list[tuple[str, ...]] = []
    malformed: list[str] = []
    for number, line in number_lines(text_files.read_bytes(path)):
        match = pattern.fullmatch(line.strip())
        if match is not None:
            numbers.append(number)
            rows.append(match.groups(default=""))
        else:
            malformed.append(name_line(path.name, number, line.strip()))
    names = sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)
    table = pd.DataFrame.from_records(rows, columns=names)
    lines = Lines(path.name, table, np.array(numbers, dtype=np.int64))
    return check_lines(lines, form, malformed, issues)


def check_lines(lines: Lines, form: str, malformed: Sequence[str], issues: Issues) -> Lines:
    """Return the first line of each utterance.

    Malformed lines, repeated utterances and an empty file are added to `issues`.
    """
    what = f"malformed line, should be `{form}`"
    issues.add("error", "protocol.malformed-line", what, ids=malformed)
    again = lines.table["utterance"].duplicated().to_numpy()
    two, same = _find_repeated(lines, again)
    issues.add("error", "protocol.two-labels", "utterance listed with two labels", ids=two)
    issues.add("error", "protocol.repeated-utterance", "utterance listed more than once", ids=same)
    if not len(lines) and not malformed:
        issues.add("error", "protocol.empty", f"{lines.name} is empty")
    return lines.keep_rows(~again)


def _find_repeated(lines: Lines, again: np.ndarray) -> tuple[list[str], list[str]]:
    """Describe the lines that repeat an utterance: those with another label, and the others."""
    two: list[str] = []
    same: list[str] = []
    if not again.any():
        return two, same
    names = lines.list_column("utterance")
    labels = lines.list_column("label") if "label" in lines.table else [""] * len(names)
    first = {names[row]: row for row in np.flatnonzero(~again).tolist()}
    for row in np.flatnonzero(again).tolist():
        before, where = first[names[row]], lines.name_line(row)
        if labels[before] == labels[row]:
            same.append(f"{names[row]} ({where})")
        else:
            pair = f"{labels[before]} {lines.name_line(before)}, {labels[row]} {where}"
            two.append(f"{names[row]} ({pair})")
    return two, same


def keep_known(lines: Lines, field: str, words: Iterable[str], issues: Issues) -> Lines:
    """Return the lines whose `field` is one of `words`; note the others."""
    right = lines.table[field].isin(list(words)).to_numpy()
    wrong = np.flatnonzero(~right).tolist()
    if not wrong:
        return lines
    column = lines.table[field]
    places = [f"{lines.name_line(i)}: {column.iloc[i]!r}" for i in wrong]
    what = f"unknown label{near_name(column.iloc[wrong[0]], words)}"
    issues.add("error", "protocol.unknown-label", what, ids=places)
    return lines.keep_rows(right)
