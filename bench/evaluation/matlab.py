"""Scores as MATLAB saves them: a cell array of ids and a vector of scores, or a vector alone.

The format is that of MathWorks' "MAT-File Format" (version 5, which `-v6` and `-v7` write). Not
`scipy.io.loadmat`: in SciPy 1.17 one changed byte in thirty of such a file ends the process with a
segmentation fault, and a file from elsewhere may hold what its writer pleases.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, quote_text
from bench.evaluation.arrays import Vectors, load_guarded
from bench.evaluation.tables import ColumnTable, is_known_name, of_arrays

_FORM = "a cell array of ids and a vector of scores, equally long"
_HEADER = 128
_LARGEST = 1 << 31
"""Bytes that one variable may unpack to."""

_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    **dict(zip(range(1, 8), ("i1", "u1", "i2", "u2", "i4", "u4", "f4"), strict=True)),
    9: "f8",
    12: "i8",
    13: "u8",
}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _STRUCTURE, _CHARACTERS, _NUMERIC, _OPAQUE = 1, 2, 4, range(6, 16), 17
_COMPLEX = 0x800


def read_mat(path: Path, wanted: str | None) -> ColumnTable | Vectors:
    """Return the variables of a `.mat` file (version 5 to 7) as a table.

    Of a file with one structure, its fields are returned.

    `wanted` names the variable of scores where none says by its name what it holds. BenchError
    where there are no scores, where only MATLAB knows what a variable holds (tables, string
    arrays), and for a damaged file. No code of the file is run.
    """

    def load_file(file: BinaryIO) -> ColumnTable:
        variables = dict(_read_variables(memoryview(file.read())))
        if len(variables) == 1:
            ((_, value),) = variables.items()
            variables = cast(dict[str, Any], value) if isinstance(value, dict) else variables
        arrays = _usable_arrays(variables)
        vectors = [name for name, array in arrays.items() if array.ndim]
        return _build_table(arrays, vectors[0] if wanted is None and len(vectors) == 1 else wanted)

    return load_guarded(path, load_file, _FORM)


def _build_table(arrays: Vectors, wanted: str | None) -> ColumnTable:
    table = of_arrays("MATLAB variables", arrays, wanted)
    if table is not None:
        return table
    there = ", ".join(
        f"{name!r} of {' x '.join(map(str, array.shape))}" for name, array in arrays.items()
    )
    raise BenchError(
        "scores.which-column",
        f"which variable holds the scores? There are {there or 'none'}; say --column NAME",
    )


def _usable_arrays(variables: Mapping[str, Any]) -> Vectors:
    """Return the variables that could be columns.

    BenchError for one that should be and cannot, or where none can.
    """
    arrays: dict[str, NDArray[Any]] = {}
    wrong: dict[str, BenchError] = {}
    for name, value in variables.items():
        try:
            arrays[name] = _to_array(name, value)
        except BenchError as error:
            wrong[name] = error
    needed = [error for name, error in wrong.items() if is_known_name(name) or not arrays]
    if needed:
        raise needed[0]
    return arrays


def _to_array(name: str, value: Any) -> NDArray[Any]:
    """Return a variable's numbers or texts, without sides of length 1."""
    if value is None or isinstance(value, dict):
        raise BenchError(
            "scores.malformed",
            f"{quote_text(name)} is a table, string array, structure or the like; save "
            "`ids = cellstr(ids)` and `scores` as variables of their own",
        )
    if not isinstance(value, list):
        return np.squeeze(np.array(value))
    cells = cast(list[Any], value)
    items: list[Any] = []
    for number, cell in enumerate(cells, 1):
        single = np.array(cell)
        if single.size != 1 or single.dtype.kind not in "fiuU":
            raise BenchError(
                "scores.malformed",
                f"{quote_text(name)}: cell {number} holds {single.size} values, not one",
            )
        items.append(single.item())
    return np.array(items, dtype=object)


# --- the format -----------------------------------------------------------------------------------


class _Element(NamedTuple):
    kind: int
    content: memoryview


