"""The table in LaTeX, ready for a paper: the paper's results beside ours, with booktabs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from urllib.parse import unquote

from bench._io.markdown import MarkdownText, fill_template, format_link, join_texts
from bench._io.printable import escape_invisible
from bench.config import Form
from bench.errors import BenchError
from bench.reports import row_names
from bench.reports.main_table import (
    CONTRADICTORY_MARK,
    SECOND_HAND_MARK,
    CellKey,
    format_column_heading,
    format_papers_result,
    format_progress,
    lay_out_matrices,
    lay_out_rows,
)
from bench.reports.published_systems import REFERENCE, index_of_name
from bench.reports.reading_notes import list_doubts
from bench.reports.render_html import parse_inline
from bench.reports.result_cells import (
    ResultCell,
    ResultCells,
    count_decimals,
    find_best_rows,
    has_paper,
)
from bench.reports.table_model import HeadingSpan, TableModel
from bench.smoke import smoke_prefix
from bench.specs.table import Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{character: f"\\{character}" for character in "$&%#_"},
    "–": "--",
    "—": "---",
    "“": "``",
    "”": "''",
    "’": "'",
    "…": r"\dots{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "→": r"$\rightarrow$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "†": r"\dag{}",
    "µ": r"$\mu$",
}
_GREEK = re.compile("GREEK SMALL LETTER (?!OMICRON)([A-Z]+)")
_ACCENTS = dict(zip("\u0300\u0301\u0302\u0303\u0308\u030c", "`'^~\"v", strict=True))
_RAISED = {CONTRADICTORY_MARK: "a", SECOND_HAND_MARK: "d"}
_COMMANDS = {"strong": "textbf", "em": "emph"}
_CITED = "@"
"""What the address of a link to a reference begins with."""

_NOTHING = "–"
_FITTING = 8
"""A table of more columns is scaled to the width of the text."""
_CAPTION = "Ours: mean ± standard deviation over seeds"
_LACKS, _BEST = "italic: seeds or trials are missing", "bold: our best result"


def render_latex(
    table: Table, results: ResultCells, contradictory: Mapping[CellKey, str], form: Form
) -> str:
    """Return the table as a float with booktabs.

    It has the paper's results and ours, mean ± spread over seeds, the best in bold; a tabular for
    each system where the layout is a matrix. `contradictory` has a note for each result of the
    paper that its own arithmetic contradicts. Raise BenchError for a character that pdfLaTeX cannot
    set.
    """
    tops = [find_best_rows(table, column, results) for column in range(len(table.columns))]
    pairs = {
        (cell.row, cell.column): _format_results(
            cell,
            cell.row in tops[cell.column],
            (cell.row, cell.column) in contradictory,
            count_decimals(table.columns[cell.column]),
        )
        for cell in results
    }
    draw = _list_matrices if table.layout == "matrix" else _list_rows
    tabulars = (render_tabular(model) for model in draw(table, results, pairs))
    title = f"{smoke_prefix(form)}{table.title}. {table.caption}".strip()
    lines = [
        "% Written by `bench report`; needs \\usepackage{booktabs,graphicx}.",
        r"\begin{table*}[t]",
        r"\centering\small",
        rf"\caption{{{escape_latex(f'{title} {_describe_reading(tops, results)}')}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9]+', '-', table.key)}}}",
        "\n\\par\\medskip\n".join(tabulars),
        *_format_footnotes(table, contradictory),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _describe_reading(tops: Sequence[frozenset[str]], results: ResultCells) -> str:
    """Say what results of ours are, as far as there are any."""
    if not any(cell.ours for cell in results):
        return ""
    lacking = any(cell.ours and not cell.is_complete for cell in results)
    parts = [_CAPTION, _BEST if any(tops) else "", _LACKS if lacking else ""]
    return f"{'; '.join(filter(None, parts))}."


def _format_results(
    cell: ResultCell, top: bool, contradictory: bool, digits: int
) -> tuple[str, str]:
    """Return the paper's result and ours; ours is empty for a row of another system."""
    paper = format_papers_result(cell, contradictory, digits)
    if not cell.seeds_wanted:
        return paper, ""
    if cell.scored and cell.paper is None:
        paper = ""
    if cell.ours is None:
        return paper, _NOTHING
    mean = f"{cell.ours.mean:.{digits}f}"
    if not cell.is_complete:
        mean = fill_template("*{}*", mean)
    elif top:
        mean = fill_template("**{}**", mean)
    if cell.ours.sd is not None:
        mean = fill_template("{} ± {}", mean, f"{cell.ours.sd:.{digits}f}")
    return paper, mean


def _list_names(table: Table, key: str) -> list[str]:
    """Return a row's key and text cells, the name with a citation for the paper's own number."""
    row = table.rows[key]
    names = [*row.cells]
    if row.cite:
        index = index_of_name(row)
        names[index] = format_link(REFERENCE.sub("", names[index]), f"{_CITED}{row.cite}")
    return row_names.list_name_cells(table, key, key, names)


def _list_rows(
    table: Table, results: ResultCells, pairs: Mapping[CellKey, tuple[str, str]]
) -> list[TableModel]:
    """Return one table; each heading is over two columns where the paper's stand beside ours."""
    columns = table.columns
    beside = has_paper(results)
    each = 2 if beside else 1
    texts = pairs if beside else {key: pair[1:] for key, pair in pairs.items()}
    titles = [*map(format_column_heading, columns)]
    headings = ["paper", "ours"] * len(columns) if beside else titles
    before = [HeadingSpan("")] * len(row_names.list_name_headings(table))
    spans: list[list[HeadingSpan]] = []
    if any(column.group for column in columns):
        groups = groupby(columns, lambda column: column.group)
        over = [HeadingSpan(group, each * len([*members])) for group, members in groups]
        spans.append([*before, *over, HeadingSpan("")])
    if beside:
        spans.append([*before, *(HeadingSpan(title, each) for title in titles), HeadingSpan("")])
    names, progress = partial(_list_names, table), partial(format_progress, results)
    return [replace(lay_out_rows(table, texts, headings, names, progress), spans=spans)]


