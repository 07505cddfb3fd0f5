"""How long finished runs took that cost the same: hours of a training where none were measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from statistics import fmean
from typing import Any, NamedTuple

from bench.cards import table_cards
from bench.config import Config, Form
from bench.runner.costs import PlannedTraining
from bench.specs.precision import name_precision
from bench.specs.run import Run
from bench.tracking.shared_runs import TAKEN_FROM, TRAINED_IN
from bench.tracking.table_runs import runs_by_table

_COSTLY = (
    *("system.kind", "frontend.", "train.", "dev.", "evaluate.", "training."),
    *("augment.kind", "mix.kind", "start."),
)
"""How the settings begin on which the time depends: front-end, data, how often it is gone through.
Others (rates, weights of losses, sizes of what follows the front-end) change it little."""


class PastHours:
    """The finished runs of all tables on one kind of device; read once."""

    def __init__(self, config: Config, form: Form, device: str) -> None:
        by_table = runs_by_table(config, table_cards.table_keys(), form)
        runs = [run for runs_of_table in by_table.values() for run in runs_of_table]
        shares = Counter(run.data.tags.get(TRAINED_IN) for run in runs)
        whole = (run for run in runs if _is_whole(run, shares))
        self._runs = [run for run in whole if run.data.tags["device"] == device]

    def training_hours(self, training: PlannedTraining) -> MeasuredHours | None:
        """Return the mean hours of runs that cost the same, with evaluation; None without such.

        A training that starts from an earlier one, or that is only evaluated, has no such runs.
        """
        if training.is_trained or any(run.start.kind != "none" for run in training.runs):
            return None
        alike = [self._find_alike(run) for run in training.runs]
        if not all(alike):
            return None
        names = {_run_name(run) for runs in alike for run in runs}
        hours = (fmean(run.data.metrics["hours"] for run in runs) for runs in alike)
        return MeasuredHours(sum(hours), frozenset(names))

    def _find_alike(self, run: Run) -> list[Any]:
        wanted = _costly_settings(run.flat_settings())
        return [other for other in self._runs if _costly_settings(other.data.params) == wanted]


class MeasuredHours(NamedTuple):
    """Of one training, with what is evaluated of it."""

    hours: float
    runs: frozenset[str]
    """That took them: `sal/table4 S5`."""


def _run_name(run: Any) -> str:
    return f"{run.data.tags['table']} {run.data.tags['row']}"


def _costly_settings(settings: Mapping[str, Any]) -> dict[str, str]:
    costly = {key: str(value) for key, value in settings.items() if key.startswith(_COSTLY)}
    costly.pop("training.admits", None)  # what a machine may choose, not what it chose
    if "training.precision" in costly:
        costly["training.precision"] = name_precision(costly["training.precision"])
    return costly


def _is_whole(run: Any, shares: Mapping[str | None, int]) -> bool:
    """Return whether a run's hours are those of its whole training.

    It is finished, and no other run shares the training; `shares` counts the runs of each training.
    """
    folder = run.data.tags.get(TRAINED_IN)
    return (
        run.info.status == "FINISHED"
        and folder is not None
        and shares[folder] == 1
        and TAKEN_FROM not in run.data.tags
        and "hours" in run.data.metrics
    )
