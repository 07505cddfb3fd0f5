"""Which table a judged score file stands beside, and its figures under the table's names."""

from __future__ import annotations

import re
from typing import NamedTuple

from bench import cards
from bench.config import Form
from bench.errors import BenchError
from bench.metrics.scores import Figure
from bench.scoring.verdict import Verdict
from bench.specs.table import Table


class Standing(NamedTuple):
    """A place in the tracking store."""

    table: str
    """Key of the table, or `scored/<corpus>` where none evaluates the split."""
    figures: dict[str, Figure]
    """By `<evaluation>.<metric>`."""


def standing(verdict: Verdict, table: str, form: Form) -> Standing:
    """Return where the verdict stands: beside `table`, or where that is empty beside the one table
    that evaluates its split.

    BenchError where several do, or where the named one does not.
    """
    fitting = {key: name for key in cards.table_keys() if (name := _evaluation(verdict, key, form))}
    if table:
        key = cards.table(table).key
        if key not in fitting:
            raise BenchError(
                f"{key} does not evaluate {verdict.corpus}, {verdict.split}; tables that do: "
                f"{', '.join(fitting) or 'none'}"
            )
        fitting = {key: fitting[key]}
    if len(fitting) > 1:
        raise BenchError(
            f"several tables evaluate {verdict.corpus}, {verdict.split}: say which, "
            f"--track {' or '.join(fitting)}"
        )
    if not fitting:
        named = {f"{verdict.corpus}.{name}": of for name, of in verdict.figures.items()}
        return Standing(f"scored/{verdict.corpus}", named)
    ((key, (name, resolution_s)),) = fitting.items()
    return Standing(key, _renamed(verdict, name, resolution_s))


def _evaluation(verdict: Verdict, key: str, form: Form) -> tuple[str, float] | None:
    """Return name and resolution of the table's evaluation of the verdict's split."""
    table: Table = cards.table(key)
    for row in cards.runnable(table):
        for name, data in cards.resolve(table, row, form).evaluate.items():
            if (data.corpus, data.split) == (verdict.corpus, verdict.split):
                return name, data.resolution_s
    return None


def _renamed(verdict: Verdict, evaluation: str, resolution_s: float) -> dict[str, Figure]:
    """Return the figures under the evaluation's name; `eer` is that at the table's resolution, and
    F1 only stands where the scores have that resolution themselves.
    """
    at = f"eer_{round(1000 * resolution_s)}ms"
    if at not in verdict.figures:  # figures of whole utterances
        return {f"{evaluation}.{name}": figure for name, figure in verdict.figures.items()}
    own = verdict.figures["eer"] == verdict.figures[at]
    of_frames = re.compile(r"eer|(f1|precision|recall)(_spoof)?")
    kept = {
        name: figure
        for name, figure in verdict.figures.items()
        if own or not of_frames.fullmatch(name)
    }
    return {f"{evaluation}.{name}": f for name, f in {**kept, "eer": verdict.figures[at]}.items()}