def _list_matrices(
    table: Table, results: ResultCells, pairs: Mapping[CellKey, tuple[str, str]]
) -> list[TableModel]:
    """Return a table for each system: `paper / ours` in each cell."""
    beside = has_paper(results)
    texts = {
        key: (join_texts(" / ", filter(None, pair)),) if beside else pair[1:]
        for key, pair in pairs.items()
    }
    names, progress = partial(_list_names, table), partial(format_progress, results)
    return lay_out_matrices(table, texts, names, progress)


def render_tabular(table: TableModel) -> str:
    """Return a table as a tabular with booktabs."""
    width = len(table.headings)
    wide = width > _FITTING
    lines = [r"\resizebox{\textwidth}{!}{%"] if wide else []
    lines += [rf"\begin{{tabular}}{{{table.alignment}}}", r"\toprule"]
    if table.title:
        title = f"{format_inline(table.title)} ({format_inline(table.progress)})"
        lines += [rf"\multicolumn{{{width}}}{{l}}{{{title}}} \\", r"\midrule"]
    for spans in table.spans:
        lines += [_join_cells(map(_format_span, spans)), *_format_rules(spans)]
    lines += [_join_cells(map(format_inline, table.headings)), r"\midrule"]
    for number, row in enumerate(table.rows):
        if not table.is_group(row):
            lines.append(_join_cells(map(format_inline, row)))
            continue
        if number:
            lines.append(r"\midrule")
        if row[0]:
            group = rf"\emph{{{format_inline(row[0])}}}"
            lines.append(rf"\multicolumn{{{width}}}{{l}}{{{group}}} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}" + "}" * wide])


def _format_span(span: HeadingSpan) -> str:
    text = format_inline(span.text)
    return rf"\multicolumn{{{span.width}}}{{c}}{{{text}}}" if text or span.width > 1 else ""


def _format_rules(spans: Sequence[HeadingSpan]) -> list[str]:
    """Return the rules below headings that have a text."""
    rules: list[str] = []
    first = 1
    for span in spans:
        if span.text:
            rules.append(rf"\cmidrule(lr){{{first}-{first + span.width - 1}}}")
        first += span.width
    return ["".join(rules)] if rules else []


def _join_cells(cells: Iterable[str]) -> str:
    r"""Return a line of a tabular; the `\\` before it would take a `[` or `*` that begins it."""
    text = " & ".join(cells)
    return f"{'{}' * text.startswith(('[', '*'))}{text} \\\\"


def format_inline(text: str) -> str:
    r"""Return a cell as LaTeX: plain text, or inline Markdown with its emphasis and citations.

    >>> format_inline(fill_template("**{}** ± {}", "3.58", "0.1"))
    '\\textbf{3.58} $\\pm$ 0.1'
    """
    if not isinstance(text, MarkdownText):
        return escape_latex(text)
    parts: list[str] = []
    cited: list[str] = []
    for token in parse_inline(text):
        if token.type == "link_open":
            cited.append(unquote(str(token.attrs["href"])))
        elif token.type == "link_close":
            key = cited.pop()
            parts.append(rf"~\cite{{{key.removeprefix(_CITED)}}}" * key.startswith(_CITED))
        elif token.nesting:
            parts.append(rf"\{_COMMANDS[token.tag]}{{" if token.nesting > 0 else "}")
        elif token.type == "code_inline":
            parts.append(rf"\texttt{{{escape_latex(token.content)}}}")
        else:
            parts.append(escape_latex(token.content))
    return "".join(parts)


def escape_latex(text: str) -> str:
    """Return text as pdfLaTeX sets it. Raise BenchError for a character that is not known here.

    >>> escape_latex("50 % of S_1, λ = 0.1")
    '50 \\\\% of S\\\\_1, $\\\\lambda$ = 0.1'
    """
    parts: list[str] = []
    for raised, letters in groupby(escape_invisible(text), lambda one: one in _RAISED):
        if raised:
            parts.append(rf"\textsuperscript{{{''.join(_RAISED[one] for one in letters)}}}")
        else:
            parts += map(_escape_character, letters)
    return "".join(parts)


def _escape_character(one: str) -> str:
    if one in _SPECIAL:
        return _SPECIAL[one]
    if " " <= one <= "~":
        return one
    if one.isspace():
        return " "
    greek = _GREEK.fullmatch(unicodedata.name(one, ""))
    if greek:
        return rf"$\{greek[1].lower().replace('lamda', 'lambda')}$"
    base, *marks = unicodedata.normalize("NFD", one)
    if len(marks) == 1 and marks[0] in _ACCENTS and base.isascii():
        return rf"\{_ACCENTS[marks[0]]}{{{base}}}"
    raise BenchError(
        "report.latex-character",
        f"{one!r} ({unicodedata.name(one, 'no name')}): pdfLaTeX cannot set this character",
    )


def _format_footnotes(table: Table, contradictory: Mapping[CellKey, str]) -> list[str]:
    notes = [*map(escape_latex, list_doubts(table, contradictory))]
    return [r"\par\smallskip\footnotesize", r"\par ".join(notes)] if notes else []
