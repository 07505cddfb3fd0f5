"""A study as a table, a line a trial: what is kept, drawn and reported."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
import pandas as pd
from optuna.trial import FrozenTrial

from bench.cards.sweep_cards import trial_run, value_text
from bench.metrics.catalogue import is_rate
from bench.specs.sweep import Categories, Dimension, Sweep
from bench.study_table import TRIAL_COLUMNS
from bench.sweeps import sampling
from bench.sweeps.study import STATES, Study
from bench.tracking.stored_runs import StoredRun, is_result_part


def build_trial_table(
    study: Study,
    runs_by_trial: Mapping[int, Sequence[StoredRun]],
    resolution: float | None = None,
) -> pd.DataFrame:
    """Return the study's trials in the order of their numbers.

    `runs_by_trial` holds their runs (`StudyRun.read_trial_runs`); figures of test sets, where they
    were asked for, are means over seeds. `resolution` is the column of that name, a fraction where
    the objective is a rate.
    """
    unit = 100 if is_rate(study.card.objective) else 1
    lines = [
        _build_line(study.card, trial, runs_by_trial.get(trial.number, []))
        | {"resolution": None if resolution is None else unit * resolution}
        for trial in study.list_trials()
    ]
    names = [*TRIAL_COLUMNS, *study.card.space]
    more = sorted({name for line in lines for name in line} - set(names))
    return pd.DataFrame(lines, columns=pd.Index([*names, *more]))


def _build_line(card: Sweep, trial: FrozenTrial, runs: Sequence[StoredRun]) -> dict[str, Any]:
    point = sampling.decode_point(card, trial.params)
    run = trial_run(card, point)
    unit = 100 if is_rate(card.objective) else 1
    line: dict[str, Any] = {
        "form": card.form,
        "trial": trial.number,
        "state": STATES[trial.state],
        "objective": None if trial.value is None else unit * trial.value,
        "epochs": len(trial.intermediate_values),
        "attempt": trial.user_attrs["attempt"],
        "reason": " ".join(str(trial.user_attrs.get("reason", "")).split()),
        "signature": run.signature,
        "training_signature": run.training_signature,
        "begun": _format_time(trial.datetime_start),
        "ended": _format_time(trial.datetime_complete),
        "hours": float(sum(run.hours for run in runs)),
        "runs": " ".join(run.run_id for run in runs),
        "device": ", ".join(dict.fromkeys(run.device for run in runs)),
        **{name: _format_cell(card.space[name], value) for name, value in point.items()},
    }
    if trial.state.is_finished() and runs:
        line |= {
            name: statistics.fmean(run.figures[name] for run in runs)
            for name in runs[0].figures
            if not is_result_part(name) and all(run.has_figure(name) for run in runs)
        }
    return line


def _format_cell(dimension: Dimension, value: Any) -> Any:
    return value_text(value) if isinstance(dimension, Categories) else value


def _format_time(moment: Any) -> str:
    return "" if moment is None else moment.astimezone().isoformat(timespec="seconds")


def compute_importances(study: Study) -> dict[str, float]:
    """Return the share of the objective's variance that each dimension explains, the largest first.

    It is computed by functional ANOVA with random forests (Hutter et al., ICML 2014). Empty if
    there is one dimension, or fewer than four finished trials, or all results are equal.
    """
    finished = study.optuna.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))
    if len(study.card.space) < 2 or len(finished) < 4 or len({t.value for t in finished}) < 2:
        return {}
    evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
    return optuna.importance.get_param_importances(study.optuna, evaluator=evaluator)


def describe_settings(card: Sweep) -> dict[str, Any]:
    """Return what is varied and how, by dotted key: the study's settings."""
    settings = card.model_dump(mode="json", include={"sampler", "pruner", "objective", "evaluate"})
    settings["from"] = card.parent
    for name, dimension in card.space.items():
        between = " | " if isinstance(dimension, Categories) else " to "
        settings[f"space.{name}"] = between.join(map(value_text, dimension.edge_values()))
    return settings
