"""Score files as Parquet: the suite's own (`bench.evaluation.score_file.COLUMNS`) or anyone's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.evaluation import text_tables
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.tables import SAMPLE, ColumnSource, ColumnTable, select_table_rows

_WHAT = "Parquet"


def read_parquet(path: Path, asked: ReadOptions) -> text_tables.ScoreRows:
    """Return the rows of a Parquet file; BenchError for one that cannot be a score file."""
    try:
        with pq.ParquetFile(path) as file:
            names: list[str] = file.schema_arrow.names
            sample = next(file.iter_batches(batch_size=SAMPLE), None)
            first = sample.columns if sample is not None else list[pa.Array]()

            def fetch_columns(wanted: Iterable[int]) -> dict[int, pa.ChunkedArray]:
                table = file.read(columns=[names[i] for i in wanted])
                table.validate(full=True)  # a forged file can hold text that is not UTF-8
                return {i: table[names[i]] for i in wanted}

            return select_table_rows(path, ColumnSource(_WHAT, names, first, fetch_columns), asked)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _damaged_error(path, error) from error


def read_parquet_table(path: Path) -> ColumnTable:
    """Return all columns of a Parquet file; BenchError for one that is none."""
    try:
        content = pq.read_table(path)
        content.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _damaged_error(path, error) from error
    return ColumnTable(
        _WHAT, content.column_names, [column.combine_chunks() for column in content.columns]
    )


def _damaged_error(path: Path, error: Exception) -> BenchError:
    return BenchError("scores.malformed", f"{path}: not a whole Parquet file: {error}")
