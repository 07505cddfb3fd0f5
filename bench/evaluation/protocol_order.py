"""Scores without ids, in the order of the protocol: used only where the caller says so."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from bench._io.printable import format_count
from bench._io.text_files import read_blocks
from bench.errors import BenchError, quote_text
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.sample import NUMBER, mostly_match
from bench.evaluation.tables import ColumnTable
from bench.evaluation.text_layout import list_data_lines

NAME = "the order of the keys"
"""What the column of ids is called that a file without any is given."""

_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_LOOKED_AT = 1000


def with_ids(
    path: Path, table: ColumnTable, asked: ReadOptions, ids: Sequence[str]
) -> tuple[ColumnTable, ReadOptions]:
    """Return a table with the ids of the keys as its last column, and how it is read.

    BenchError unless there are as many rows as ids, and where the table seems to hold ids itself.
    """
    if asked.id_column:
        raise BenchError(
            "scores.order", f"{path}: scores are in the order of the keys or have a column of ids"
        )
    count = len(table.columns[0]) if table.columns else 0
    if count != len(ids):
        raise BenchError(
            "scores.order",
            f"{path}: holds {count:,} scores, but the keys list {len(ids):,} trials; scores "
            "without ids are taken in the order of the keys only where there are as many",
        )
    names = table.names or [f"{i}" for i in range(1, len(table.columns) + 1)]
    for name, column in zip(names, table.columns, strict=True):
        if _are_ids(column, len(names) > 1):
            raise BenchError(
                "scores.order",
                f"{path}: column {name!r} looks like ids (e.g. "
                f"{quote_text(str(column[0].as_py()))}): "
                "scores that have ids need no order; leave --order out",
            )
    columns = [*table.columns, pa.array(ids, pa.string())]
    if table.names is None:
        return ColumnTable(table.what, None, columns), replace(asked, id_column=f"{len(columns)}")
    return ColumnTable(table.what, [*names, NAME], columns), replace(asked, id_column=NAME)


def describe_order(ids: Sequence[str]) -> str:
    """Return what was done, a sentence for the user."""
    return (
        f"the file holds no ids: its {len(ids):,} scores were given to the trials in the order of "
        f"the keys, {ids[0]} first and {ids[-1]} last; in any other order the results are wrong"
    )


def read_ordered_text(path: Path) -> ColumnTable:
    """Return the columns of a text file, with the names of its first line if that holds names.

    Blank lines and those that begin with `#` are passed over; BenchError, with the number of the
    line, where lines have not equally many columns.
    """
    numbered = [pair for block in read_blocks(path) for pair in list_data_lines(block)]
    lines = [_decode_line(path, number, line) for number, line in numbered]
    if not lines:
        raise BenchError(
            "scores.empty", f"{path}: holds only blank lines and comments; a line should be a score"
        )
    if mostly_match(_DECIMAL_COMMA, lines[:_LOOKED_AT]):
        raise BenchError(
            "scores.decimal-comma",
            f"{path}: has numbers with a decimal comma, e.g. {quote_text(lines[-1])}; write a "
            "point",
        )
    cells = _split_cells(lines)
    for (number, _), line, row in zip(numbered, lines, cells, strict=True):
        if len(row) != len(cells[-1]):
            raise BenchError(
                "scores.unequal-lengths",
                f"{path}:{number}: {quote_text(line)}: {format_count(len(row), 'column')}, "
                f"not {len(cells[-1])}",
            )
    names = cells.pop(0) if not any(map(NUMBER.fullmatch, cells[0])) else None
    if names is not None and not cells:
        raise BenchError(
            "scores.empty",
            f"{path}:{numbered[0][0]}: a header and nothing below it: {quote_text(lines[0])}",
        )
    columns = [pa.array(column, pa.string()) for column in zip(*cells, strict=True)]
    return ColumnTable("text", names, columns)


def _decode_line(path: Path, number: int, line: bytes) -> str:
    try:
        return line.decode().strip()
    except UnicodeDecodeError as error:
        raise BenchError(
            "scores.not-utf8", f"{path}:{number}: not text in UTF-8: {quote_text(line)}"
        ) from error


def _split_cells(lines: Sequence[str]) -> list[list[str]]:
    looked_at = lines[:_LOOKED_AT]
    separator = next((mark for mark in ";,\t" if all(mark in line for line in looked_at)), None)
    if separator is None:
        return [line.split() for line in lines]
    try:
        rows = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
    except csv.Error:
        rows = []
    if len(rows) != len(lines):  # a quote that does not close swallows lines
        rows = [line.split(separator) for line in lines]
    return [[cell.strip() for cell in row] for row in rows]


def _are_ids(column: pa.Array, numbers: bool) -> bool:
    """Return whether cells all differ and are words; with `numbers`, also whole numbers.

    Whole numbers that count up by one are row numbers.
    """
    values = [str(value) for value in column.to_pylist()]
    if len(set(values)) < len(values) or len(values) < 2:
        return False
    if all(re.fullmatch(r"\d+", value) for value in values):
        counted = enumerate(values, int(values[0]))
        return numbers and any(int(value) != i for i, value in counted)
    return not mostly_match(NUMBER, values)
