"""Score files as Parquet: the suite's own (`bench.metrics.scores.COLUMNS`) or anyone's."""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.scoring import text
from bench.scoring.columns import choose
from bench.scoring.reading import Reading

_SAMPLE = 1000


def read(path: Path, asked: Reading) -> text.Rows:
    """Return the rows of a Parquet file; BenchError for one that cannot be a score file."""
    try:
        with pq.ParquetFile(path) as file:
            return _rows(path, file, asked)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise BenchError(f"{path}: not a whole Parquet file: {error}") from error


def _rows(path: Path, file: pq.ParquetFile, asked: Reading) -> text.Rows:
    names: list[str] = file.schema_arrow.names
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise BenchError(f"{path}: has two columns named {repeated[0]!r}")
    sample = next(file.iter_batches(batch_size=_SAMPLE), None)
    if sample is None or not sample.num_rows:
        raise BenchError(f"{path}: holds no row; a score file has a row an utterance")
    cells = [list(map(str, column.to_pylist())) for column in sample.columns]
    try:
        roles = choose(names, list(zip(*cells, strict=True)), asked)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    words = [roles.utterance] + ([roles.label] if roles.label is not None else [])
    kinds = {i: pa.string() for i in words} | {i: pa.float64() for i in roles.numbers}
    table = file.read(columns=[names[i] for i in kinds])
    table.validate(full=True)  # a forged file can hold text that is not UTF-8
    columns = {i: _typed(path, names[i], table[names[i]], kind) for i, kind in kinds.items()}
    label = columns[roles.label].dictionary_encode() if roles.label is not None else None
    if not text.words_hold(columns[roles.utterance], label):
        stranger = next(iter(text.strangers(label)), None)
        what = f"{stranger!r} is no label (bonafide, spoof)" if stranger else "there is an empty id"
        raise BenchError(f"{path}: {what}")
    why = f"Parquet of {len(names)} columns: {roles.why}"
    return text.Rows(
        columns[roles.utterance], [columns[i] for i in roles.numbers], label, roles, why
    )


def _typed(path: Path, name: str, column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if column.null_count:
        empty = np.flatnonzero(column.is_null().to_numpy())
        raise BenchError(
            f"{path}: {name}: {len(empty):,} of {len(column):,} cells are empty, the first in row "
            f"{empty[0] + 1}"
        )
    try:
        return column.cast(kind, safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        what = "words" if kind == pa.string() else "numbers"
        raise BenchError(f"{path}: {name}: is {column.type}, not {what}: {error}") from error
