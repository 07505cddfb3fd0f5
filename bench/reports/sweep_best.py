"""Which trials of a sweep are best, as far as its dev set can tell."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench._io.markdown import fill_template, format_code, join_texts
from bench.cards import sweep_cards
from bench.metrics.catalogue import is_rate, metric_decimals
from bench.specs.sweep import Sweep
from bench.study_table import Trial, list_trials


def find_leaders(card: Sweep, trials: pd.DataFrame) -> list[Trial]:
    """Return the finished trials than which none is better, as far as dev can tell, by number.

    They are the trial with the least objective, and all that are printed like it or lie within the
    study's resolution of it: what one error more or less of the smaller class changes. Where they
    are several, none of them is the best. Empty where no trial is finished.
    """
    finished = [line for line in list_trials(trials) if line["state"] == "finished"]
    if not finished:
        return []
    least = min(float(line["objective"]) for line in finished)
    within = read_resolution(trials)
    return [
        line
        for line in finished
        if float(line["objective"]) - least <= within * (1 + 1e-9)
        or format_objective(card, line["objective"]) == format_objective(card, least)
    ]


def read_resolution(trials: pd.DataFrame) -> float:
    """Return what one error of dev's smaller class changes of the objective; 0 where not known."""
    resolutions = pd.to_numeric(trials.get("resolution", pd.Series(dtype=float)), errors="coerce")
    return float(resolutions.max()) if resolutions.notna().any() else 0.0


def describe_best_trials(card: Sweep, trials: pd.DataFrame) -> str:
    """Return which trial is best, or that several are alike; empty where none is finished."""
    best = find_leaders(card, trials)
    if not best:
        return ""
    if len(best) == 1:
        value = f"{format_objective(card, best[0]['objective'])}{format_objective_unit(card)}"
        description = f"trial {best[0]['trial']}, {card.objective} {value}"
        return fill_template("Best: {}: {}", description, format_trial_settings(card, best[0]))
    values = sorted(float(line["objective"]) for line in best)
    low, high = (format_objective(card, value) for value in (values[0], values[-1]))
    between = low if low == high else f"{low} to {high}"
    finished = sum(line["state"] == "finished" for line in list_trials(trials))
    named = join_texts(
        "; ",
        (
            fill_template("trial {} ({})", str(line["trial"]), format_trial_settings(card, line))
            for line in best
        ),
    )
    among = any(_is_own(card, trial) for trial in best)
    own_setting = fill_template(" The row's own setting is among them." if among else "")
    text = (
        f"No single best trial: {len(best)} of {finished} finished trials have {card.objective} "
        f"{between}"
        f"{format_objective_unit(card)}, and dev does not separate them{_explain_tie(trials)}"
    )
    return fill_template(
        "{}: {}.{} More seeds for each trial (`seeds` in the card) or a larger dev set may help.",
        text,
        named,
        own_setting,
    )


def _explain_tie(trials: pd.DataFrame) -> str:
    within = read_resolution(trials)
    shown = f"{within:.4f}".rstrip("0").rstrip(".")
    return f" (one error of its smaller class is worth {shown})" if within else " (as printed)"


def _is_own(card: Sweep, line: Mapping[str, Any]) -> bool:
    run = sweep_cards.trial_run(card, sweep_cards.point_of(card, _texts_of_trial(line)))
    return run.training_signature == sweep_cards.base_run(card).training_signature


def _texts_of_trial(line: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in line.items()}


def format_trial_as_row(card: Sweep, line: Mapping[str, Any]) -> str:
    """Return a trial as a row of the table that the sweep starts from, in TOML."""
    point_values = sweep_cards.point_of(card, _texts_of_trial(line))
    name = f"{card.key}-{line['trial']}"
    return sweep_cards.as_row(card, point_values, name, f"sweep {card.key}, trial {line['trial']}")


def format_trial_settings(card: Sweep, line: Mapping[str, Any]) -> str:
    """Return a trial's values: `` `a = 1`, `b = 2` ``."""
    return join_texts(", ", (format_code(f"{name} = {line[name]}") for name in card.space))


def format_objective(card: Sweep, objective: Any) -> str:
    """Return an objective as reports print it, without its unit; `–` where there is none."""
    if pd.isna(objective) or objective == "":
        return "–"
    return f"{float(objective):.{metric_decimals(card.objective)}f}"


def format_objective_unit(card: Sweep) -> str:
    """Return the unit of the objective as it stands behind figures."""
    return " (%)" if is_rate(card.objective) else ""


def list_trial_numbers(trials: Sequence[Trial]) -> list[int]:
    """Return the numbers of trials."""
    return [int(line["trial"]) for line in trials]
