"""Where paper, released code and this suite differ, and which rows of a table that touches."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bench.config import Form
from bench.reporting.grid import grid, ranged
from bench.specs.run import Run
from bench.specs.table import Difference, Paper

_KEYS = re.compile(r"(?:^|, )([a-z]\w*(?:\.\w+)*)")


def section(paper: Paper, runs: Mapping[str, Run], form: Form) -> str:
    """Return the points as a table: first those with a setting, and the rows that have it, then
    those that concern the paper as a whole. Points that concern other tables alone are counted.
    """
    if not paper.differences:
        return "None is known."
    touched = {d.item: touches(d, runs) for d in paper.differences if d.setting}
    shown = [d for d in paper.differences if touched.get(d.item)]
    shown += [d for d in paper.differences if not d.setting]
    lines = [
        [
            *(d.item, _rows(touched.get(d.item), runs), d.paper, d.released, d.ours),
            *(f"`{d.setting}`" if d.setting else "", d.consequence),
        ]
        for d in shown
    ]
    headings = ["Point", "Rows", "Paper", "Released code", "This suite"]
    text = grid([*headings, "Setting of the released way", "Consequence"], lines, form)
    other = len(paper.differences) - len(shown)
    if other:
        concern = "point concerns" if other == 1 else "points concern"
        text += f"\n\n{other} more {concern} settings that no row of this table has."
    return text


def touches(difference: Difference, runs: Mapping[str, Run]) -> list[str]:
    """Return the rows that a difference touches: those that have all its settings.

    `mix.partner` is no setting of a row that does not mix.
    """
    keys = _KEYS.findall(difference.setting)
    return [row for row, run in runs.items() if all(_has(run, key) for key in keys)]


def _has(run: Run, key: str) -> bool:
    return any(own == key or own.startswith(f"{key}.") for own in run.flat())


def _rows(touched: list[str] | None, runs: Mapping[str, Run]) -> str:
    return "all" if touched is None else ranged(touched, [*runs])
