"""Columns of plain text side by side, never broken within a word."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import zip_longest
from typing import NamedTuple

GAP = "  "


class TextColumn(NamedTuple):
    """One column: its heading and a cell for each line."""

    heading: str
    cells: tuple[str, ...]
    wraps: bool = False
    """Whether its cells may go on in a further line where there is little space."""

    @property
    def least_width(self) -> int:
        """The least width.

        That is the width of its cells, of their longest word where they may be wrapped, and of the
        heading's longest word.
        """
        texts = [word for cell in self.cells for word in cell.split()] if self.wraps else self.cells
        return max(map(len, [*texts, *self.heading.split(), ""]))

    @property
    def whole_width(self) -> int:
        """The width at which no cell is wrapped."""
        return max(self.least_width, *map(len, self.cells), 0)


def columns_fit(columns: Sequence[TextColumn], width: int) -> bool:
    """Return whether the columns stand side by side in `width` characters, no cell wrapped."""
    return _total_width([column.whole_width for column in columns]) <= width


def lay_out_columns(
    before: Sequence[TextColumn],
    others: Sequence[TextColumn],
    after: Sequence[TextColumn],
    width: int,
) -> list[str]:
    """Return the lines of a table.

    Between the columns `before` and `after` stand as many of the `others` as fit in `width`; the
    rest of these follow in parts that each begin with the very first column.
    """
    widths = _shrink_widths([*before, *after], width)
    taken = _take_fitting(others, width - _total_width(widths))
    framed = [*zip([*before, *after], widths, strict=True)]
    shown = [
        *framed[: len(before)],
        *((column, column.whole_width) for column in taken),
        *framed[len(before) :],
    ]
    lines, rest = _format_part(shown), others[len(taken) :]
    while rest:
        taken = _take_fitting(rest, width - before[0].whole_width) or [rest[0]]
        part = [(column, column.whole_width) for column in (before[0], *taken)]
        lines += ["", *_format_part(part)]
        rest = rest[len(taken) :]
    return lines


def _total_width(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _shrink_widths(columns: Sequence[TextColumn], width: int) -> list[int]:
    """Return the columns' widths: the widest that may wrap is made narrower until all fit."""
    widths = [column.whole_width for column in columns]
    while _total_width(widths) > width:
        wide = [n for n, one in enumerate(columns) if one.wraps and widths[n] > one.least_width]
        if not wide:
            break
        widths[max(wide, key=lambda n: widths[n])] -= 1
    return widths


def _take_fitting(columns: Sequence[TextColumn], width: int) -> list[TextColumn]:
    """Return the first columns that fit into `width` behind another."""
    taken: list[TextColumn] = []
    for column in columns:
        width -= len(GAP) + column.whole_width
        if width < 0:
            break
        taken.append(column)
    return taken


def _format_part(columns: Sequence[tuple[TextColumn, int]]) -> list[str]:
    texts = ((column.heading, "-" * width, *column.cells) for column, width in columns)
    return align_columns([*zip(*texts, strict=True)], [width for _, width in columns])


def align_columns(
    lines: Sequence[Sequence[object]], widths: Sequence[int] | None = None
) -> list[str]:
    """Return lines of cells in columns as wide as their widest cell; wrapped where `widths` say.

    >>> align_columns([("a", "one"), ("long", "two")])
    ['a     one', 'long  two']
    """
    rows = [[str(cell) for cell in line] for line in lines]
    widths = widths or [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        GAP.join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()
        for cells in rows
        for texts in zip_longest(*map(_wrap_text, cells, widths), fillvalue="")
    ]


def _wrap_text(text: str, width: int) -> list[str]:
    if len(text) <= width:
        return [text]
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
