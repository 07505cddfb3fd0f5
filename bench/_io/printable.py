"""Text from outside, made safe for a terminal and for a table that a spreadsheet opens.

It comes from file names, ids, cards, settings and the tracking store. A terminal obeys escape
sequences, and shows text after U+202E backwards, so invisible characters are written out.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""Control characters but tab and line feed, characters without width, those that turn the direction
of text, and bytes of a file name that are no UTF-8."""
_FORMULA = re.compile(r"[\t\r ]*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
"""How a cell begins that a spreadsheet computes; the wide forms of these signs count as well."""


def escape_invisible(text: str) -> str:
    r"""Return text with invisible characters escaped as in JSON; tabs and line ends stay.

    >>> print(escape_invisible("a\x1b[2Jb\u202ec"))
    a\u001b[2Jb\u202ec
    """
    return _UNSEEN.sub(_escape_match, text)


def one_line(text: str) -> str:
    r"""Return text with all characters escaped as in JSON but letters, marks and plain blanks.

    Line ends, tabs and non-breaking blanks are escaped, too.

    >>> print(one_line("a\nb\xa0c"))
    a\nb\u00a0c
    """
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() else json.dumps(letter)[1:-1] for letter in text)


def format_count(number: int, noun: str) -> str:
    """Return a number with its noun, which becomes plural by an s.

    >>> format_count(1, "seed"), format_count(3000, "utterance")
    ('1 seed', '3,000 utterances')
    """
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _escape_match(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[n : n + 4]}" for n in range(0, len(units), 4))


def csv_cell(value: object) -> object:
    """Return a cell of a CSV file, an apostrophe before what a spreadsheet takes for a formula.

    Numbers, also as text, stay as they are.

    >>> csv_cell("=HYPERLINK(1)"), csv_cell("-1.5"), csv_cell(-1.5), csv_cell("S1")
    ("'=HYPERLINK(1)", '-1.5', -1.5, 'S1')
    """
    if not isinstance(value, str) or not _FORMULA.match(value) or _is_number(value):
        return value
    return f"'{value}"


def csv_text(rows: Iterable[Iterable[object]]) -> str:
    """Return the content of a CSV file, its first row the headings."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(map(csv_cell, row) for row in rows)
    return text.getvalue()


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
