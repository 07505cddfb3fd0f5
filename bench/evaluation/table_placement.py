"""Which table has a place for a score file, and its results under the table's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from bench.cards import table_cards
from bench.config import Form
from bench.errors import BenchError
from bench.metrics.measured import MetricResult
from bench.specs.table import Table

_UNTABLED = "scored/"
"""Begins the place of scores of a corpus that no table evaluates."""
_OF_FRAMES = re.compile(r"(f1|precision|recall)(_spoof)?")


class TablePlacement(NamedTuple):
    """A place in the tracking store for the results of a split."""

    table: str
    """Key of the table, or `scored/<corpus>` where none evaluates the split."""
    evaluation: str
    """What the table calls the evaluation; the corpus's key where there is no table."""
    resolution_s: float | None
    """At which the table takes frames; None where there is no table."""

    @property
    def is_untabled(self) -> bool:
        """Whether no table evaluates the split."""
        return self.table.startswith(_UNTABLED)

    def name_results(self, results: Mapping[str, MetricResult]) -> dict[str, MetricResult]:
        """Return results under the table's names, `<evaluation>.<metric>`.

        `eer` is that at the table's resolution; results that are counted in frames of the scores'
        own length stand only where that is the table's.
        """
        at = f"eer_{round(1000 * (self.resolution_s or 0))}ms"
        renamed = dict(results)
        if at in results:
            if results["eer"] != results[at]:
                renamed = {name: f for name, f in renamed.items() if not _OF_FRAMES.fullmatch(name)}
            renamed["eer"] = results[at]
        return {f"{self.evaluation}.{name}": result for name, result in renamed.items()}

    def name_printed(self, printed: Mapping[str, float]) -> dict[str, float]:
        """Return printed results under the table's names: `eer` is that at its resolution."""
        renamed = dict(printed)
        if self.resolution_s is not None:
            renamed.pop("eer", None)
            at = f"eer_{round(1000 * self.resolution_s)}ms"
            renamed |= {"eer": printed[at]} if at in printed else {}
        return {f"{self.evaluation}.{name}": value for name, value in renamed.items()}

    def select_tracked(self, results: Mapping[str, MetricResult]) -> dict[str, MetricResult]:
        """Return the results that may stand in the table, under its names.

        Of scores of frames, a table of whole utterances has the EER of the lowest frame. Raise
        BenchError where the table's frames cannot be had of the scores: it would set results of
        different things beside each other.
        """
        of_frames = "range_eer" in results
        if self.is_untabled or not results:
            return self.name_results(results)
        if self.resolution_s is None:
            name = "utterance_eer" if of_frames else "eer"
            if name not in results:
                raise BenchError(
                    "scores.other-units",
                    f"{self.table} evaluates whole utterances: these scores have no EER of such",
                )
            alone = {"eer": results[name]}
            return self.name_results(alone if of_frames else results)
        ms = 1000 * self.resolution_s
        if not of_frames:
            raise BenchError(
                "scores.other-units",
                f"{self.table} evaluates frames of {ms:g} ms, and these are scores of whole "
                "utterances: give scores of frames, or leave --track out",
            )
        if f"eer_{round(ms)}ms" not in results:
            raise BenchError(
                "scores.other-units",
                f"{self.table} evaluates frames of {ms:g} ms, which cannot be made of these frames",
            )
        return self.name_results(results)


def find_placement(corpus: str, split: str, table: str, form: Form) -> TablePlacement:
    """Return where results of a split stand: in `table`, else in the one that evaluates it.

    BenchError where several do, or where the named one does not.
    """
    keys = [table_cards.read_table(table).key] if table else table_cards.table_keys()
    fitting = [placement for key in keys if (placement := _find_in_table(corpus, split, key, form))]
    if len(fitting) > 1:
        raise BenchError(
            "scores.several-tables",
            f"several tables evaluate {corpus}, {split}: say which, "
            f"--track {' or '.join(placement.table for placement in fitting)}",
        )
    if not fitting and table:
        raise BenchError("scores.no-table", f"{keys[0]} does not evaluate {corpus}, {split}")
    return fitting[0] if fitting else TablePlacement(f"{_UNTABLED}{corpus}", corpus, None)


@lru_cache
def list_placements(corpus: str, split: str) -> tuple[TablePlacement, ...]:
    """Return the tables that evaluate a split, in the order of the tables."""
    placements = (_find_in_table(corpus, split, key, "paper") for key in table_cards.table_keys())
    return tuple(filter(None, placements))


def _find_in_table(corpus: str, split: str, key: str, form: Form) -> TablePlacement | None:
    table: Table = table_cards.read_table(key)
    for row in table_cards.runnable_rows(table):
        for name, data in table_cards.resolve_row(table, row, form).evaluate.items():
            if (data.corpus, data.split) == (corpus, split):
                return TablePlacement(key, name, data.resolution_s)
    return None
