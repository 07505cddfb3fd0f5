"""Read the lines of protocol and label files, gathering what is malformed, duplicate or unknown."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.errors import BenchError, near, quoted
from bench.issues import Issues
from bench.units import BONAFIDE, SPOOF

CLASS_WORDS = {BONAFIDE: BONAFIDE, SPOOF: SPOOF}


@dataclass(frozen=True)
class Lines:
    """The well-formed lines of a file: their fields as columns of text, their numbers from 1."""

    path: Path
    table: pd.DataFrame
    numbers: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    def column(self, field: str) -> list[str]:
        """Return one field of every line."""
        return self.table[field].tolist()

    def where(self, index: int) -> str:
        """Return `file:line` of the line in row `index`."""
        return f"{self.path.name}:{self.numbers[index]}"

    def only(self, rows: Iterable[int] | np.ndarray) -> Lines:
        """Return the lines in the rows given, or those where a bool array is True."""
        if not isinstance(rows, np.ndarray):
            rows = np.array(list(rows), dtype=np.int64)
        elif rows.all():
            return self
        table = self.table.loc[rows].reset_index(drop=True)
        return Lines(self.path, table, self.numbers[rows])


def read(path: Path, pattern: re.Pattern[str], form: str, issues: Issues) -> Lines:
    """Return the lines that `pattern` matches whole, its named groups as fields.

    One of the groups is `utterance`. Lines that do not match, and utterances that come again, are
    noted and left out; blank lines are passed over. `form` is what a line should look like.
    """
    numbers: list[int] = []
    rows: list[tuple[str, ...]] = []
    malformed: list[str] = []
    for number, line in enumerate(content(path).decode().split("\n"), 1):
        match = pattern.fullmatch(line.strip())
        if match is not None:
            numbers.append(number)
            rows.append(match.groups(default=""))
        elif line.strip():
            malformed.append(f"{path.name}:{number}: {quoted(line.strip())}")
    names = sorted(pattern.groupindex, key=pattern.groupindex.__getitem__)
    table = pd.DataFrame.from_records(rows, columns=names)
    return checked(Lines(path, table, np.array(numbers, dtype=np.int64)), form, malformed, issues)


def checked(lines: Lines, form: str, malformed: Sequence[str], issues: Issues) -> Lines:
    """Return the first line of each utterance; note malformed lines, further ones, an empty
    file.
    """
    issues.add(
        "error", "protocol.malformed-line", f"malformed line, should be `{form}`", ids=malformed
    )
    again = lines.table["utterance"].duplicated().to_numpy()
    two, same = _repeated(lines, again)
    issues.add("error", "protocol.two-labels", "utterance listed with two labels", ids=two)
    issues.add("error", "protocol.repeated-utterance", "utterance listed more than once", ids=same)
    if not len(lines) and not malformed:
        issues.add("error", "protocol.empty", f"{lines.path.name} is empty")
    return lines.only(~again)


def _repeated(lines: Lines, again: np.ndarray) -> tuple[list[str], list[str]]:
    """Return the lines of utterances that were listed before: those with another label than at
    first, and the others.
    """
    two: list[str] = []
    same: list[str] = []
    if not again.any():
        return two, same
    names = lines.column("utterance")
    labels = lines.column("label") if "label" in lines.table else [""] * len(names)
    kept = np.flatnonzero(~again).tolist()
    first = {names[row]: row for row in kept}
    for row in np.flatnonzero(again).tolist():
        before, where = first[names[row]], lines.where(row)
        if labels[before] == labels[row]:
            same.append(f"{names[row]} ({where})")
        else:
            pair = f"{labels[before]} {lines.where(before)}, {labels[row]} {where}"
            two.append(f"{names[row]} ({pair})")
    return two, same


def known(lines: Lines, field: str, words: Mapping[str, str], issues: Issues) -> Lines:
    """Return the lines whose `field` is one of `words`; note the others."""
    right = lines.table[field].isin(list(words)).to_numpy()
    wrong = np.flatnonzero(~right).tolist()
    if not wrong:
        return lines
    column = lines.table[field]
    places = [f"{lines.where(i)}: {column.iloc[i]!r}" for i in wrong]
    issues.add(
        "error",
        "protocol.unknown-label",
        f"unknown label{near(column.iloc[wrong[0]], words)}",
        ids=places,
    )
    return lines.only(right)


def content(path: Path) -> bytes:
    """Return a text file's bytes: UTF-8, unpacked, without a byte order mark, lines ended by a
    newline.

    What cannot be read, is no text or is in another encoding is a BenchError.
    """
    try:
        data = path.read_bytes()
        if data.startswith(b"\x1f\x8b"):
            data = gzip.decompress(data)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BenchError(
            "file.unreadable", f"{path}: is a broken gzip file: {error}: get it again"
        ) from error
    except OSError as error:
        raise BenchError("file.unreadable", f"{path}: cannot be read: {error.strerror}") from error
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BenchError(
            "table-file.encoding",
            f"{path}: not a text file in UTF-8 but in UTF-16: save it as UTF-8",
        )
    data = data.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in data:
        raise BenchError("table-file.wrong-kind", f"{path}: not a text file: it holds zero bytes")
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as error:
            raise BenchError(
                "table-file.encoding", f"{path}: not a text file in UTF-8: {error}"
            ) from error
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
