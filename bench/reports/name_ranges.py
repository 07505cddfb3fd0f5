"""Rows' names as ranges, and intervals in brackets."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence


def format_row_names(names: Sequence[str], order: Sequence[str]) -> str:
    """Return names in their `order`, three or more that follow one another as a range.

    Only numbered names make a range.

    >>> format_row_names(["S6", "S1", "S2", "S3"], ["S0", "S1", "S2", "S3", "S4", "S5", "S6"])
    'S1 to S3, S6'
    >>> format_row_names(["TCA", "MFPT", "SAL"], ["TCA", "MFPT", "SAL"])
    'all'
    """
    if len(names) == len(order) > 1:
        return "all"
    stretches: list[list[str]] = []
    last = -2
    for position in sorted(order.index(name) for name in names):
        name = order[position]
        if position == last + 1 and _strip_number(name) == _strip_number(order[last]):
            stretches[-1].append(name)
        else:
            stretches.append([name])
        last = position
    return ", ".join(
        f"{part[0]} to {part[-1]}" if len(part) > 2 else ", ".join(part) for part in stretches
    )


def format_interval(low: float, high: float, digits: int) -> str:
    """Return an interval with `digits` decimals, or with as many more as tell its bounds apart.

    Empty where there is no interval: a bound is unknown, or both are equal.

    >>> format_interval(0.951, 1.2, 2), format_interval(0.0012, 0.0041, 2)
    ('[0.95, 1.20]', '[0.001, 0.004]')
    >>> format_interval(0.0, 0.0, 2)
    ''
    """
    for more in range(digits, digits + 9):
        first, last = (f"{bound:.{more}f}" for bound in (low, high))
        if first != last and not math.isnan(low + high):
            return f"[{first}, {last}]"
    return ""


def _strip_number(name: str) -> str:
    """Return a numbered name without its number; of any other name the whole."""
    return re.sub(r"\d+$", "#", name)
