"""Delimited text with named columns, as `[protocol]` of a card describes it, into `Lines`.

A regular file (every line has its columns, one separator between them) is parsed whole by Arrow.
Any other is read line by line, which takes a few times longer and finds what is wrong.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from bench.data import lines
from bench.data.lines import Lines
from bench.errors import BenchError, quoted
from bench.issues import Issues
from bench.specs.corpus import Protocol

_SEPARATORS = {"space": b" ", "tab": b"\t", "comma": b",", "semicolon": b";"}
_LOOKED_AT = 100
"""Lines by which the number of columns is told."""
_BLOCK = 1 << 23
_VARIED = frozenset({"utterance", "spans", "duration_s"})
"""Columns in which most lines differ; the others are kept as categories."""


class Layout(NamedTuple):
    """The columns of one variant of a protocol."""

    names: tuple[str, ...]
    """`-` where a column is passed over."""
    rest: bool
    """Whether the last column takes all that follows."""

    @classmethod
    def parsed(cls, text: str) -> Layout:
        """Read a text of `Protocol.columns`."""
        names = tuple(text.split())
        rest = names[-1:] == ("...",)
        return cls(names[: len(names) - rest], rest)

    def fits(self, count: int) -> bool:
        """Whether a line may have so many fields."""
        return count >= len(self.names) if self.rest else count == len(self.names)


def read(path: Path, protocol: Protocol, suffix: str, issues: Issues) -> Lines:
    """Return the lines of a protocol; text as it is in the file, categories where words recur.

    Only ids lose the audio's `suffix` where they end in it.

    Noted and left out are lines with another number of fields, without an utterance, or with one
    that was listed before. Blank lines are passed over. What is no text is a BenchError.
    """
    data = lines.content(path)
    layout = _layout(data, protocol)
    skipped = _header_lines(data, protocol)
    malformed: list[str] = []
    table = _parse(data, protocol, layout, skipped) if _regular(data, protocol, layout) else None
    if table is not None and (table["utterance"] != "").all():
        found = Lines(path, table, np.arange(1 + skipped, 1 + skipped + len(table)))
    else:
        found = _line_by_line(path, data, protocol, layout, skipped, malformed)
    utterances = found.table["utterance"]
    if utterances.str.endswith(suffix).any():
        found.table["utterance"] = utterances.str.removesuffix(suffix)
    words = "|".join(protocol.labels)
    forms = [re.sub(r"\blabel\b", words, text) for text in protocol.columns]
    return lines.checked(found, " or ".join(forms), malformed, issues)


def _line_by_line(
    path: Path,
    data: bytes,
    protocol: Protocol,
    layout: Layout,
    skipped: int,
    malformed: list[str],
) -> Lines:
    """Return the well-formed lines; add the others to `malformed`."""
    kept: list[int] = []
    rows: list[Sequence[str]] = []
    for number, text, fields in _split(data, protocol, skipped):
        row = _row(layout, fields)
        if row is None:
            malformed.append(f"{path.name}:{number}: {quoted(text)}")
        else:
            kept.append(number)
            rows.append(row)
    columns = list(zip(*rows, strict=True)) or [()] * len(layout.names)
    series = {
        name: pd.Series(column, dtype="str").astype(_dtype(name))
        for name, column in zip(layout.names, columns, strict=True)
        if name != "-"
    }
    return Lines(path, pd.DataFrame(series), np.array(kept, dtype=np.int64))


def misfit(path: Path, protocol: Protocol, suffix: str) -> str:
    """Return why the first line of a file is not one of this protocol, "" where it may be.

    `suffix` is the audio's, which ids may end in. A file that is no text or empty is a misfit.
    """
    try:
        data = _beginning(lines.content(path))
    except BenchError as error:
        return str(error)
    first = next(_split(data, protocol, _header_lines(data, protocol)), None)
    if first is None:
        return f"{path}: is empty"
    row = _row(layout := _layout(data, protocol), first.fields)
    if row is None:
        return f"{path}: has {len(first.fields)} columns, not {' or '.join(protocol.columns)}"
    fields = dict(zip(layout.names, row, strict=True))
    utterance, label = fields["utterance"].removesuffix(suffix), fields["label"]
    if protocol.ids and not re.fullmatch(protocol.ids, utterance):
        return f"{path}: its utterances are named {utterance}, not {protocol.ids}"
    if label not in protocol.labels:
        return f"{path}: its label is {label!r}, not {' or '.join(protocol.labels)}"
    return ""


def _dtype(name: str) -> Literal["str", "category"]:
    return "str" if name in _VARIED else "category"


def _regular(data: bytes, protocol: Protocol, layout: Layout) -> bool:
    """Whether every line has its separators, one between two fields, and nothing stands out.

    Counted over the bytes at once: a parser does not say where lines are of another length.
    """
    separator = _SEPARATORS[protocol.separator]
    loose = {b" " + separator, separator + b" ", b" \n", b"\n ", b"\n\n"}
    quotes = {b'"'}
    loose |= {"space": {b"\t"}, "tab": set[bytes](), "comma": quotes, "semicolon": quotes}[
        protocol.separator
    ]
    edges = data[:1] in (b"", b"\n", b" ", separator) or data[-1:] in (b" ", separator)
    if layout.rest or edges or any(mark in data for mark in loose):
        return False
    others = bytes(set(range(256)) - {ord(separator), ord("\n")})
    marks = data.translate(None, others) + (b"" if data.endswith(b"\n") else b"\n")
    one = separator * (len(layout.names) - 1) + b"\n"
    return marks == one * (len(marks) // len(one))


def _parse(data: bytes, protocol: Protocol, layout: Layout, skipped: int) -> pd.DataFrame | None:
    """Return a regular file as a table; None where Arrow cannot (a line longer than a block)."""
    # Not pandas' own engines: they make numbers of categories, and 0079 is a speaker.
    names = [f"-{i}" if name == "-" else name for i, name in enumerate(layout.names)]
    kept = [name for name in names if not name.startswith("-")]
    kinds = {"str": pa.string(), "category": pa.dictionary(pa.int32(), pa.string())}
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(data),
            arrow_csv.ReadOptions(
                use_threads=False,
                block_size=_BLOCK,
                skip_rows=skipped,
                column_names=names,
            ),
            arrow_csv.ParseOptions(
                delimiter=_SEPARATORS[protocol.separator].decode(), quote_char=False
            ),
            arrow_csv.ConvertOptions(
                check_utf8=False,
                include_columns=kept,
                column_types={name: kinds[_dtype(name)] for name in kept},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid:
        return None
    return table.to_pandas()


class _Line(NamedTuple):
    number: int
    text: str
    fields: list[str]


def _split(data: bytes, protocol: Protocol, skipped: int) -> Iterator[_Line]:
    """Yield the lines that are not blank, split into fields."""
    for number, line in enumerate(data.decode().split("\n"), 1):
        text = line.strip()
        if number > skipped and text:
            yield _Line(number, text, _fields(line, protocol))


def _fields(line: str, protocol: Protocol) -> list[str]:
    match protocol.separator:
        case "space":
            return re.split("[ \t]+", line.strip(" \t"))
        case "tab":
            return [field.strip() for field in line.split("\t")]
        case "comma" | "semicolon":
            mark = _SEPARATORS[protocol.separator].decode()
            try:
                (fields,) = csv.reader([line], delimiter=mark, skipinitialspace=True)
                return [field.strip() for field in fields]
            except csv.Error:  # a field of more than 131,072 characters
                return []


def _row(layout: Layout, fields: list[str]) -> Sequence[str] | None:
    """Return the fields by column, None where the line is malformed."""
    if not layout.fits(len(fields)):
        return None
    if layout.rest:
        last = len(layout.names) - 1
        fields = [*fields[:last], " ".join(fields[last:])]
    return fields if fields[layout.names.index("utterance")] else None


def _layout(data: bytes, protocol: Protocol) -> Layout:
    """Return the variant that most of the first lines have, the first one where none has any."""
    layouts = [Layout.parsed(text) for text in protocol.columns]
    if len(layouts) == 1:
        return layouts[0]
    counts = Counter(len(line.fields) for line in _split(_beginning(data), protocol, 0))
    return max(layouts, key=lambda layout: sum(n for c, n in counts.items() if layout.fits(c)))


def _beginning(data: bytes) -> bytes:
    return b"\n".join(data.split(b"\n", _LOOKED_AT)[:_LOOKED_AT])


def _header_lines(data: bytes, protocol: Protocol) -> int:
    """Return 1 where the file begins with the header, else 0."""
    first = data[: data.find(b"\n") + 1 or len(data)].decode().strip()
    if not protocol.header or not first:
        return 0
    return int(_fields(first.lower(), protocol) == _fields(protocol.header.lower(), protocol))
