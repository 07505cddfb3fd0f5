"""Score files of text: the separator found, whole lines parsed by Arrow, what is malformed named.

Each block of a few megabytes is parsed at once. Only where Arrow refuses one are its lines gone
through, to say which are wrong and why; no line is ever left out.
"""

# pyarrow ships no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from bench.errors import BenchError, quoted
from bench.scoring.columns import LABELS, NUMBER, Roles, choose, mostly
from bench.scoring.files import LONGEST_LINE, Block, blocks
from bench.scoring.reading import Reading

_SAMPLE = 1000
"""Lines by which separator and columns are told."""

_SHOWN = 5
_SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs", " ": "blanks"}
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_LABELS = pa.dictionary(pa.int32(), pa.string())


class _Layout(NamedTuple):
    """How the lines of one file are read."""

    separator: str
    columns: int
    header: int
    """Number of the line of names, 0 where there is none."""
    roles: Roles

    def quotes(self, text: bytes) -> bool:
        """Whether cells of the text may be quoted."""
        return self.separator != " " and b'"' in text

    @property
    def line(self) -> str:
        """What a line should be, in words."""
        form = ["..."] * self.columns
        form[self.roles.utterance] = "ID"
        for i in self.roles.numbers:
            form[i] = "NUMBER"
        if self.roles.label is not None:
            form[self.roles.label] = "LABEL"
        joint = {"\t": "<tab>"}.get(self.separator, self.separator)
        return joint.join(form)


class Rows(NamedTuple):
    """What the lines hold: Arrow columns in the order of `roles.numbers`, ids, labels."""

    utterance: pa.ChunkedArray
    numbers: list[pa.ChunkedArray]
    label: pa.ChunkedArray | None
    roles: Roles
    why: str


def read(path: Path, asked: Reading) -> Rows:
    """Return the rows of a text file; BenchError for one that cannot be a score file.

    All malformed lines are counted and the first few shown, each with its number.
    """
    layout: _Layout | None = None
    tables: list[pa.Table] = []
    faults = _Faults(path)
    for block in blocks(path):
        if layout is None:
            if not any(_lines(block)):
                continue
            layout = _layout(path, block, asked)
        text = block.text
        if block.line <= layout.header:
            text = text.split(b"\n", layout.header - block.line + 1)[-1]
        table = _parse(text, layout)
        if table is None:  # irregular, or malformed
            text = _regular(text, layout.separator)
            table = _parse(text, layout)
        if table is not None:
            tables.append(table)
        elif text:
            faults.find(block, layout)
    if layout is None:
        raise BenchError(
            f"{path}: holds only blank lines and comments; a line should be `ID SCORE`"
        )
    faults.check(layout)
    if not tables:
        raise BenchError(f"{path}:{layout.header}: a header and nothing below it")
    whole = pa.concat_tables(tables)
    roles = layout.roles
    header = f"line {layout.header} taken as header" if layout.header else "no header"
    why = f"{layout.columns} columns separated by {_SEPARATORS[layout.separator]}, {header}"
    return Rows(
        whole[f"f{roles.utterance}"],
        [whole[f"f{i}"] for i in roles.numbers],
        whole[f"f{roles.label}"] if roles.label is not None else None,
        roles,
        f"{why}: {roles.why}",
    )


def _regular(text: bytes, separator: str) -> bytes:
    """Return the text without comments and blank lines, with one separator between columns."""
    text = re.sub(rb"(?m)^#.*\n", b"", text)
    text = re.sub(rb"(?m)^[ \t\f\v]*\n", b"", text)
    if separator != " ":
        return text
    text = text.translate(_TO_BLANKS)
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text.replace(b"\n ", b"\n").replace(b" \n", b"\n").removeprefix(b" ")


_TO_BLANKS = bytes.maketrans(b"\t\f\v", b"   ")


def _parse(text: bytes, layout: _Layout) -> pa.Table | None:
    """Return the columns in use; None where a line is a comment or not as it should be."""
    if b"#" in text and (text.startswith(b"#") or b"\n#" in text):
        return None
    roles = layout.roles
    types = {f"f{roles.utterance}": pa.string()}
    types |= {f"f{i}": pa.float64() for i in roles.numbers}
    types |= {f"f{roles.label}": _LABELS} if roles.label is not None else {}
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text),
            arrow_csv.ReadOptions(
                column_names=[f"f{i}" for i in range(layout.columns)], block_size=16 * LONGEST_LINE
            ),
            arrow_csv.ParseOptions(
                delimiter=layout.separator, quote_char='"' if layout.quotes(text) else False
            ),
            arrow_csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=[],
                strings_can_be_null=False,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    # A quote that does not close would swallow lines.
    if table.num_rows != text.count(b"\n") or not words_hold(
        table[f"f{roles.utterance}"], table[f"f{roles.label}"] if roles.label is not None else None
    ):
        return None
    return table


def words_hold(utterance: pa.ChunkedArray, label: pa.ChunkedArray | None) -> bool:
    """Whether no id is empty or blank, and every label of a dictionary column a known one."""
    blank = compute.match_substring_regex(utterance, r"^\s*$")
    return not compute.any(blank).as_py() and not strangers(label)


def strangers(label: pa.ChunkedArray | None) -> list[str]:
    """Return the words of a dictionary column that are no labels."""
    words = (
        {word for chunk in label.chunks for word in chunk.dictionary.to_pylist()} if label else {}
    )
    return sorted(word for word in words if word.strip().lower() not in LABELS)


