"""A table in Markdown, where it is of smoke runs with a heading that says so; names in a row."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from bench.config import Form
from bench.markdown import marked, table_row
from bench.smoke import smoke_prefix


def grid(headings: Sequence[str], lines: Sequence[Sequence[str]], form: Form) -> str:
    """Return a Markdown table, not padded as `bench.markdown.table` is: cells are long here."""
    first = marked(smoke_prefix(form) + "{}", headings[0])
    rule = f"| {' | '.join(['---'] * len(headings))} |"
    return "\n".join([table_row([first, *headings[1:]]), rule, *map(table_row, lines)])


def ranged(names: Sequence[str], order: Sequence[str]) -> str:
    """Return names, in their `order`; three or more that are numbered and follow one another are a
    range.

    >>> ranged(["S6", "S1", "S2", "S3"], ["S0", "S1", "S2", "S3", "S4", "S5", "S6"])
    'S1 to S3, S6'
    >>> ranged(["TCA", "MFPT", "SAL"], ["TCA", "MFPT", "SAL"])
    'all'
    """
    if len(names) == len(order) > 1:
        return "all"
    places = sorted(order.index(name) for name in names)
    stretches: list[list[str]] = []
    for number, position in enumerate(places):
        last = order[places[number - 1]]
        if (
            number
            and position == places[number - 1] + 1
            and _strip_number(order[position]) == _strip_number(last)
        ):
            stretches[-1].append(order[position])
        else:
            stretches.append([order[position]])
    return ", ".join(
        f"{names_in_row[0]} to {names_in_row[-1]}"
        if len(names_in_row) > 2
        else ", ".join(names_in_row)
        for names_in_row in stretches
    )


def bracketed(low: float, high: float, digits: int) -> str:
    """Return an interval with `digits` decimals, or with as many more as tell its bounds apart;
    nothing where there is none: an unknown bound, or one that is as the other.

    >>> bracketed(0.951, 1.2, 2), bracketed(0.0012, 0.0041, 2), bracketed(0.0, 0.0, 2)
    ('[0.95, 1.20]', '[0.001, 0.004]', '')
    """
    for more in range(digits, digits + 9):
        first, last = (f"{bound:.{more}f}" for bound in (low, high))
        if first != last and not math.isnan(low + high):
            return f"[{first}, {last}]"
    return ""


def _strip_number(name: str) -> str:
    """Return a numbered name without its number; of any other name the whole."""
    return re.sub(r"\d+$", "#", name)
