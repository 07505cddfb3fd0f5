"""The first rows of a score file, column by column: they tell what each column is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from bench.errors import BenchError, near_name
from bench.evaluation import column_names
from bench.metrics.tally import Floats
from bench.units import BONAFIDE, LABEL_WORDS

LABELS = {word: label == BONAFIDE for word, label in LABEL_WORDS.items()}
"""Words of a label column, in any case: is it bona fide?"""

FEWEST = 10
"""Rows from which on two values are no chance."""

NUMBER = re.compile(
    r"[-+]?((\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|inf|infinity)", re.IGNORECASE | re.ASCII
)
TRUE_FALSE = {"true": 1.0, "false": 0.0}
"""Words of a column of truth values, in small letters."""
_WHOLE = re.compile(r"[-+]?\d+(\.0*)?", re.ASCII)


def mostly_match(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether more than half of the cells match."""
    return 2 * sum(pattern.fullmatch(cell) is not None for cell in cells) > len(cells)


def two_whole(cells: Sequence[str]) -> bool:
    """Return whether cells hold at most two different whole numbers, or true and false.

    These are labels of 0 and 1, decisions or a constant.
    """
    values = set(cells)
    if len(values) > 4:
        return False
    if {cell.lower() for cell in values} <= TRUE_FALSE.keys():
        return True
    return all(map(_WHOLE.fullmatch, values)) and len(set(map(float, values))) <= 2


class Sample:
    """A header's names, if there is one, and the cells of each column."""

    def __init__(
        self,
        names: Sequence[str] | None,
        rows: Sequence[Sequence[str]],
        later: Mapping[int, Sequence[str]],
    ):
        self.names = names
        plain = [re.sub(r"\[\d+\]$", "", name) for name in names or ()]
        self.kinds = [column_names.column_kind(name) for name in plain]
        self.sides = [column_names.column_side(name) for name in plain]
        self.cells = [[cell.strip() for cell in column] for column in zip(*rows, strict=True)]
        for i, cells in later.items():
            self.cells[i] += cells
        self.count = len(self.cells)

    def columns_of_kind(self, *kinds: column_names.Kind) -> list[int]:
        """Return the columns whose names say one of these."""
        return [i for i, kind in enumerate(self.kinds) if kind in kinds]

    def columns_named(self, wanted: Sequence[str]) -> list[int]:
        """Return the columns of these names, in their order."""
        plain = [column_names.normalize_name(name) for name in self.names or ()]
        return [i for name in wanted for i, name_here in enumerate(plain) if name_here == name]

    def count_distinct(self, i: int) -> int:
        """Return how many different cells a column has."""
        return len(set(self.cells[i]))

    def is_numeric(self, i: int) -> bool:
        """Whether most cells are numbers."""
        return mostly_match(NUMBER, self.cells[i])

    def are_labels(self, i: int) -> bool:
        """Whether all cells are words of labels."""
        return all(cell.lower() in LABELS for cell in self.cells[i])

    def are_digits(self, i: int) -> bool:
        """Whether cells may be labels of 0 and 1, or decisions."""
        return two_whole(self.cells[i])

    def is_two_valued(self, i: int) -> bool:
        """Return whether a column has two values only, in more rows than chance would allow."""
        return len(self.cells[i]) >= FEWEST and self.count_distinct(i) <= 2

    def are_row_numbers(self, i: int) -> bool:
        """Whether a column counts the rows, from 0 or 1 on."""
        cells = self.cells[i]
        first = cells[0] if cells else ""
        return (
            len(cells) >= 2 * FEWEST
            and first in ("0", "1")
            and cells == [str(number) for number in range(int(first), int(first) + len(cells))]
        )

    def to_floats(self, i: int) -> Floats:
        """Return a column's numbers, NaN where a cell is none."""
        cells = self.cells[i]
        return np.array([float(c) if NUMBER.fullmatch(c) else np.nan for c in cells])

    def same_id(self, utterance: int) -> np.ndarray:
        """Return for each row but the first whether it has the id of the one before."""
        return np.array([a == b for a, b in pairwise(self.cells[utterance])], dtype=np.bool_)

    def has_repeats(self, utterance: int) -> bool:
        """Whether rows mostly have the id of the row before: rows are frames."""
        same = self.same_id(utterance)
        return bool(len(same)) and 2 * int(same.sum()) >= len(same)

    def describe_column(self, i: int) -> str:
        """Return a column's name or number for a message."""
        return f"{self.names[i]!r}" if self.names else f"column {i + 1}"

    def column_option(self, i: int) -> str:
        """Return a column as an option: its name, or its number where a shell wants quotes."""
        is_word = self.names is not None and re.fullmatch(r"\w+", self.names[i])
        return self.names[i] if self.names and is_word else f"{i + 1}"

    def get_column(self, text: str, what: str) -> int:
        """Return the column of a name or number; BenchError where there is none."""
        column = self.find_column(text)
        if column is None:
            numbers = f"; columns are numbered 1 to {self.count}, there is no header"
            hint = near_name(text, self.names) if self.names else numbers
            raise BenchError("scores.no-such-column", f"{what}: there is no column {text!r}{hint}")
        return column

    def find_column(self, text: str) -> int | None:
        """Return the column of a name or number, None where there is none."""
        names = list(self.names or ())
        plain = [column_names.normalize_name(name) for name in names]
        for candidates, wanted in ((names, text), (plain, column_names.normalize_name(text))):
            if candidates.count(wanted) == 1:
                return candidates.index(wanted)
        if re.fullmatch(r"[1-9]\d{0,5}", text) and int(text) <= self.count:
            return int(text) - 1
        return None
