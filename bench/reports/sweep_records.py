"""A sweep's trials for scripts: one record a trial, the same while it runs and in its report."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.cards import sweep_cards
from bench.metrics.catalogue import printed_unit
from bench.specs.sweep import Sweep
from bench.study_table import TRIAL_COLUMNS, Trial, list_trials


def build_trial_records(card: Sweep, trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the record of each trial in a study's table.

    Cells are numbers or, where the table was read from its file, text. `value` is the trial's
    objective, the mean over `seeds`; `results` are those of test sets; rates are in per cent.
    """
    return [_build_record(card, line) for line in list_trials(trials)]


def _build_record(card: Sweep, line: Trial) -> dict[str, Any]:
    table, row = sweep_cards.start_row(card)
    cells = {name: str(value) for name, value in line.items()}
    return {
        "sweep": card.key,
        "form": card.form,
        "table": table.key,
        "row": row,
        "seeds": [*sweep_cards.trial_seeds(card)],
        "trial": int(line["trial"]),
        "state": line["state"],
        "message": line["reason"],
        "settings": sweep_cards.point_of(card, cells),
        "metric": card.objective,
        "value": _read_number(line["objective"]) if line["state"] == "finished" else None,
        "unit": printed_unit(card.objective),
        "results": {
            name: {"value": _read_number(value), "unit": printed_unit(name)}
            for name, value in line.items()
            if name not in TRIAL_COLUMNS and name not in card.space
        },
        "epochs": int(line["epochs"]),
        "hours": _read_number(line["hours"]),
        "signature": line["signature"],
        "runs": str(line["runs"]).split(),
    }


def _read_number(value: Any) -> float | None:
    """Return a cell's number; None where it is empty."""
    return None if pd.isna(value) or value == "" else float(value)
