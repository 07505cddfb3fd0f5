"""Which trials of a sweep are best, as far as its dev set can tell."""

# The stubs of pandas leave many types open.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from bench._io.markdown import code, joined, marked
from bench.cards import sweep_cards
from bench.metrics.catalogue import digits, is_rate
from bench.specs.sweep import Sweep

Line = dict[str, Any]
"""A trial: a line of the study's table by column."""


def lines(trials: pd.DataFrame) -> list[Line]:
    """Return the trials of a study's table, numbers or, as it is kept, text."""
    return [{str(key): value for key, value in of.items()} for of in trials.to_dict("records")]


def leaders(card: Sweep, trials: pd.DataFrame) -> list[Line]:
    """Return the finished trials than which none is better, as far as dev can tell, by number.

    They are the one of the least objective, and all that are printed as it is or are within the
    study's resolution of it: what one error more or less of the smaller class changes. Several of
    them: none of them is the best. Empty where none is finished.
    """
    finished = [line for line in lines(trials) if line["state"] == "finished"]
    if not finished:
        return []
    least = min(float(line["objective"]) for line in finished)
    within = resolution(trials)
    return [
        line
        for line in finished
        if float(line["objective"]) - least <= within * (1 + 1e-9)
        or printed(card, line["objective"]) == printed(card, least)
    ]


def resolution(trials: pd.DataFrame) -> float:
    """Return what one error of dev's smaller class changes of the objective, in its unit; 0 where
    the study does not say.
    """
    known = pd.to_numeric(trials.get("resolution", pd.Series(dtype=float)), errors="coerce")
    return float(known.max()) if known.notna().any() else 0.0


def standing(card: Sweep, trials: pd.DataFrame) -> str:
    """Return in a sentence or two which trial is best, or that several are alike; "" where none is
    finished.
    """
    found = leaders(card, trials)
    if not found:
        return ""
    if len(found) == 1:
        value = f"{printed(card, found[0]['objective'])}{unit(card)}"
        of = f"trial {found[0]['trial']}, {card.objective} {value}"
        return marked("Best: {}: {}", of, point(card, found[0]))
    values = sorted(float(line["objective"]) for line in found)
    low, high = (printed(card, value) for value in (values[0], values[-1]))
    between = low if low == high else f"{low} to {high}"
    finished = sum(line["state"] == "finished" for line in lines(trials))
    named = joined(
        "; ", (marked("trial {} ({})", str(line["trial"]), point(card, line)) for line in found)
    )
    among = any(_is_own(card, of) for of in found)
    own = marked(" The row's own setting is among them." if among else "")
    said = (
        f"No best: {len(found)} of {finished} finished trials have {card.objective} {between}"
        f"{unit(card)}, and dev cannot tell them apart{_why(trials)}"
    )
    return marked(
        "{}: {}.{} More seeds a trial (`seeds` of the card), or a larger dev set, may.",
        said,
        named,
        own,
    )


def _why(trials: pd.DataFrame) -> str:
    within = resolution(trials)
    shown = f"{within:.4f}".rstrip("0").rstrip(".")
    return f" (one error of its smaller class is worth {shown})" if within else " (as printed)"


def _is_own(card: Sweep, line: Mapping[str, Any]) -> bool:
    found = sweep_cards.trial_run(card, sweep_cards.point_of(card, _texts(line)))
    return found.training_signature == sweep_cards.base(card).training_signature


def _texts(line: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in line.items()}


def row_of(card: Sweep, line: Mapping[str, Any]) -> str:
    """Return a trial as a row of the table that the sweep starts from, in TOML."""
    found = sweep_cards.point_of(card, _texts(line))
    name = f"{card.key}-{line['trial']}"
    return sweep_cards.as_row(card, found, name, f"sweep {card.key}, trial {line['trial']}")


def point(card: Sweep, line: Mapping[str, Any]) -> str:
    """Return a trial's values: `` `a = 1`, `b = 2` ``."""
    return joined(", ", (code(f"{name} = {line[name]}") for name in card.space))


def printed(card: Sweep, objective: Any) -> str:
    """Return an objective as reports print it, without its unit; `–` where there is none."""
    if pd.isna(objective) or objective == "":
        return "–"
    return f"{float(objective):.{digits(card.objective)}f}"


def unit(card: Sweep) -> str:
    """Return the unit of the objective as it stands behind figures."""
    return " (%)" if is_rate(card.objective) else ""


def numbers(found: Sequence[Line]) -> list[int]:
    """Return the numbers of trials."""
    return [int(line["trial"]) for line in found]
