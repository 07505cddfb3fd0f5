"""Score files as Parquet: the suite's own (`bench.metrics.scores.COLUMNS`) or anyone's."""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError, quoted
from bench.scoring import text
from bench.scoring.columns import NUMBER, Roles, choose
from bench.scoring.reading import Reading

_SAMPLE = 1000


def read(path: Path, asked: Reading) -> text.Rows:
    """Return the rows of a Parquet file; BenchError for one that cannot be a score file."""
    try:
        with pq.ParquetFile(path) as file:
            sample = next(file.iter_batches(batch_size=_SAMPLE), None)
            names: list[str] = file.schema_arrow.names
            first = sample.columns if sample is not None else []

            def fetched(wanted: Iterable[int]) -> dict[int, pa.ChunkedArray]:
                table = file.read(columns=[names[i] for i in wanted])
                table.validate(full=True)  # a forged file can hold text that is not UTF-8
                return {i: table[names[i]] for i in wanted}

            return rows(path, "Parquet", names, first, fetched, asked)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise BenchError(f"{path}: not a whole Parquet file: {error}") from error


def table(path: Path) -> tuple[list[str], list[pa.Array]]:
    """Return the names and all columns of a Parquet file; BenchError for one that is none."""
    try:
        found = pq.read_table(path)
        found.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise BenchError(f"{path}: not a whole Parquet file: {error}") from error
    return found.column_names, [column.combine_chunks() for column in found.columns]


def rows(
    path: Path,
    what: str,
    names: Sequence[str] | None,
    first: Sequence[pa.Array],
    fetched: Callable[[Iterable[int]], dict[int, pa.ChunkedArray]],
    asked: Reading,
) -> text.Rows:
    """Return the rows of a table of typed columns, of whatever form (`what`).

    `names` are those of the columns, None where they have none; `first` holds the first rows of
    each, and `fetched` returns whole columns by their number. BenchError for a table that cannot be
    one of scores.
    """
    repeated = sorted({name for name in names or () if (names or ()).count(name) > 1})
    if repeated:
        raise BenchError(f"{path}: has two columns named {repeated[0]!r}")
    if not first or not len(first[0]):
        raise BenchError(f"{path}: holds no row; a score file has a row an utterance")
    cells = list(zip(*(map(_cell, column.to_pylist()) for column in first), strict=True))

    def of_roles(later: Mapping[int, Sequence[str]]) -> text.Rows:
        try:
            roles = choose(names, cells, asked, later)
        except BenchError as error:
            raise BenchError(f"{path}: {error}") from None
        kinds = {i: pa.string() for i in (roles.utterance, *roles.words)}
        kinds |= {i: pa.float64() for i in roles.numbers}
        columns = {
            i: _typed(path, names[i] if names else f"column {i + 1}", column, kinds[i])
            for i, column in fetched(kinds).items()
        }
        return _whole(path, f"{what} of {len(first)} columns", columns, roles)

    return text.settled(of_roles)


def _whole(
    path: Path, what: str, columns: Mapping[int, pa.ChunkedArray], roles: Roles
) -> text.Rows:
    words = {i: columns[i].dictionary_encode() for i in roles.words}
    label = words[roles.label] if roles.strict and roles.label is not None else None
    if not text.words_hold(columns[roles.utterance], label):
        stranger = next(iter(text.strangers(label)), None)
        wrong = (
            f"{stranger!r} is no label (bonafide, spoof)" if stranger else "there is an empty id"
        )
        raise BenchError(f"{path}: {wrong}")
    numbers = [columns[i] for i in roles.numbers]
    return text.Rows(columns[roles.utterance], numbers, words, roles, f"{what}: {roles.why}")


def _cell(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _typed(path: Path, name: str, column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.null_count:
        empty = np.flatnonzero(column.is_null().to_numpy())
        raise BenchError(
            f"{path}: {name}: {len(empty):,} of {len(column):,} cells are empty, the first in row "
            f"{empty[0] + 1}"
        )
    if pa.types.is_string(column.type) and kind == pa.float64():
        return _numbers(path, name, column)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    try:
        return column.cast(kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        what = "words" if kind == pa.string() else "numbers"
        raise BenchError(f"{path}: {name}: is {column.type}, not {what}: {error}") from error


def _numbers(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers that are written as text."""
    words = [word.strip() for word in column.to_pylist()]
    wrong = next((i for i, word in enumerate(words) if not NUMBER.fullmatch(word)), None)
    if wrong is not None:
        raise BenchError(
            f"{path}: {name}: row {wrong + 1}: {quoted(words[wrong], 40)} is no number"
        )
    return pa.chunked_array([pa.array(map(float, words), pa.float64())])
