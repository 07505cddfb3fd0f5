"""Delimited text with named columns, or records, as `[protocol]` describes them, into `Lines`.

A regular file (every line has its columns, one separator between them) is parsed whole by Arrow.
Any other is read line by line, which takes a few times longer and finds what is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from bench._io import text_files
from bench._io.delimited_text import CATEGORY, name_line, number_lines, parse_columns, split_cells
from bench.data import lines, record_lists
from bench.data.lines import Lines
from bench.errors import BenchError
from bench.issues import Issues
from bench.specs.corpus import Audio, Protocol

Separator = Literal["tab", "comma", "semicolon", "pipe", "space"]
SEPARATORS: Mapping[Separator, str] = {
    "tab": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "space": " ",
}
"""In the order in which they are tried."""
_LOOKED_AT = 100
"""Lines by which the number of columns is told."""
_VARIED = frozenset({"utterance", "spans", "duration_s", "samples"})
"""Columns in which most lines differ; the others are kept as categories."""


class ProtocolColumns(NamedTuple):
    """The columns of one variant of a protocol."""

    names: tuple[str, ...]
    """`-` where a column is passed over."""
    rest: int | None
    """Which column takes all that those behind it leave; None: each takes one."""

    @classmethod
    def from_text(cls, text: str) -> ProtocolColumns:
        """Read a text of `Protocol.columns`."""
        names = text.split()
        rest = names.index("...") - 1 if "..." in names else None
        return cls(tuple(name for name in names if name != "..."), rest)

    def fits(self, count: int) -> bool:
        """Whether a line may have so many fields."""
        return count == len(self.names) if self.rest is None else count >= len(self.names)


def read_protocol(
    path: Path, protocol: Protocol, audio: Audio, issues: Issues, name: str = ""
) -> Lines:
    """Return the lines of a protocol; text as it is in the file, categories where words recur.

    Only ids lose a suffix of the `audio` where they end in one. Messages call the file `name`, or
    by its own.

    Noted and left out are lines with another number of fields, without an utterance, or with one
    that was listed before. Blank lines are passed over. What is no text is a BenchError.
    """
    malformed: list[str] = []
    read = _read_records if protocol.fields else _read_text
    result = read(path, name or path.name, protocol, malformed)
    words = "|".join(protocol.labels)
    forms = [re.sub(r"\blabel\b", words, text) for text in protocol.forms]
    result = complete_lines(result, protocol, audio)
    return lines.check_lines(result, " or ".join(forms), malformed, issues)


def _read_text(path: Path, name: str, protocol: Protocol, malformed: list[str]) -> Lines:
    data = text_files.read_bytes(path)
    columns = _choose_columns(data, protocol)
    skipped = _count_header_lines(data, protocol)
    table = _parse_regular(data, protocol, columns, skipped)
    if table is not None and ("utterance" not in table or (table["utterance"] != "").all()):
        return Lines(name, table, np.arange(1 + skipped, 1 + skipped + len(table)))
    return _read_line_by_line(name, data, protocol, columns, skipped, malformed)


def _read_records(path: Path, name: str, protocol: Protocol, malformed: list[str]) -> Lines:
    records = record_lists.iterate_records(path, [*protocol.fields.values()], protocol.none)
    rows: list[tuple[int, Sequence[str]]] = []
    for number, texts, shown in records:
        if texts is None:
            malformed.append(shown)
        else:
            rows.append((number, texts))
    return _build_lines(name, tuple(protocol.fields), rows)


def complete_lines(result: Lines, protocol: Protocol, audio: Audio) -> Lines:
    """Return lines with ids, labels and durations, where the card makes them of other columns.

    Ids lose a suffix of the `audio` where they end in one.
    """
    table = result.table
    if "utterance" not in table:
        table = table.assign(utterance=fill_braces(protocol.utterance, table))
    if table["utterance"].str.endswith(audio.suffix).any():
        ends = f"(?:{'|'.join(map(re.escape, audio.suffix))})$"
        table = table.assign(utterance=table["utterance"].str.replace(ends, "", regex=True))
    if "label" not in table and protocol.label in table:
        table = table.assign(label=table[protocol.label])
    elif "label" not in table:
        every = pd.Series(protocol.label, index=table.index, dtype="str")
        table = table.assign(label=every.astype("category"))
    if "samples" in table:
        seconds = pd.to_numeric(table["samples"], errors="coerce") / audio.sample_rate_hz
        table = table.assign(duration_s=seconds.map(str)).drop(columns="samples")
    return replace(result, table=table)


def fill_braces(pattern: str, table: pd.DataFrame) -> pd.Series:
    """Return the pattern with each row's words in the place of its braces."""
    filled = pd.Series("", index=table.index, dtype="str")
    for text, column, _, _ in Formatter().parse(pattern):
        filled = filled + text
        if column:
            filled = filled + table[column].astype("str")
    return filled