class _Faults:
    """Malformed lines: how many, and what is wrong with the first few."""

    def __init__(self, path: Path):
        self.path, self.count, self.shown = path, 0, list[str]()

    def find(self, block: Block, layout: _Layout) -> None:
        """Go through the lines of a block that could not be parsed."""
        before = self.count
        for number, line in _lines(block):
            wrong = _wrong(line, layout) if number != layout.header else ""
            if wrong:
                self.count += 1
                if len(self.shown) < _SHOWN:
                    self.shown.append(f"{self.path}:{number}: {quoted(line)}: {wrong}")
        if self.count == before:
            last = block.line + block.text.count(b"\n") - 1
            raise BenchError(
                f"{self.path}: in lines {block.line} to {last} the columns cannot be told apart, "
                "perhaps for a quote that does not close or a line end within quotes"
            )

    def check(self, layout: _Layout) -> None:
        """Raise BenchError if there was any."""
        if not self.count:
            return
        more = ["..."] if self.count > len(self.shown) else []
        lines = "line is" if self.count == 1 else "lines are"
        what = f"{self.path}: {self.count:,} {lines} malformed; each should be `{layout.line}`:"
        raise BenchError("\n- ".join((what, *self.shown, *more)))


def _wrong(line: bytes, layout: _Layout) -> str:
    """Return what is wrong with a line, "" for nothing."""
    try:
        (cells,) = _split([line.decode()], layout.separator)
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(line) > LONGEST_LINE:
        return f"{len(line):,} bytes long"
    if len(cells) != layout.columns:
        return f"{len(cells)} columns, not {layout.columns}"
    if not cells[layout.roles.utterance]:
        return "the id is empty"
    for i in layout.roles.numbers:
        if not NUMBER.fullmatch(cells[i]):
            point = " (decimals need a point)" if _COMMA_NUMBER.fullmatch(cells[i]) else ""
            return f"{quoted(cells[i], 40)} is no number{point}"
    label = layout.roles.label
    if label is not None and cells[label].lower() not in LABELS:
        return f"{quoted(cells[label], 40)} is no label (bonafide, spoof)"
    return ""


def _lines(block: Block) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each line that is neither blank nor a comment."""
    for number, line in enumerate(io.BytesIO(block.text), block.line):
        if line.strip() and not line.startswith(b"#"):
            yield number, line.removesuffix(b"\n")


def _split(lines: Sequence[str], separator: str) -> list[list[str]]:
    """Return the cells of each line, trimmed; separators within quotes do not count."""
    if separator == " ":
        return [line.split() for line in lines]
    found: list[list[str]] = []
    for line in lines:
        try:
            (cells,) = csv.reader([line], delimiter=separator)
        except (csv.Error, ValueError):
            cells = [line]
        found.append([cell.strip() for cell in cells])
    return found


def _layout(path: Path, block: Block, asked: Reading) -> _Layout:
    """Tell separator, header and columns by the first lines."""
    numbered = list(islice(_lines(block), _SAMPLE))
    try:
        lines = [line.decode() for _, line in numbered]
    except UnicodeDecodeError as error:
        at = next(n for n, line in numbered if error.object == line)
        raise BenchError(f"{path}:{at}: not text in UTF-8: {quoted(error.object)}") from error
    separator, rows = _separated(path, lines)
    columns = Counter(map(len, rows)).most_common(1)[0][0]
    good = [i for i, row in enumerate(rows) if len(row) == columns]
    first, *rest = [rows[i] for i in good]
    has_header = good[0] == 0 and _is_header(first, rest)
    if has_header and not rest:
        raise BenchError(
            f"{path}:{numbered[0][0]}: a header and nothing below it: {quoted(lines[0])}"
        )
    try:
        roles = choose(*((first, rest) if has_header else (None, [first, *rest])), asked)
    except BenchError as error:
        raise BenchError(f"{path}: {error}") from None
    return _Layout(separator, columns, numbered[0][0] if has_header else 0, roles)


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the first line names columns: where others have a number it has a word, and no cell
    of it looks like the others' id."""
    if not rest:
        return not any(NUMBER.fullmatch(cell) for cell in first)
    columns = list(zip(*rest, strict=True))
    if not any(
        mostly(NUMBER, column) and not NUMBER.fullmatch(cell)
        for cell, column in zip(first, columns, strict=True)
    ):
        return False
    return not any(
        _shape(cell) in map(_shape, column[:100]) and re.search(r"\d", cell)
        for cell, column in zip(first, columns, strict=True)
        if not mostly(NUMBER, column)
    )


def _shape(cell: str) -> str:
    return re.sub(r"\d+", "0", cell)


def _separated(path: Path, lines: Sequence[str]) -> tuple[str, list[list[str]]]:
    """Return the separator by which most lines fall into equally many columns, one of them of
    numbers, and the cells."""
    best, found = 0.0, None
    for separator in _SEPARATORS:
        rows = _split(lines, separator)
        columns, count = Counter(map(len, rows)).most_common(1)[0]
        cells = list(zip(*(row for row in rows if len(row) == columns), strict=True))
        if columns > 1 and any(mostly(_COMMA_NUMBER, column) for column in cells):
            raise BenchError(
                f"{path}: has numbers with a decimal comma, e.g. {quoted(lines[-1])}; write a point"
            )
        numbers = any(mostly(NUMBER, column[1:] or column) for column in cells)
        share = count / len(lines) * (1 if numbers else 0.5)
        if columns > 1 and share > best:
            best, found = share, (separator, rows)
    if found:
        return found
    what = (
        "numbers without ids" if mostly(NUMBER, [line.strip() for line in lines]) else "no columns"
    )
    raise BenchError(f"{path}: holds {what}, e.g. {quoted(lines[0])}; a line should be `ID SCORE`")
