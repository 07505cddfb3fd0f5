"""Trials without a score: how many there are, and which class or group they have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from bench.issues import Issues
from bench.metrics.tally import Bools, Integers
from bench.units import BONAFIDE, SPOOF

_NO_GROUPS = ("utterance", "path", "duration_s")
_NEARLY = 0.95
"""Groups explain what is missing where they hold so much of it."""
_BY_CHANCE = 0.001
"""That all are of one group says something where chance would do it more rarely."""
_GROUPS_SHOWN = 3
"""Groups that are said."""
_LEVELS_SHOWN = 3
"""Levels of a group that are named one by one."""

WORDS = {BONAFIDE: "bona fide", SPOOF: "spoof"}
"""The classes, in words."""


def add_missing(trials: pd.DataFrame, present: Bools, allowed: bool, issues: Issues) -> None:
    """Add an issue for trials without a score, with their classes and groups.

    A class without any score is an issue of its own. Where `allowed`, these are warnings.
    """
    gone = ~present
    count = int(gone.sum())
    if not count:
        return
    severity = "warning" if allowed else "error"
    for label, word in WORDS.items():
        of_class = (trials["label"] == label).to_numpy()
        if of_class.any() and not (of_class & present).any():
            issues.add(
                severity,
                "scores.missing-class",
                f"none of the {of_class.sum():,} {word} trials has a score: no error rate is "
                "defined",
            )
    hint = "left out of every metric" if allowed else "say --allow-missing to leave them out"
    issues.add(
        severity,
        "scores.missing",
        f"{count:,} of {len(present):,} trials have no score "
        f"({'; '.join([*describe_groups(trials, gone), hint])})",
        count,
        lambda: trials["utterance"].to_numpy()[gone],
    )


class _Group(NamedTuple):
    order: tuple[int, int]
    """Smaller tells more."""
    text: str


def describe_groups(trials: pd.DataFrame, gone: Bools) -> list[str]:
    """Return which groups of the keys explain the trials that are `gone`, the best first."""
    columns = [name for name in trials.columns if name not in _NO_GROUPS]
    candidates = (_describe_group(name, trials[name], gone) for name in columns)
    groups = sorted(filter(None, candidates), key=lambda group: group.order)
    return [group.text for group in groups[:_GROUPS_SHOWN]]


def _describe_group(column: str, values: pd.Series, gone: Bools) -> _Group | None:
    """Return what the trials that are gone share in a column; None where that says nothing."""
    kind = values.astype("category").cat
    levels, codes = [str(level) for level in kind.categories], kind.codes.to_numpy()
    whole = np.bincount(codes[codes >= 0], minlength=len(levels))
    lost = np.bincount(codes[gone & (codes >= 0)], minlength=len(levels))
    count = int(gone.sum())
    named = (whole > 0) & np.array([level != "" for level in levels], dtype=np.bool_)
    complete = np.flatnonzero(named & (lost == whole))
    covered = int(lost[complete].sum())
    is_group = len(complete) < named.sum() and covered > len(complete)
    if is_group and covered >= _NEARLY * count and column != "label":
        rest = f" and {count - covered:,} others" if covered < count else ""
        text = f"all of {_name_levels(column, levels, np.flatnonzero(named), complete)}{rest}"
        return _Group((int(covered < count), len(complete)), text)
    most = int(lost.argmax()) if len(lost) else 0
    share = whole[most] / len(values) if len(lost) else 1.0
    if not len(lost) or lost[most] < count or share**count > _BY_CHANCE or not named[most]:
        return None
    level, left = levels[most], whole[most] - count
    if column == "label":
        return _Group((2, 0), f"all {count:,} are {WORDS.get(level, level)}")
    return _Group((3, 0), f"all {count:,} are of {column} {level}, of which {left:,} have a score")


def _name_levels(column: str, levels: list[str], every: Integers, chosen: Integers) -> str:
    """Return levels of a column in words: each of them, or the first and last of neighbours."""
    names: list[str] = [levels[i] for i in chosen]
    if len(names) == 1:
        return f"{column} {names[0]}"
    position = np.searchsorted(every, chosen)
    if len(names) > _LEVELS_SHOWN and (np.diff(position) == 1).all():
        return f"{column}s {names[0]} to {names[-1]}"
    more = f" and {len(names) - _LEVELS_SHOWN:,} more" if len(names) > _LEVELS_SHOWN else ""
    return f"{column}s {', '.join(names[:_LEVELS_SHOWN])}{more}"