def _read_line_by_line(
    name: str,
    data: bytes,
    protocol: Protocol,
    columns: ProtocolColumns,
    skipped: int,
    malformed: list[str],
) -> Lines:
    """Return the well-formed lines; add the others to `malformed`."""
    rows: list[tuple[int, Sequence[str]]] = []
    for number, text, fields in _split_lines(data, protocol, skipped):
        row = _make_row(columns, fields)
        if row is None:
            malformed.append(name_line(name, number, text))
        else:
            rows.append((number, row))
    return _build_lines(name, columns.names, rows)


def _build_lines(
    name: str, columns: Sequence[str], rows: Sequence[tuple[int, Sequence[str]]]
) -> Lines:
    """Return the lines with these numbers and texts, in columns of these names."""
    cells = list(zip(*(texts for _, texts in rows), strict=True)) or [()] * len(columns)
    series = {
        field: pd.Series(column, dtype="str").astype(_choose_dtype(field))
        for field, column in zip(columns, cells, strict=True)
        if field != "-"
    }
    numbers = np.array([number for number, _ in rows], dtype=np.int64)
    return Lines(name, pd.DataFrame(series), numbers)


def explain_misfit(path: Path, protocol: Protocol, audio: Audio) -> str:
    """Return why the first line of a file is not one of this protocol, "" where it may be.

    Ids may end in a suffix of the `audio`. A file that is no text or empty is a misfit.
    """
    try:
        names, row, misfit = _read_first(path, protocol)
    except BenchError as error:
        return str(error)
    if misfit:
        return misfit
    named = {name: pd.Series([text]) for name, text in zip(names, row, strict=True)}
    one = complete_lines(Lines(path.name, pd.DataFrame(named), np.array([1])), protocol, audio)
    utterance, label = str(one.table["utterance"][0]), str(one.table["label"][0])
    if protocol.ids and not re.fullmatch(protocol.ids, utterance):
        return f"{path}: its utterances are named {utterance}, not {protocol.ids}"
    if protocol.find_class(label) is None:
        return f"{path}: its label is {label!r}, not {' or '.join(protocol.labels)}"
    return ""


def _read_first(path: Path, protocol: Protocol) -> tuple[Sequence[str], Sequence[str], str]:
    """Return the columns and texts of a list's first line, or why it is none of the protocol's."""
    if protocol.fields:
        records = record_lists.iterate_records(path, [*protocol.fields.values()], protocol.none)
        record = next(records, None)
        if record is None or record.texts is None:
            shown = "is empty" if record is None else f"{record.shown} is no such record"
            return (), (), f"{path}: {shown}; its fields should be {', '.join(protocol.fields)}"
        return [*protocol.fields], record.texts, ""
    data = _take_first_lines(text_files.read_bytes(path))
    first = next(_split_lines(data, protocol, _count_header_lines(data, protocol)), None)
    if first is None:
        return (), (), f"{path}: is empty"
    row = _make_row(columns := _choose_columns(data, protocol), first.fields)
    if row is None:
        misfit = f"has {len(first.fields)} columns, not {' or '.join(protocol.columns)}"
        return (), (), f"{path}: {misfit}"
    return columns.names, row, ""


