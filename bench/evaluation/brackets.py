"""Cells that hold several numbers in brackets: `[0.1, 0.9]`, `(0.1 0.9)`, `tensor([0.1])`.

They become columns of their own, so that everything after this sees numbers alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_NUMBER = rb"[-+]?(?:\d+\.?\d*|\.\d+|nan|inf)(?:e[-+]?\d+)?"
_INNER = rb"[ \t]*(%s(?:(?:[ \t]*,[ \t]*|[ \t]+)%s)*)[ \t]*,?[ \t]*" % (_NUMBER, _NUMBER)
_GROUP = (
    rb"(?:(?:tensor|array)\([ \t]*)?(?:\[{1,2}%s\]{1,2}|\(%s\)|(?<=\()%s)"
    rb"(?:,[ \t]*(?:device|dtype|grad_fn)=[^,)\n]*)*\)?" % (_INNER, _INNER, _INNER)
)
_BOUNDS = {" ": (rb"(?:^|(?<=[ \t]))", rb"(?=[ \t]|$)")} | {
    mark: (rb"(?:^|(?<=%s))[ \t]*" % mark.encode(), rb"[ \t]*(?=%s|$)" % mark.encode())
    for mark in ",;\t"
}


class Brackets(NamedTuple):
    """Where a file's cells in brackets stand."""

    separator: str
    column: int
    """Its number from 0."""
    width: int
    """How many numbers each holds."""


def _compile_pattern(separator: str) -> re.Pattern[bytes]:
    before, after = _BOUNDS[separator]
    return re.compile(before + rb'("?)' + _GROUP + rb"\1" + after, re.IGNORECASE | re.MULTILINE)


_PATTERNS = {separator: _compile_pattern(separator) for separator in _BOUNDS}


def _list_numbers(match: re.Match[bytes]) -> list[bytes]:
    inner = next(group for group in match.groups()[1:] if group is not None)
    return re.findall(_NUMBER, inner, re.IGNORECASE)


def spread_brackets(text: bytes, separator: str) -> bytes:
    """Return lines with numbers in brackets as cells of their own.

    >>> spread_brackets(b'u1,"[0.5, -1]",0', ",")
    b'u1,0.5,-1,0'
    """
    joint = separator.encode()

    def join_numbers(match: re.Match[bytes]) -> bytes:
        return joint.join(_list_numbers(match))

    return _PATTERNS[separator].sub(join_numbers, text)


def find_brackets(lines: Sequence[str], separator: str) -> Brackets | None:
    """Return where most of the lines hold numbers in brackets; None where they do not."""
    columns: Counter[tuple[int, int]] = Counter()
    for line in (line for line in lines if "[" in line or "(" in line):
        text = line.encode()
        match = _PATTERNS[separator].search(text)
        if match:
            before = text[: match.start()]
            column = len(before.split()) if separator == " " else before.count(separator.encode())
            columns[column, len(_list_numbers(match))] += 1
    if not columns or 2 * columns.total() <= len(lines):
        return None
    (column, width), _ = columns.most_common(1)[0]
    return Brackets(separator, column, width)


def name_columns(header: Sequence[str], cells: Brackets) -> list[str]:
    """Return a header's names, that of the brackets once for each number.

    >>> name_columns(["ID", "Score"], Brackets(",", 1, 2))
    ['ID', 'Score[1]', 'Score[2]']
    """
    names = list(header)
    if cells.column < len(names) and cells.width > 1:
        name = names[cells.column]
        names[cells.column : cells.column + 1] = [f"{name}[{i + 1}]" for i in range(cells.width)]
    return names