def _read_variables(data: memoryview) -> Iterator[tuple[str, Any]]:
    order = {b"IM": "<", b"MI": ">"}.get(bytes(data[_HEADER - 2 : _HEADER]))
    if order is None:
        raise ValueError("its header is cut short")
    names: set[str] = set()
    for element in _read_elements(data[_HEADER:], order):
        if element.kind == _COMPRESSED:
            unpacking = zlib.decompressobj()
            whole = unpacking.decompress(element.content, _LARGEST)
            if not unpacking.eof:
                raise ValueError("a variable is cut short, or unpacks to too much")
            element = next(_read_elements(memoryview(whole), order))
        if element.kind != _MATRIX:
            raise ValueError(f"a variable of kind {element.kind}")
        name, value = _read_variable(element.content, order)
        if name in names:
            raise ValueError(f"{quote_text(name)} comes twice")
        if name:  # without one it is MATLAB's own
            names.add(name)
            yield name, value


def _read_elements(data: memoryview, order: str) -> Iterator[_Element]:
    """Yield what stands one after the other, each a kind, a length and as many bytes."""
    at, tag = 0, struct.Struct(f"{order}II")
    while at < len(data):
        kind, size = tag.unpack_from(data, at)
        start = at + 8
        if kind >> 16:  # up to four bytes, within the tag
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
        end = start + size
        if end > len(data) or (start == at + 4 and size > 4):
            raise ValueError("it is cut short")
        yield _Element(kind, data[start:end])
        at = end if kind == _COMPRESSED else start + -(-size // 8) * 8 if start > at + 4 else at + 8


def _read_variable(data: memoryview, order: str) -> tuple[str, Any]:
    """Return a variable's name and its value.

    The value is an array of numbers, a text or an array of them, a list of a cell array's values, a
    dictionary of a structure's fields, or None for what only MATLAB knows.
    """
    if not data:  # an empty cell
        return "", np.zeros(0)
    parts = _read_elements(data, order)
    flags = int(_read_numbers(next(parts), order)[0])
    kind = flags & 0xFF
    sides = [] if kind == _OPAQUE else [int(side) for side in _read_numbers(next(parts), order)]
    name = bytes(next(parts).content).decode("latin-1")
    if flags & _COMPLEX or kind not in (_CELL, _STRUCTURE, _CHARACTERS, *_NUMERIC):
        return name, None
    count = math.prod(sides)
    if min(sides, default=-1) < 0:
        raise ValueError(f"a variable of shape {sides}")
    if kind == _CELL:
        return name, _read_cells(parts, count, order)
    if kind == _STRUCTURE:
        width = int(_read_numbers(next(parts), order)[0])
        text = bytes(next(parts).content)
        names = [
            text[i : i + width].partition(b"\0")[0].decode("latin-1")
            for i in range(0, len(text) if width > 0 else 0, max(width, 1))
        ]
        values = _read_cells(parts, count * len(names), order)
        columns = {field: values[i :: len(names)] for i, field in enumerate(names)}
        return name, {
            field: values_of[0] if count == 1 else values_of for field, values_of in columns.items()
        }
    if kind == _CHARACTERS:
        return name, _read_texts(next(parts), sides, order)
    return name, _read_numbers(next(parts), order).reshape(sides, order="F")


def _read_cells(parts: Iterator[_Element], count: int, order: str) -> list[Any]:
    values = [_read_variable(part.content, order)[1] for part in parts if part.kind == _MATRIX]
    if len(values) != count:
        raise ValueError(f"{len(values)} values where there should be {count}")
    return values


def _read_numbers(element: _Element, order: str) -> NDArray[Any]:
    if element.kind not in _NUMBERS:
        raise ValueError(f"numbers of kind {element.kind}")
    return np.frombuffer(element.content, f"{order}{_NUMBERS[element.kind]}")


def _read_texts(element: _Element, sides: list[int], order: str) -> str | NDArray[np.str_]:
    """Return a text, or one a row, without the blanks that fill rows up."""
    code = _TEXTS.get(element.kind)
    if code is None:
        raise ValueError(f"text of kind {element.kind}")
    wide = {"<": "-le", ">": "-be"}[order] if code in ("utf-16", "utf-32") else ""
    text = bytes(element.content).decode(code + wide)
    if sides[0] == 1 or not text:
        return text
    letters = np.array(list(text)).reshape(sides, order="F")
    return np.array(["".join(row).rstrip() for row in letters.tolist()])
