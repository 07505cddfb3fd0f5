r"""Markdown from words: what comes from outside is escaped, what is written here is not.

A text is escaped where it comes into a block (`format_table`, `format_list`, `fill_template`, ...),
unless it is `MarkdownText`, which only the functions here make, from what this code itself says
(`LiteralString`). Only what CommonMark or GitHub would take for markup gets a backslash, so that
names stay readable as plain text: `a_b` and `[1.0, 2.0]` stay, `*a*` and `[a](b)` do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import LiteralString
from urllib.parse import quote

from rich.cells import cell_len

from bench._io.printable import escape_invisible

_NUMBER = re.compile(r"[+-]?\d[\d,.]*( %)?( (to|of) [+-]?\d[\d,.]*( %)?)?")
_INTERVAL = r"\[[-+., %\d]*\d[-+., %\d]*\](?![(\[:])"
_ACTIVE = re.compile(
    rf"{_INTERVAL}"  # stays
    r"|[\[\]*`]"
    r"|\\(?=[!-/:-@\[-`{-~]|$)"  # before punctuation
    r"|(?<![^\W_])_|_(?![^\W_])"  # not within a word
    r"|<(?=[A-Za-z/!?]|$)"
    r"|&(?=#?\w+;)"
    r"|(?<=\S)~"
)
_BLOCK = re.compile(r"(\d{1,9})?([.)]|#{1,6}|[-+]|-{2,}|=+)(?=\s|$)|>|~~~")
"""What begins a heading, a list, a quotation, a fence or a rule at the start of a line."""
_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_ADDRESS = re.compile(r"https?://[^\s\\]+", re.IGNORECASE)


class MarkdownText(str):
    """Text that is Markdown already."""

    __slots__ = ()


def escape_text(text: str) -> MarkdownText:
    r"""Return text as Markdown that shows it as it stands, in one line.

    >>> print(escape_text("*a* [t](javascript:b) c_d <br> [1.0, 2.0]"))
    \*a\* \[t\](javascript:b) c_d \<br> [1.0, 2.0]
    """
    if isinstance(text, MarkdownText):
        return text
    line = _join_lines(text)
    shown = _ACTIVE.sub(lambda match: match[0] if len(match[0]) > 1 else f"\\{match[0]}", line)
    begins = _BLOCK.match(line)
    if begins:
        at = len(begins[1] or "")
        shown = f"{shown[:at]}\\{shown[at:]}"
    return MarkdownText(shown)


def _join_lines(text: str) -> str:
    """Return text in one line."""
    return " ".join(escape_invisible(re.sub("[\r\u2028\u2029]", " ", text)).split())


def format_prose(text: str) -> MarkdownText:
    r"""Return a sentence of a card, in which `` `words` `` are code and nothing else is markup.

    >>> print(format_prose("`--seeds 3` draws *others*"))
    `--seeds 3` draws \*others\*
    """
    parts = enumerate(_CODE.split(text))
    shown = (format_code(part) if n % 2 else _escape_part(part) for n, part in parts)
    return MarkdownText("".join(shown).strip())


def _escape_part(text: str) -> str:
    """Return a part of a sentence escaped, with a space at either end where it has one."""
    before, after = (" " * (text[at : at + 1].isspace()) for at in (0, len(text) - 1))
    return f"{before}{escape_text(text)}{after}" if text.strip() else before


def fill_template(template: LiteralString, *words: str) -> MarkdownText:
    """Return the template with the words escaped in place of its `{}`.

    >>> print(fill_template("**{}**: {}", "a*b", format_code("c")))
    **a\\*b**: `c`
    """
    return MarkdownText(template.format(*map(escape_text, words)))


def join_texts(between: LiteralString, parts: Iterable[str]) -> MarkdownText:
    """Return the parts, each escaped, with `between` in between."""
    return MarkdownText(between.join(map(escape_text, parts)))


def format_code(text: str) -> MarkdownText:
    """Return text as code; more backticks around it than there are in it."""
    line = _join_lines(text)
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    space = " " * (line.startswith("`") or line.endswith("`"))
    around = "`" * (longest + 1)
    return MarkdownText(f"{around}{space}{line}{space}{around}" if line else "")


def is_address(text: str) -> bool:
    """Whether text is an address that may be followed: of the web, and nothing else."""
    return _ADDRESS.fullmatch(text) is not None


def format_link(text: str, address: str) -> MarkdownText:
    """Return a link to an address of the web, or of a file beside the document (`report.md`).

    >>> print(format_link("[1]", "https://example.org/a(b)"))
    [[1]](https://example.org/a%28b%29)
    """
    return MarkdownText(f"[{escape_text(text)}]({_quote_destination(address)})")


def format_image(text: str, file: str) -> MarkdownText:
    """Return a picture that lies in a file beside the document."""
    return MarkdownText(f"![{escape_text(text)}]({_quote_destination(file)})")


def _quote_destination(address: str) -> str:
    """Return where a link leads to; a word that is no address is the name of a file beside it."""
    if is_address(address):
        return quote(escape_invisible(address), safe="!#$%&'*+,/:;=?@~")
    return quote(address, safe="@+", errors="surrogateescape")


def format_list(items: Iterable[str]) -> str:
    """Return a list."""
    return "\n".join(f"- {escape_text(item)}" for item in items)


def format_heading(level: int, text: str) -> str:
    """Return a heading; number signs at its end are of the text."""
    shown = re.sub(r"(?<=\s)(#+)$", r"\\\1", escape_text(text))
    return f"{'#' * level} {shown}"


def format_fenced(language: LiteralString, text: str) -> str:
    """Return lines of code as they stand."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{escape_invisible(text)}\n{fence}"


def format_cell(text: str) -> str:
    """Return a cell of a table."""
    return " ".join(escape_text(text).replace("|", "\\|").split())


def format_table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], *, padded: bool = True
) -> list[str]:
    """Return the lines of a table.

    Columns line up on a terminal, where a Chinese character is two columns wide, and those that
    hold a number or a range are set to the right; where not `padded`, for long cells, neither is.

    >>> print(*format_table(["what", "count"], [["bonafide", "12"], ["a|b", "3"]]), sep="\\n")
    | what     | count |
    | -------- | ----: |
    | bonafide |    12 |
    | a\\|b     |     3 |
    """
    cells = [[format_cell(text) for text in row] for row in (headings, *rows)]
    if not padded:
        return [_join_cells(line) for line in (cells[0], ["---"] * len(headings), *cells[1:])]
    columns: list[list[str]] = []
    for first, *others in zip(*cells, strict=True):
        width = max(3, *map(cell_len, (first, *others)))
        right = any(map(_NUMBER.fullmatch, others))
        rule = "-" * (width - 1) + ":" if right else "-" * width
        columns.append([_pad_cell(text, width, right) for text in (first, rule, *others)])
    return [_join_cells(line) for line in zip(*columns, strict=True)]


def _join_cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _pad_cell(text: str, width: int, right: bool) -> str:
    space = " " * (width - cell_len(text))
    return space + text if right else text + space
