"""Points of a sweep's space: how Optuna has them, and which comes next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from bench._io.trees import tree
from bench.cards.sweep_cards import written
from bench.specs.sweep import Float, Grid, Int, Point, Sweep, Tpe

_DRAWS = 50
"""How often a sampler that comes back to a point already tried is asked again."""


def distributions(card: Sweep) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each dimension."""
    found: dict[str, BaseDistribution] = {}
    for name, of in card.space.items():
        match of:
            case Float():
                found[name] = FloatDistribution(of.low, of.high, log=of.log, step=of.step)
            case Int():
                found[name] = IntDistribution(of.low, of.high, log=of.log, step=of.step)
            case _:
                found[name] = CategoricalDistribution([_scalar(value) for value in of.choices])
    return found


def _scalar(value: Any) -> Any:
    """Return a choice as Optuna takes it: tables and lists as TOML."""
    return written(value) if tree(value) is not None or isinstance(value, list) else value


def encoded(point: Point) -> dict[str, Any]:
    """Return a point as Optuna keeps it."""
    return {name: _scalar(value) for name, value in point.items()}


def decoded(card: Sweep, params: Mapping[str, Any]) -> Point:
    """Return Optuna's parameters as a point, floats rounded as trials use them."""
    point: Point = {}
    for name, of in card.space.items():
        match of:
            case Float():
                point[name] = of.rounded(params[name])
            case Int():
                point[name] = params[name]
            case _:
                point[name] = next(v for v in of.choices if _scalar(v) == params[name])
    return point


def pruner(card: Sweep, epochs: int, seeds: int) -> optuna.pruners.BasePruner:
    """Return the card's pruner; a step is an epoch, those of a further seed after those of the
    first.
    """
    of = card.pruner
    match of.kind:
        case "median":
            return optuna.pruners.MedianPruner(of.startup_trials, of.warmup_epochs)
        case "hyperband":
            return optuna.pruners.HyperbandPruner(of.least_epochs, epochs * seeds, of.factor)
        case _:
            return optuna.pruners.NopPruner()


def propose(card: Sweep, study: optuna.Study, trials: Sequence[FrozenTrial]) -> Point | None:
    """Return the next point to try, one that none of `trials` has; None where none is left.

    The sampler is asked about a copy of the study in memory, so that a point that it comes back to
    leaves no trial behind. Its random stream is of (seed, number of trials): a study that is
    stopped and goes on draws as it would have, and two processes never draw alike.
    """
    tried = [encoded(decoded(card, trial.params)) for trial in trials]
    points = card.points()
    left = None if points is None else [p for p in points if encoded(p) not in tried]
    if left is not None and (not left or isinstance(card.sampler, Grid)):
        return left[0] if left else None
    seed = np.random.SeedSequence([getattr(card.sampler, "seed", 0), len(trials)])
    copy = optuna.create_study(
        study_name=study.study_name,
        sampler=_sampler(card, int(seed.generate_state(1)[0])),
        pruner=study.pruner,
    )
    copy.add_trials(trials)
    for _ in range(_DRAWS):
        point = decoded(card, copy.ask(distributions(card)).params)
        if encoded(point) not in tried:
            return point
    # It keeps to what was tried: any other, where they can be counted.
    return None if left is None else left[int(np.random.default_rng(seed).integers(len(left)))]


def _sampler(card: Sweep, seed: int) -> BaseSampler:
    if isinstance(card.sampler, Tpe):
        # Points that are being tried count as poor ones (constant liar): workers keep apart.
        startup = card.sampler.startup_trials
        return TPESampler(n_startup_trials=startup, constant_liar=True, seed=seed)
    return RandomSampler(seed)
