"""Tables in Markdown that line up when they are read as plain text."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[+-]?\d[\d,.]*( %)?( (to|of) [+-]?\d[\d,.]*( %)?)?")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table; columns that hold a number or a range are set to the right.

    >>> print(*table(["what", "count"], [["bonafide", "12"], ["a|b", "3"]]), sep="\\n")
    | what     | count |
    | -------- | ----: |
    | bonafide |    12 |
    | a\\|b     |     3 |
    """
    cells = [[" ".join(cell.replace("|", "\\|").split()) for cell in row] for row in rows]
    columns: list[list[str]] = []
    for heading, *others in zip(headings, *cells, strict=True):
        width = max(3, *map(len, (heading, *others)))
        if any(map(_NUMBER.fullmatch, others)):
            rule = "-" * (width - 1) + ":"
            columns.append([text.rjust(width) for text in (heading, rule, *others)])
        else:
            columns.append([text.ljust(width) for text in (heading, "-" * width, *others)])
    return [f"| {' | '.join(row)} |" for row in zip(*columns, strict=True)]
