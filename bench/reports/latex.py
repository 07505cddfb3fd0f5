"""The table itself in LaTeX, ready for a paper: the paper's results beside ours, with booktabs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from bench._io.printable import visible
from bench.config import Form
from bench.errors import BenchError
from bench.reports import row_names
from bench.reports.cells import Cell, best, decimals, has_paper
from bench.reports.grid import smoke_word
from bench.reports.published import REFERENCE, place_of_name
from bench.reports.tables import Place, seeds, sides
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
_ARROWS = {"lower": r"$\downarrow$", "higher": r"$\uparrow$", None: ""}

_NOTHING = "--"
_FITTING = 8
"""A table of more columns is scaled to the width of the text."""
_CAPTION = r"Ours: mean $\pm$ standard deviation over seeds"
_LACKS, _BEST = "italic: seeds or trials are missing", "bold: our best result"


def latex(
    table: Table, found: tuple[Cell, ...], contradictory: Mapping[Place, str], form: Form
) -> str:
    """Return the table as a float with booktabs: the paper's figure and ours, mean ± spread over
    seeds, the best in bold; a tabular for each system where the layout is a matrix.

    `contradictory` has a note for each figure of the paper that its own arithmetic contradicts.
    Raise BenchError for a character that pdfLaTeX cannot set.
    """
    tops = [best(table, column, found) for column in range(len(table.columns))]
    texts = {
        (cell.row, cell.column): _figure(
            cell,
            cell.row in tops[cell.column],
            (cell.row, cell.column) in contradictory,
            decimals(table.columns[cell.column]),
        )
        for cell in found
    }
    draw = _matrices if table.layout == "matrix" else _rows
    title = f"{smoke_word(form)}{table.title}. {table.caption}".strip()
    lines = [
        "% Written by `bench report`; needs \\usepackage{booktabs,graphicx}.",
        r"\begin{table*}[t]",
        r"\centering\small",
        rf"\caption{{{escaped(title)} {_reading(tops, found)}}}",
        rf"\label{{tab:{re.sub('[^A-Za-z0-9]+', '-', table.key)}}}",
        *draw(table, found, texts),
        *_footnotes(table, contradictory),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _reading(tops: Sequence[frozenset[str]], found: tuple[Cell, ...]) -> str:
    """Say what figures of ours are, as far as there are any."""
    if not any(cell.ours for cell in found):
        return ""
    lacking = any(cell.ours and not cell.complete for cell in found)
    said = [_CAPTION, _BEST if any(tops) else "", _LACKS if lacking else ""]
    return f"{'; '.join(filter(None, said))}."


def _names(table: Table, key: str) -> list[str]:
    r"""Return a row's key and text cells, the system's name with a `\cite` in place of the paper's
    own number for it.
    """
    row = table.rows[key]
    place = place_of_name(row)
    cells = [escaped(cell) for cell in row.cells]
    if row.cite:
        cells[place] = rf"{escaped(REFERENCE.sub('', row.cells[place]))}~\cite{{{row.cite}}}"
    return row_names.names(table, key, escaped(key), cells)


def escaped(text: str) -> str:
    """Return text as pdfLaTeX sets it. Raise BenchError for a character that is not known here.

    >>> escaped("50 % of S_1, λ = 0.1")
    '50 \\\\% of S\\\\_1, $\\\\lambda$ = 0.1'
    """
    return "".join(_character(one) for one in visible(text))


def _character(one: str) -> str:
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
    raise BenchError(f"{one!r} ({unicodedata.name(one, 'no name')}) is not known in LaTeX here")


def _line(cells: Sequence[str]) -> str:
    r"""Return a line of a tabular; the `\\` before it would take a `[` or `*` that begins it."""
    text = " & ".join(cells)
    return f"{'{}' * text.startswith(('[', '*'))}{text} \\\\"


def _rows(
    table: Table, found: tuple[Cell, ...], texts: dict[Place, tuple[str, str]]
) -> Iterator[str]:
    n_text, n = len(row_names.headings(table)), len(table.columns)
    beside = has_paper(found)
    each = 2 if beside else 1
    ours = {cell.row for cell in found if cell.seeds_wanted}
    wide = n_text + each * n + 1 > _FITTING
    yield from (r"\resizebox{\textwidth}{!}{%",) if wide else ()
    yield rf"\begin{{tabular}}{{{'l' * n_text}{'r' * each * n}l}}"
    yield r"\toprule"
    yield from _headings(table, beside)
    first, group = next(iter(table.rows)), ""
    for name, row in table.rows.items():
        if row.group != group:
            group = row.group
            yield from () if name == first else (r"\midrule",)
            if group:
                width = n_text + each * n + 1
                yield rf"\multicolumn{{{width}}}{{l}}{{\emph{{{escaped(group)}}}}} \\"
        pairs = [texts[name, column] for column in range(n)]
        cells = _names(table, name)
        if beside:
            cells += [text for pair in pairs for text in (pair if name in ours else (pair[0], ""))]
        else:
            cells += [own for _, own in pairs]
        yield _line([*cells, escaped(seeds(found, name))])
    yield r"\bottomrule"
    yield r"\end{tabular}" + "}" * wide


def _headings(table: Table, beside: bool) -> Iterator[str]:
    """Yield the columns' headings, groups of columns over them, and the rules between; where a
    paper's results stand `beside` ours, each heading is over two columns.
    """
    names = [escaped(name) for name in row_names.headings(table)]
    n_text, each = len(names), 2 if beside else 1
    empty = [""] * n_text
    if any(column.group for column in table.columns):
        spans = [
            (name, each * len([*of])) for name, of in groupby(table.columns, lambda c: c.group)
        ]
        over = [rf"\multicolumn{{{span}}}{{c}}{{{escaped(name)}}}" for name, span in spans]
        yield _line([*empty, *over, ""])
        yield from _rules(n_text + 1, [(name, span) for name, span in spans])
    if not beside:
        single = [f"{escaped(c.heading)} {_ARROWS[c.better]}".strip() for c in table.columns]
        yield _line([*names, *single, "Seeds"])
        yield r"\midrule"
        return
    over = [
        rf"\multicolumn{{2}}{{c}}{{{f'{escaped(c.heading)} {_ARROWS[c.better]}'.strip()}}}"
        for c in table.columns
    ]
    yield _line([*empty, *over, ""])
    yield from _rules(n_text + 1, [(c.heading, 2) for c in table.columns])
    yield _line([*names, *["paper", "ours"] * len(table.columns), "Seeds"])
    yield r"\midrule"


def _rules(first: int, spans: Sequence[tuple[str, int]]) -> Iterator[str]:
    rules: list[str] = []
    for name, span in spans:
        if name:
            rules.append(rf"\cmidrule(lr){{{first}-{first + span - 1}}}")
        first += span
    yield "".join(rules)


def _matrices(
    table: Table, found: tuple[Cell, ...], texts: dict[Place, tuple[str, str]]
) -> Iterator[str]:
    """Yield a tabular for each system: `paper / ours` in each place."""
    down, across = sides(table.columns)
    beside = has_paper(found)
    place = {(column.group, column.heading): n for n, column in enumerate(table.columns)}
    arrow = _ARROWS[table.columns[0].better]
    for number, (name, row) in enumerate(table.rows.items()):
        if number:
            yield r"\par\medskip"
        title = r" $\cdot$ ".join(filter(None, [*_names(table, name), escaped(row.group)]))
        wide = len(across) + 1 > _FITTING
        yield from (r"\resizebox{\textwidth}{!}{%",) if wide else ()
        yield rf"\begin{{tabular}}{{l{'r' * len(across)}}}"
        yield r"\toprule"
        heading = f"{title} ({escaped(seeds(found, name))})"
        yield rf"\multicolumn{{{len(across) + 1}}}{{l}}{{{heading}}} \\"
        yield r"\midrule"
        yield _line(["", *(f"{escaped(heading)} {arrow}".strip() for heading in across)])
        yield r"\midrule"
        for group in down:
            cells = [_both(texts, name, place.get((group, heading)), beside) for heading in across]
            yield _line([escaped(group), *cells])
        yield r"\bottomrule"
        yield r"\end{tabular}" + "}" * wide


def _both(texts: dict[Place, tuple[str, str]], row: str, place: int | None, beside: bool) -> str:
    if place is None:
        return ""
    paper, ours = texts[row, place]
    return " / ".join(filter(None, [paper, ours])) if beside else ours


def _figure(cell: Cell, top: bool, contradictory: bool, digits: int) -> tuple[str, str]:
    """Return the paper's figure and ours; ours is empty for a row of another system."""
    paper = _NOTHING if cell.paper is None else f"{cell.paper:.{digits}f}"
    marks = "d" * (cell.paper_from == "digest") + "a" * contradictory
    paper += rf"\textsuperscript{{{marks}}}" if marks else ""
    if not cell.seeds_wanted:
        return paper, ""
    if cell.scored:
        paper = ""
    if cell.ours is None:
        return paper, _NOTHING
    mean = f"{cell.ours.mean:.{digits}f}"
    if not cell.complete:
        mean = rf"\emph{{{mean}}}"
    elif top:
        mean = rf"\textbf{{{mean}}}"
    spread = "" if cell.ours.sd is None else rf" $\pm$ {cell.ours.sd:.{digits}f}"
    return paper, mean + spread


def _footnotes(table: Table, contradictory: Mapping[Place, str]) -> Iterator[str]:
    notes = [rf"\textsuperscript{{a}} {escaped(note)}" for note in contradictory.values()]
    if any(row.digest for row in table.rows.values()):
        notes.append(r"\textsuperscript{d} From a digest of the paper, not from the paper itself.")
    if notes:
        yield r"\par\smallskip\footnotesize"
        yield r"\par ".join(notes)
