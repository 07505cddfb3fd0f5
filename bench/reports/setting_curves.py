"""The results of a sweep over one setting, read for a curve."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from bench.cards import sweep_cards
from bench.errors import BenchError
from bench.reports.evaluation_names import name_evaluations
from bench.specs.run import Run
from bench.specs.sweep import Categories, Sweep

AVERAGE = "average"
"""What the mean over evaluations is called."""


class SettingCurve(NamedTuple):
    """The error rate of each evaluation over the values of a setting."""

    setting: str
    """What is varied, e.g. `λ`."""
    points: pd.DataFrame
    """A line a point: `value` (of the setting, a number), `evaluation`, `eer` (per cent). Several
    of one value, such as seeds, are averaged."""
    chosen: float | None = None
    """The value of the row that is varied, marked."""
    paper: pd.DataFrame | None = None
    """What the paper prints, as `points`; `evaluation` may be `average` too."""


def read_sweep_curve(card: Sweep, trials: pd.DataFrame, base: Run) -> SettingCurve:
    """Return the curve of a sweep of one dimension from its study's table.

    The table (`bench.sweeps.trial_table`) is all text, as it is read from its file. `base` is the
    run that its trials differ from.

    BenchError where the sweep has several dimensions or one without numbers, or scores no test set.
    """
    (dimension, setting_space), *more = card.space.items()
    if more or isinstance(setting_space, Categories):
        raise BenchError(
            "report.sweep-dimensions",
            f"sweep {card.key}: a curve is over one dimension, of numbers",
        )
    scored = [name for name in base.evaluate if f"{name}.eer" in trials]
    over = trials[trials["state"] == "finished"]
    names = name_evaluations(base)
    records = [
        (float(trial[dimension]), names[name], float(trial[f"{name}.eer"]))
        for _, trial in over.iterrows()
        for name in scored
        if trial[f"{name}.eer"] != ""
    ]
    if not records:
        raise BenchError(
            "report.nothing-to-draw",
            f"sweep {card.key}: no finished trial has the EER of a test set",
        )
    symbol = card.title.partition(": ")[2]
    setting = f"{symbol} ({dimension})" if symbol else dimension
    chosen = base.flat_settings().get((setting_space.keys or (dimension,))[0])
    printed = [
        (line.value, names.get(line.metric.rpartition(".")[0], AVERAGE), line.figure)
        for line in sweep_cards.published_points(card)
        if line.value is not None and line.figure is not None
    ]
    return SettingCurve(
        setting,
        _frame_points(records),
        float(chosen) if isinstance(chosen, int | float) else None,
        _frame_points(printed) if printed else None,
    )


def _frame_points(records: Sequence[tuple[float, str, float]]) -> pd.DataFrame:
    return pd.DataFrame(records, columns=pd.Index(["value", "evaluation", "eer"]))
