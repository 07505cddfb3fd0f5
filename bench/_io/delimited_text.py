"""Lines and columns of text tables: protocols, keys and score files."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from pyarrow import csv as arrow_csv

from bench.errors import quote_text

BLANKS = " \t\f\v"
"""What separates columns where blanks do: an invisible character of another kind does not."""

CATEGORY = pa.dictionary(pa.int32(), pa.string())
"""The type of a column in which few words recur."""

_PARSED_AT_ONCE = 1 << 22
"""Bytes; a line that is longer is not parsed."""


def number_lines(text: bytes, first: int = 1) -> Iterator[tuple[int, str]]:
    """Yield number and text of each line of UTF-8 text that is not blank."""
    for number, line in enumerate(text.decode().split("\n"), first):
        if line.strip():
            yield number, line


def name_line(file: object, number: int, line: str | bytes) -> str:
    """Return `file:number: 'line'`, the line cut if it is long."""
    return f"{file}:{number}: {quote_text(line)}"


def parse_finite(text: str) -> float | None:
    """Return the number that a cell holds; None where it is none, or not finite.

    >>> parse_finite("-2.5e1"), parse_finite("nan"), parse_finite("1_0")
    (-25.0, None, None)
    """
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def split_cells(line: str, separator: str, *, skip_blanks: bool = False) -> list[str]:
    """Return the cells of a line, trimmed; separators within quotes do not count.

    `skip_blanks` lets blanks stand before a quote. A line that cannot be split is one cell.
    """
    if separator == " ":
        return re.split(f"[{BLANKS}]+", line.strip(BLANKS))
    try:
        (cells,) = csv.reader([line], delimiter=separator, skipinitialspace=skip_blanks)
    except (csv.Error, ValueError):
        return [line]
    return [cell.strip(BLANKS) for cell in cells]


def parse_columns(
    text: bytes,
    separator: str,
    names: Sequence[str],
    types: Mapping[str, pa.DataType],
    *,
    quotes: bool,
    skip_lines: int = 0,
) -> pa.Table | None:
    """Return the columns of regular text that `types` asks for; None where Arrow cannot parse it.

    `names` are those of all columns of the text, `quotes` says whether cells may be quoted.
    """
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(
                column_names=list(names), skip_rows=skip_lines, block_size=_PARSED_AT_ONCE
            ),
            arrow_csv.ParseOptions(delimiter=separator, quote_char='"' if quotes else False),
            arrow_csv.ConvertOptions(
                column_types=dict(types),
                include_columns=list(types),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
