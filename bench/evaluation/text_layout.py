"""How the lines of a score file of text are made: separator, header and columns, by the first."""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bench._io.delimited_text import BLANKS, split_cells
from bench._io.text_files import LineBlock
from bench.errors import BenchError, name_source, quote_text
from bench.evaluation import brackets
from bench.evaluation.brackets import Brackets
from bench.evaluation.columns import Roles, choose_columns
from bench.evaluation.read_options import HINT, ReadOptions
from bench.evaluation.sample import NUMBER, mostly_match

COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
SEPARATORS = {";": "semicolons", ",": "commas", "\t": "tabs", " ": "blanks"}
_SAMPLE = 1000
"""Lines by which separator and columns are told."""

_AUTHORS = re.compile(r"\.score(\.(gz|bz2|xz))?$")
"""How the score files of LlamaPartialSpoof's authors' tools are called."""


class TextLayout(NamedTuple):
    """How the lines of one file are read."""

    separator: str
    columns: int
    header: int
    """Number of the line of names, 0 where there is none."""
    roles: Roles
    brackets: Brackets | None

    def has_quotes(self, text: bytes) -> bool:
        """Whether cells of the text may be quoted."""
        return self.separator != " " and b'"' in text

    def spread_brackets(self, text: bytes) -> bytes:
        """Return the text with numbers in brackets as columns of their own."""
        return brackets.spread_brackets(text, self.separator) if self.brackets else text

    @property
    def line_form(self) -> str:
        """What a line should be, in words."""
        form = ["..."] * self.columns
        form[self.roles.utterance] = "ID"
        for i in self.roles.numbers:
            form[i] = "NUMBER"
        if self.roles.label is not None:
            form[self.roles.label] = "LABEL"
        joint = {"\t": "<tab>"}.get(self.separator, self.separator)
        return joint.join(form)

    @property
    def why(self) -> str:
        """What was taken for what, in words."""
        header = f"line {self.header} taken as header" if self.header else "no header"
        apart = ", numbers in brackets as columns of their own" if self.brackets else ""
        return (
            f"{self.columns} columns separated by {SEPARATORS[self.separator]}{apart}, {header}: "
            f"{self.roles.why}"
        )


def list_data_lines(block: LineBlock) -> Iterator[tuple[int, bytes]]:
    """Yield number and text of each line that is neither blank nor a comment."""
    for number, line in enumerate(io.BytesIO(block.text), block.line):
        if line.strip() and not line.startswith(b"#"):
            yield number, line.removesuffix(b"\n")


def detect_layout(
    path: Path, block: LineBlock, asked: ReadOptions, later: Mapping[int, Sequence[str]]
) -> TextLayout:
    """Tell separator, header and columns by the first lines; `later` is for `choose_columns`."""
    numbered = list(islice(list_data_lines(block), _SAMPLE))
    try:
        lines = [line.decode() for _, line in numbered]
    except UnicodeDecodeError as error:
        at = next(n for n, line in numbered if error.object == line)
        raise BenchError(
            "file.encoding", f"{path}:{at}: not text in UTF-8: {quote_text(error.object)}"
        ) from error
    separator, rows, within = _split_by_best(path, lines)
    columns = Counter(map(len, rows)).most_common(1)[0][0]
    if within and rows and len(rows[0]) == columns - within.width + 1:
        rows[0] = brackets.name_columns(rows[0], within)
    good = [i for i, row in enumerate(rows) if len(row) == columns]
    first, *rest = [rows[i] for i in good]
    has_header = good[0] == 0 and _is_header(first, rest)
    if has_header and not rest:
        raise BenchError(
            "table-file.empty",
            f"{path}:{numbered[0][0]}: a header and nothing below it: {quote_text(lines[0])}",
        )
    names, cells = (first, rest) if has_header else (None, [first, *rest])
    authors = _AUTHORS.search(path.name) is not None and columns <= 4
    with name_source(path):
        roles = choose_columns(names, cells, asked, later, authors)
    return TextLayout(separator, columns, numbered[0][0] if has_header else 0, roles, within)


def _is_header(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Return whether the first line names columns.

    It does if it has a word where the others have a number, and no cell that looks like an id.
    """
    if not rest:
        return not any(NUMBER.fullmatch(cell) for cell in first)
    columns = list(zip(*rest, strict=True))
    if not any(
        mostly_match(NUMBER, column) and not NUMBER.fullmatch(cell)
        for cell, column in zip(first, columns, strict=True)
    ):
        return False
    return not any(
        _mask_digits(cell) in map(_mask_digits, column[:100]) and re.search(r"\d", cell)
        for cell, column in zip(first, columns, strict=True)
        if not mostly_match(NUMBER, column)
    )


def _mask_digits(cell: str) -> str:
    return re.sub(r"\d+", "0", cell)


def _split_by_best(
    path: Path, lines: Sequence[str]
) -> tuple[str, list[list[str]], Brackets | None]:
    """Return the separator, the cells, and the brackets in them.

    The separator is the one by which most lines have the same number of columns, at least one of
    them with numbers.
    """
    best, chosen = 0.0, None
    for separator in SEPARATORS:
        within = brackets.find_brackets(lines, separator)
        spread = brackets.spread_brackets("\n".join(lines).encode(), separator) if within else b""
        texts = spread.decode().split("\n") if within else lines
        rows = [split_cells(line, separator) for line in texts]
        columns, count = Counter(map(len, rows)).most_common(1)[0]
        cells = list(zip(*(row for row in rows if len(row) == columns), strict=True))
        if columns > 1 and any(mostly_match(COMMA_NUMBER, column) for column in cells):
            raise BenchError(
                "table-file.decimal-comma",
                f"{path}: has numbers with a decimal comma, e.g. {quote_text(lines[-1])}; "
                "write a point",
            )
        numbers = any(mostly_match(NUMBER, column[1:] or column) for column in cells)
        share = count / len(lines) * (1 if numbers else 0.5)
        if columns > 1 and share > best:
            best, chosen = share, (separator, rows, within)
    if chosen:
        return chosen
    alone = mostly_match(NUMBER, [line.strip() for line in lines])
    what = "numbers without ids" if alone else "no columns"
    raise BenchError(
        "table-file.no-ids",
        f"{path}: holds {what}, e.g. {quote_text(lines[0])}{name_invisible(lines[0])}; a line "
        f"should be `ID SCORE`; {HINT}",
    )


def name_invisible(text: str) -> str:
    """Say which character of a line only looks like a blank or cannot be seen; "" where none is.

    >>> name_invisible("u1\\u00a00.5")
    '; it has an invisible character, U+00A0 (NO-BREAK SPACE)'
    """
    odd = next((c for c in text if c not in BLANKS and _is_invisible(c)), None)
    if odd is None:
        return ""
    return f"; it has an invisible character, U+{ord(odd):04X} ({unicodedata.name(odd, 'no name')})"


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cf", "Cc")
