"""A table in Markdown, where it is of smoke runs with a heading that says so; names in a row."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import LiteralString

from bench._io.markdown import marked, table_row
from bench.config import Form


def smoke_word(form: Form) -> LiteralString:
    """Return what stands before every heading of a smoke report, or nothing."""
    return "SMOKE: " if form == "smoke" else ""


def grid(headings: Sequence[str], lines: Sequence[Sequence[str]], form: Form) -> str:
    """Return a Markdown table, not padded as `bench._io.markdown.table` is: cells are long here."""
    first = marked(smoke_word(form) + "{}", headings[0])
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
    for number, place in enumerate(places):
        last = order[places[number - 1]]
        if number and place == places[number - 1] + 1 and _stem(order[place]) == _stem(last):
            stretches[-1].append(order[place])
        else:
            stretches.append([order[place]])
    return ", ".join(f"{of[0]} to {of[-1]}" if len(of) > 2 else ", ".join(of) for of in stretches)


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


def _stem(name: str) -> str:
    """Return a numbered name without its number; of any other name the whole."""
    return re.sub(r"\d+$", "#", name)