def _choose_dtype(name: str) -> Literal["str", "category"]:
    return "str" if name in _VARIED else "category"


def _is_regular(data: bytes, protocol: Protocol, columns: ProtocolColumns) -> bool:
    """Whether every line has its separators, one between two fields, and nothing stands out.

    Counted over the bytes at once: a parser does not say where lines are of another length.
    """
    separator = SEPARATORS[protocol.separator].encode()
    loose = {b" " + separator, separator + b" ", b" \n", b"\n ", b"\n\n"}
    loose |= {"space": {b"\t"}, "tab": set[bytes]()}.get(protocol.separator, {b'"'})
    edges = data[:1] in (b"", b"\n", b" ", separator) or data[-1:] in (b" ", separator)
    if columns.rest is not None or edges or any(mark in data for mark in loose):
        return False
    others = bytes(set(range(256)) - {ord(separator), ord("\n")})
    marks = data.translate(None, others) + (b"" if data.endswith(b"\n") else b"\n")
    one = separator * (len(columns.names) - 1) + b"\n"
    return marks == one * (len(marks) // len(one))


def _parse_regular(
    data: bytes, protocol: Protocol, columns: ProtocolColumns, skipped: int
) -> pd.DataFrame | None:
    """Return a regular file as a table; None for any other, and where Arrow cannot parse it."""
    if not _is_regular(data, protocol, columns):
        return None
    # Not pandas' own engines: they make numbers of categories, and 0079 is a speaker.
    names = [f"-{i}" if name == "-" else name for i, name in enumerate(columns.names)]
    types = {
        name: pa.string() if name in _VARIED else CATEGORY
        for name in names
        if not name.startswith("-")
    }
    separator = SEPARATORS[protocol.separator]
    table = parse_columns(data, separator, names, types, quotes=False, skip_lines=skipped)
    return None if table is None else table.to_pandas()


class _Line(NamedTuple):
    number: int
    text: str
    fields: list[str]


def _split_lines(data: bytes, protocol: Protocol, skipped: int) -> Iterator[_Line]:
    """Yield the lines that are not blank, split into fields."""
    for number, line in number_lines(data):
        if number > skipped:
            yield _Line(number, line.strip(), _split_fields(line, protocol))


def _split_fields(line: str, protocol: Protocol) -> list[str]:
    separator = SEPARATORS[protocol.separator]
    if protocol.separator == "tab":  # quotes are text
        return [field.strip() for field in line.split(separator)]
    return split_cells(line, separator, skip_blanks=True)


def _make_row(columns: ProtocolColumns, fields: list[str]) -> Sequence[str] | None:
    """Return the fields by column, None where the line is malformed."""
    if not columns.fits(len(fields)):
        return None
    if columns.rest is not None:
        before, behind = columns.rest, len(fields) - (len(columns.names) - 1 - columns.rest)
        fields = [*fields[:before], " ".join(fields[before:behind]), *fields[behind:]]
    named = dict(zip(columns.names, fields, strict=True))
    return fields if named.get("utterance", "-") else None


def _choose_columns(data: bytes, protocol: Protocol) -> ProtocolColumns:
    """Return the variant that most of the first lines have, the first one where none has any."""
    variants = [ProtocolColumns.from_text(text) for text in protocol.columns]
    if len(variants) == 1:
        return variants[0]
    counts = Counter(
        len(line.fields) for line in _split_lines(_take_first_lines(data), protocol, 0)
    )
    return max(
        variants, key=lambda variant: sum(n for count, n in counts.items() if variant.fits(count))
    )


def _take_first_lines(data: bytes) -> bytes:
    return b"\n".join(data.split(b"\n", _LOOKED_AT)[:_LOOKED_AT])


def _count_header_lines(data: bytes, protocol: Protocol) -> int:
    """Return 1 where the first line is the header, or begins with all its names, else 0."""
    first = data[: data.find(b"\n") + 1 or len(data)].decode().strip()
    if not protocol.header or not first:
        return 0
    header = _split_fields(protocol.header.lower(), protocol)
    return int(_split_fields(first.lower(), protocol)[: len(header)] == header)
