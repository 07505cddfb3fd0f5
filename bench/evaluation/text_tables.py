"""Score files of text: the separator found, whole lines parsed by Arrow, what is malformed named.

Each block of a few megabytes is parsed at once. Only where Arrow refuses one are its lines gone
through, to say which are wrong and why; no line is ever left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute

from bench._io.delimited_text import CATEGORY, parse_columns
from bench._io.text_files import read_blocks
from bench.errors import BenchError
from bench.evaluation.columns import Roles, find_unlike_labels
from bench.evaluation.malformed_lines import MalformedLines
from bench.evaluation.read_options import ReadOptions
from bench.evaluation.sample import LABELS
from bench.evaluation.text_layout import TextLayout, detect_layout, list_data_lines

_TO_BLANKS = bytes.maketrans(b"\t\f\v", b"   ")


class ScoreRows(NamedTuple):
    """What a file holds, as Arrow columns."""

    utterance: pa.ChunkedArray
    numbers: list[pa.ChunkedArray]
    """In the order of `roles.numbers`."""
    words: Mapping[int, pa.ChunkedArray]
    """Dictionary columns, by the numbers `roles.words`."""
    roles: Roles
    why: str


def settle_columns(read: Callable[[Mapping[int, Sequence[str]]], ScoreRows]) -> ScoreRows:
    """Return the rows of a file whose columns are what the whole of it says, not its first rows.

    `read` takes what `choose_columns` takes as `later`. It is called again where labels turn out to
    be none further down: an attack column may begin with thousands of `bonafide`.
    """
    later: dict[int, Sequence[str]] = {}
    while True:
        rows = read(later)
        label = rows.roles.label
        if label is None:
            return rows
        odd = find_unlike_labels(rows.roles, list_words(rows.words[label]))
        if not odd:
            return rows
        later |= odd


def read_text_table(path: Path, asked: ReadOptions) -> ScoreRows:
    """Return the rows of a text file; BenchError for one that cannot be a score file.

    All malformed lines are counted and the first few shown, each with its number.
    """
    return settle_columns(lambda later: _read_once(path, asked, later))


def _read_once(path: Path, asked: ReadOptions, later: Mapping[int, Sequence[str]]) -> ScoreRows:
    layout: TextLayout | None = None
    tables: list[pa.Table] = []
    faults = MalformedLines(path)
    for block in read_blocks(path):
        if layout is None:
            if not any(list_data_lines(block)):
                continue
            layout = detect_layout(path, block, asked, later)
        text = block.text
        if block.line <= layout.header:
            text = text.split(b"\n", layout.header - block.line + 1)[-1]
        text = layout.spread_brackets(text)
        table = _parse_block(text, layout)
        if table is None:  # irregular, or malformed
            text = _make_regular(text, layout.separator)
            table = _parse_block(text, layout)
        if table is not None:
            tables.append(table)
        elif text:
            faults.find_faults(block, layout)
    if layout is None:
        raise BenchError(
            "table-file.empty",
            f"{path}: holds only blank lines and comments; a line should be `ID SCORE`",
        )
    faults.raise_faults(layout)
    if not tables:
        raise BenchError(
            "table-file.empty", f"{path}:{layout.header}: a header and nothing below it"
        )
    whole = pa.concat_tables(tables)
    roles = layout.roles
    return ScoreRows(
        whole[f"f{roles.utterance}"],
        [whole[f"f{i}"] for i in roles.numbers],
        {i: whole[f"f{i}"] for i in roles.words},
        roles,
        layout.why,
    )


def _make_regular(text: bytes, separator: str) -> bytes:
    """Return the text without comments and blank lines, with one separator between columns."""
    text = re.sub(rb"(?m)^#.*\n", b"", text)
    text = re.sub(rb"(?m)^[ \t\f\v]*\n", b"", text)
    if separator != " ":
        return text
    text = text.translate(_TO_BLANKS)
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.replace(b"\n ", b"\n").replace(b" \n", b"\n").removeprefix(b" ")


def _parse_block(text: bytes, layout: TextLayout) -> pa.Table | None:
    """Return the columns in use; None where a line is a comment or not as it should be."""
    if b"#" in text and (text.startswith(b"#") or b"\n#" in text):
        return None
    roles = layout.roles
    types = {f"f{roles.utterance}": pa.string()}
    types |= {f"f{i}": pa.float64() for i in roles.numbers}
    types |= {f"f{i}": CATEGORY for i in roles.words}
    names = [f"f{i}" for i in range(layout.columns)]
    table = parse_columns(text, layout.separator, names, types, quotes=layout.has_quotes(text))
    if table is None:
        return None
    label = table[f"f{roles.label}"] if roles.strict else None
    # A quote that does not close would swallow lines.
    if table.num_rows != text.count(b"\n") or not are_words_valid(
        table[f"f{roles.utterance}"], label
    ):
        return None
    return table


def are_words_valid(utterance: pa.ChunkedArray, label: pa.ChunkedArray | None) -> bool:
    """Whether no id is empty or blank, and every label of a dictionary column a known one."""
    blank = compute.match_substring_regex(utterance, r"^\s*$")
    return not compute.any(blank).as_py() and not list_unknown_labels(label)


def list_words(column: pa.ChunkedArray) -> list[str]:
    """Return the different words of a dictionary column."""
    return sorted({word for chunk in column.chunks for word in chunk.dictionary.to_pylist()})


def list_unknown_labels(label: pa.ChunkedArray | None) -> list[str]:
    """Return the words of a dictionary column that are no labels."""
    words = list_words(label) if label is not None else []
    return [word for word in words if word.strip().lower() not in LABELS]
