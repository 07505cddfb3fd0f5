"""A score file's columns in memory, whatever form they came in (JSON, NumPy, MATLAB)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.errors import BenchError, name_source, quote_text
from bench.evaluation import text_tables
from bench.evaluation.column_names import normalize_name
from bench.evaluation.columns import Roles, choose_columns
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.sample import NUMBER

_IDS = (
    *("id", "ids", "utt", "utts", "utt_id", "utt_ids", "utterance", "utterances", "file", "files"),
    *("filename", "filenames", "file_name", "file_names", "fname", "fnames", "name", "names"),
    *("path", "paths", "trial", "trials", "key", "keys"),
)
_VALUES = (
    *("score", "scores", "cm_score", "cm_scores", "llr", "llrs", "logit", "logits", "prob"),
    *("probs", "probability", "probabilities", "pred", "preds", "prediction", "predictions"),
    *("output", "outputs", "label", "labels", "y_true", "y_pred", "y_score", "target", "targets"),
    *("bonafide", "spoof", "real", "fake"),
)
SAMPLE = 1000
"""Rows by which columns are told."""
_WIDEST = 8
"""Columns of an array of two dimensions; a wider one holds something else."""


class ColumnTable(NamedTuple):
    """Columns of equal length."""

    what: str
    """The form they came in, in words."""
    names: list[str] | None
    """None where the form has none."""
    columns: list[pa.Array]
    """Of text, numbers or truth values."""


class ColumnSource(NamedTuple):
    """A table of which only those columns need be fetched that are used."""

    what: str
    names: Sequence[str] | None
    first: Sequence[pa.Array]
    """The first rows of each column."""
    fetched: Callable[[Iterable[int]], Mapping[int, pa.ChunkedArray]]
    """Returns whole columns by their number from 0."""


def to_source(table: ColumnTable) -> ColumnSource:
    """Return a table in memory as one that columns are fetched from."""

    def fetch_columns(wanted: Iterable[int]) -> dict[int, pa.ChunkedArray]:
        return {i: pa.chunked_array([table.columns[i]]) for i in wanted}

    first = [column.slice(0, SAMPLE) for column in table.columns]
    return ColumnSource(table.what, table.names, first, fetch_columns)


def select_table_rows(
    path: Path, source: ColumnSource, asked: ReadOptions
) -> text_tables.ScoreRows:
    """Return a table's columns by what they hold; BenchError where it cannot be one of scores."""
    names = list(source.names or ())
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BenchError("scores.column-twice", f"{path}: has two columns named {repeated[0]!r}")
    if not source.first or not len(source.first[0]):
        raise BenchError(
            "scores.empty", f"{path}: holds no row; a score file has a row an utterance"
        )
    cells = [list(map(_to_text, column.to_pylist())) for column in source.first]
    first = list(zip(*cells, strict=True))

    def read_rows(later: Mapping[int, Sequence[str]]) -> text_tables.ScoreRows:
        with name_source(path):
            roles = choose_columns(source.names, first, asked, later)
        return _of_roles(path, source, roles)

    return text_tables.settle_columns(read_rows)


def to_column(values: Sequence[Any]) -> pa.Array:
    """Return Python's values as a column: whole numbers, numbers, truth values, or text.

    Text is for mixed kinds and for numbers too large for their kind.
    """
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        words = [None if value is None else str(value) for value in values]
        return pa.array(words, pa.string())


def is_known_name(name: str) -> bool:
    """Whether an array of this name is one of ids, scores or labels, not of one utterance.

    >>> is_known_name("cm-scores"), is_known_name("LA_E_1000147")
    (True, False)
    """
    plain = normalize_name(name)
    return plain in (*_IDS, *_VALUES) or (plain.startswith("arr_") and plain[4:].isdigit())


def of_arrays(
    what: str, arrays: Mapping[str, NDArray[Any]], wanted: str | None = None
) -> ColumnTable | None:
    """Return parallel arrays, such as `ids` and `scores`, as a table.

    None where arrays are named by utterance, and each holds an utterance's scores. Arrays are
    parallel to the column that is asked for (`wanted`), to the one of text, or to those whose names
    say what they hold; others, of other lengths, are left out. BenchError where arrays that belong
    together are not of one length.
    """
    vectors = {name: array for name, array in arrays.items() if _is_columns(array)}
    leading = [name for name in vectors if name == wanted]
    leading = leading or [name for name, array in vectors.items() if array.dtype.kind == "U"]
    leading += [name for name in vectors if is_known_name(name) and name not in leading]
    if not leading:
        return None
    lengths = {name: len(vectors[name]) for name in leading}
    if len(set(lengths.values())) > 1:
        lengths_text = ", ".join(f"{name!r} has {count:,}" for name, count in lengths.items())
        raise BenchError(
            "scores.unequal-lengths",
            f"arrays of ids and scores should be equally long: {lengths_text}",
        )
    count = lengths[leading[0]]
    columns: dict[str, NDArray[Any]] = {}
    for name, array in vectors.items():
        if len(array) != count:
            continue
        wide = array.ndim == 2 and array.shape[1] > 1
        parts = array.T if wide else [array.reshape(count)]
        columns |= {f"{name}[{i}]" if wide else name: part for i, part in enumerate(parts, 1)}
    return ColumnTable(what, list(columns), [_array_column(part) for part in columns.values()])


