"""The table of a study's trials, which sweeps write and reports read."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from typing import Any

import pandas as pd

TRIAL_COLUMNS = (
    *("form", "trial", "state", "objective", "resolution", "epochs", "attempt", "reason"),
    *("signature", "training_signature", "begun", "ended", "hours", "runs", "device"),
)
"""Columns of every study's table, before those of its dimensions and of results on test sets.

`objective` is in per cent where it is an error rate, and empty unless the trial is finished or
pruned (then it is that of the last epoch); `resolution`, in the same unit, is what one error of
dev's smaller class changes of it, empty where that is not known; `epochs` counts those of all its
seeds; `attempt` is 2 where its process died once; `hours` of all seeds; `runs` are the tracked
runs' ids."""
Trial = dict[str, Any]
"""A line of the table, by column."""


def list_trials(trials: pd.DataFrame) -> list[Trial]:
    """Return the trials of a study's table, numbers or, where it was read from its file, text."""
    return [
        {str(key): value for key, value in trial.items()} for trial in trials.to_dict("records")
    ]
