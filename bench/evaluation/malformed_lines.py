"""Malformed lines of a score file of text: how many there are, and what is wrong with a few."""

from __future__ import annotations

from pathlib import Path

from bench._io.delimited_text import name_line, split_cells
from bench._io.printable import format_count
from bench._io.text_files import LONGEST_LINE, LineBlock
from bench.errors import BenchError, quote_text
from bench.evaluation.sample import LABELS, NUMBER
from bench.evaluation.text_layout import COMMA_NUMBER, TextLayout, list_data_lines, name_invisible

_SHOWN = 5


class MalformedLines:
    """Counts malformed lines and keeps the first few."""

    def __init__(self, path: Path):
        self.path, self.count, self.shown = path, 0, list[str]()

    def find_faults(self, block: LineBlock, layout: TextLayout) -> None:
        """Go through the lines of a block that could not be parsed."""
        before = self.count
        for number, line in list_data_lines(block):
            wrong = _explain_fault(line, layout) if number != layout.header else ""
            if wrong:
                self.count += 1
                if len(self.shown) < _SHOWN:
                    self.shown.append(f"{name_line(self.path, number, line)}: {wrong}")
        if self.count == before:
            last = block.line + block.text.count(b"\n") - 1
            raise BenchError(
                "table-file.open-quote",
                f"{self.path}: in lines {block.line} to {last} the columns are not clear, "
                "perhaps because a quote does not close or a line ends within quotes",
            )

    def raise_faults(self, layout: TextLayout) -> None:
        """Raise BenchError if there was any."""
        if not self.count:
            return
        more = ["..."] if self.count > len(self.shown) else []
        lines = "line is" if self.count == 1 else "lines are"
        what = (
            f"{self.path}: {self.count:,} {lines} malformed; each should be `{layout.line_form}`:"
        )
        raise BenchError("table-file.malformed-line", "\n- ".join((what, *self.shown, *more)))


def _explain_fault(line: bytes, layout: TextLayout) -> str:
    """Return what is wrong with a line, "" for nothing."""
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "not UTF-8"
    if len(line) > LONGEST_LINE:
        return f"{len(line):,} bytes long"
    cells = split_cells(layout.spread_brackets(line).decode(), layout.separator)
    if len(cells) != layout.columns:
        return f"{format_count(len(cells), 'column')}, not {layout.columns}{name_invisible(text)}"
    if not cells[layout.roles.utterance].strip():
        return f"the id is empty{name_invisible(text)}"
    for i in layout.roles.numbers:
        if not NUMBER.fullmatch(cells[i]):
            point = " (decimals need a point)" if COMMA_NUMBER.fullmatch(cells[i]) else ""
            return f"{quote_text(cells[i], 40)} is no number{point}{name_invisible(cells[i])}"
    label = layout.roles.label
    if label is not None and layout.roles.strict and cells[label].strip().lower() not in LABELS:
        return f"{quote_text(cells[label], 40)} is no label (bonafide, spoof)"
    return ""