def of_array(what: str, array: NDArray[Any]) -> ColumnTable:
    """Return an array as columns: without names, or with names where it is an array of records.

    BenchError for an array of more than two dimensions.
    """
    if array.dtype.names is not None:
        fields = {name: array[name] for name in array.dtype.names}
        if array.ndim == 1 and all(_is_columns(part) for part in fields.values()):
            return ColumnTable(
                what, list(fields), [_array_column(part) for part in fields.values()]
            )
    elif _is_columns(array):
        return ColumnTable(
            what, None, [_array_column(part) for part in array.reshape(len(array), -1).T]
        )
    raise BenchError(
        "scores.malformed",
        f"holds an array of shape {array.shape} and type {array.dtype}; it should have a row an "
        f"utterance, of its score or of up to {_WIDEST} columns",
    )


def _is_columns(array: NDArray[Any]) -> bool:
    wide = array.ndim == 2 and array.shape[1] > _WIDEST
    return array.ndim in (1, 2) and array.size > 0 and array.dtype.kind in "fiubUO" and not wide


def _array_column(array: NDArray[Any]) -> pa.Array:
    if array.dtype.kind == "f" and array.dtype.itemsize != 8:
        array = array.astype(np.float64)
    if array.dtype.kind in "UO":
        return to_column(array.tolist())
    return pa.array(np.ascontiguousarray(array.astype(array.dtype.newbyteorder("="))))


def _of_roles(path: Path, source: ColumnSource, roles: Roles) -> text_tables.ScoreRows:
    kinds = {i: pa.string() for i in (roles.utterance, *roles.words)}
    kinds |= {i: pa.float64() for i in roles.numbers}
    names = source.names or [f"column {i + 1}" for i in range(len(source.first))]
    fetched = source.fetched(kinds)
    columns = {i: _cast_column(path, names[i], fetched[i], kind) for i, kind in kinds.items()}
    words = {i: columns[i].dictionary_encode() for i in roles.words}
    label = words[roles.label] if roles.strict and roles.label is not None else None
    if not text_tables.are_words_valid(columns[roles.utterance], label):
        stranger = next(iter(text_tables.list_unknown_labels(label)), None)
        what = f"{stranger!r} is no label (bonafide, spoof)" if stranger else "there is an empty id"
        raise BenchError("scores.bad-cell", f"{path}: {what}")
    why = f"{source.what} of {len(names)} columns: {roles.why}"
    return text_tables.ScoreRows(
        columns[roles.utterance], [columns[i] for i in roles.numbers], words, roles, why
    )


def _to_text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _cast_column(
    path: Path, name: str, column: pa.ChunkedArray, kind: pa.DataType
) -> pa.ChunkedArray:
    if column.null_count:
        empty = np.flatnonzero(column.is_null().to_numpy())
        raise BenchError(
            "scores.bad-cell",
            f"{path}: {name}: {len(empty):,} of {len(column):,} cells are empty, the first in row "
            f"{empty[0] + 1}",
        )
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    if pa.types.is_string(column.type) and kind == pa.float64():
        return _parse_numbers(path, name, column)
    try:
        return column.cast(kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        what = "words" if kind == pa.string() else "numbers"
        raise BenchError(
            "scores.bad-cell", f"{path}: {name}: is {column.type}, not {what}: {error}"
        ) from error


def _parse_numbers(path: Path, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return numbers that are written as text."""
    words = [word.strip() for word in column.to_pylist()]
    wrong = next((i for i, word in enumerate(words) if not NUMBER.fullmatch(word)), None)
    if wrong is not None:
        raise BenchError(
            "scores.bad-cell",
            f"{path}: {name}: row {wrong + 1}: {quote_text(words[wrong], 40)} is no number",
        )
    return pa.chunked_array([pa.array(map(float, words), pa.float64())])
