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

from bench._io.trees import as_tree, format_toml_value
from bench.specs.sweep import Float, Grid, Int, Point, Sweep, Tpe

_DRAWS = 50
"""How often a sampler that comes back to a point already tried is asked again."""


def build_distributions(card: Sweep) -> dict[str, BaseDistribution]:
    """Return Optuna's distribution of each dimension."""
    by_name: dict[str, BaseDistribution] = {}
    for name, dimension in card.space.items():
        match dimension:
            case Float():
                by_name[name] = FloatDistribution(
                    dimension.low, dimension.high, log=dimension.log, step=dimension.step
                )
            case Int():
                by_name[name] = IntDistribution(
                    dimension.low, dimension.high, log=dimension.log, step=dimension.step
                )
            case _:
                by_name[name] = CategoricalDistribution(
                    [_to_scalar(value) for value in dimension.choices]
                )
    return by_name


def _to_scalar(value: Any) -> Any:
    """Return a choice as Optuna takes it: tables and lists as TOML."""
    is_scalar = as_tree(value) is None and not isinstance(value, list)
    return value if is_scalar else format_toml_value(value)


def encode_point(point: Point) -> dict[str, Any]:
    """Return a point as Optuna keeps it."""
    return {name: _to_scalar(value) for name, value in point.items()}


def decode_point(card: Sweep, params: Mapping[str, Any]) -> Point:
    """Return Optuna's parameters as a point, floats rounded as trials use them."""
    point: Point = {}
    for name, dimension in card.space.items():
        match dimension:
            case Float():
                point[name] = dimension.round_value(params[name])
            case Int():
                point[name] = params[name]
            case _:
                point[name] = next(v for v in dimension.choices if _to_scalar(v) == params[name])
    return point


def build_pruner(card: Sweep, epochs: int, seeds: int) -> optuna.pruners.BasePruner:
    """Return the card's pruner: a step is an epoch, and one seed's steps follow the other's."""
    settings = card.pruner
    match settings.kind:
        case "median":
            return optuna.pruners.MedianPruner(settings.startup_trials, settings.warmup_epochs)
        case "hyperband":
            return optuna.pruners.HyperbandPruner(
                settings.least_epochs, epochs * seeds, settings.factor
            )
        case _:
            return optuna.pruners.NopPruner()


def propose_point(card: Sweep, study: optuna.Study, trials: Sequence[FrozenTrial]) -> Point | None:
    """Return the next point to try, one that none of `trials` has; None where none is left.

    The sampler is asked about a copy of the study in memory, so that a point that it comes back to
    leaves no trial behind. Its random stream is of (seed, number of trials): a study that is
    stopped and goes on draws as it would have, and two processes never draw alike.
    """
    tried = [encode_point(decode_point(card, trial.params)) for trial in trials]
    points = card.grid_points()
    left = None if points is None else [p for p in points if encode_point(p) not in tried]
    if left is not None and (not left or isinstance(card.sampler, Grid)):
        return left[0] if left else None
    seed = np.random.SeedSequence([getattr(card.sampler, "seed", 0), len(trials)])
    copy = optuna.create_study(
        study_name=study.study_name,
        sampler=_build_sampler(card, int(seed.generate_state(1)[0])),
        pruner=study.pruner,
    )
    copy.add_trials(trials)
    for _ in range(_DRAWS):
        point = decode_point(card, copy.ask(build_distributions(card)).params)
        if encode_point(point) not in tried:
            return point
    # It keeps to what was tried: any other, where they can be counted.
    return None if left is None else left[int(np.random.default_rng(seed).integers(len(left)))]


def _build_sampler(card: Sweep, seed: int) -> BaseSampler:
    if isinstance(card.sampler, Tpe):
        # Points that are being tried count as poor ones (constant liar): workers keep apart.
        startup = card.sampler.startup_trials
        return TPESampler(n_startup_trials=startup, constant_liar=True, seed=seed)
    return RandomSampler(seed)
