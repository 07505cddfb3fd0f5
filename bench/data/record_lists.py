"""Lists of records (JSON, JSON Lines, Parquet), whose fields `[protocol]` names as columns.

The form is that of the file: `.parquet`, else JSON, which is one list or one record a line.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

import pyarrow as pa
from pyarrow import parquet

from bench._io import text_files
from bench._io.delimited_text import name_line
from bench.errors import BenchError

SUFFIXES = (".json", ".jsonl", ".ndjson", ".parquet")
"""What lists of records end in."""


class Record(NamedTuple):
    """The texts of a record's fields, in the order asked for; None where one is not there."""

    number: int
    """Its line in JSON Lines, else which of the records it is; from 1."""
    texts: Sequence[str] | None
    shown: str


def iterate_records(path: Path, fields: Sequence[str], none: str) -> Iterator[Record]:
    """Yield the records of a list, with the texts of `fields`, dots between nested ones.

    A text is as it is, a truth is `true` or `false`, a number as Python writes it, null is `none`,
    and of a list all that is in it, with blanks between. BenchError where the file is no such list.
    """
    rows = _read_parquet(path, fields) if ".parquet" in path.suffixes else _read_json(path)
    for number, row in rows:
        try:
            texts = [_as_text(_find_field(row, field), none) for field in fields]
        except (KeyError, TypeError):
            yield Record(number, None, name_line(path.name, number, json.dumps(row, default=str)))
        else:
            yield Record(number, texts, "")


def _read_json(path: Path) -> Iterator[tuple[int, Any]]:
    text = text_files.read_text(path)
    try:
        if text.lstrip().startswith("["):
            yield from enumerate(json.loads(text), 1)
            return
        for number, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield number, json.loads(line)
    except json.JSONDecodeError as error:
        raise BenchError(
            "file.malformed",
            f"{path}: not JSON: {error}; should be a list of records, or one record a line",
        ) from error


def _read_parquet(path: Path, fields: Iterable[str]) -> Iterator[tuple[int, Any]]:
    """Yield the rows; what no field asks for, such as the bytes of audio, is not read."""
    try:
        file = parquet.ParquetFile(path)
        number = 0
        for batch in file.iter_batches(columns=list(fields)):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowException, OSError) as error:
        raise BenchError("file.malformed", f"{path}: not Parquet: {error}") from error


def _find_field(row: Any, field: str) -> Any:
    for name in field.split("."):
        row = row[name]
    return row


def _as_text(value: object, none: str) -> str:
    """Return a value as a list in text would have it; TypeError for a record within a record."""
    if value is None:
        return none
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return " ".join(_as_text(one, none) for one in cast(list[object], value))
    if isinstance(value, str | int | float):
        return str(value)
    raise TypeError(value)


def make_row(fields: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record that has each value in its field; `fields` are the columns' fields."""
    row: dict[str, Any] = {}
    for column, field in fields.items():
        *folders, last = field.split(".")
        inner = row
        for name in folders:
            inner = inner.setdefault(name, {})
        inner[last] = values[column]
    return row


def write_records(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a list of records in the form that the file's name asks for."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(list(rows)), path)
        return
    lines = [json.dumps(row) for row in rows]
    text = "[" + ",\n".join(lines) + "]\n" if path.suffix == ".json" else "\n".join([*lines, ""])
    path.write_text(text, encoding="utf-8", newline="\n")
