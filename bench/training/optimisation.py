"""Optimiser and learning-rate schedule of a run."""

from __future__ import annotations

import math
import warnings
from functools import partial

import torch
from torch.optim.lr_scheduler import LambdaLR

from bench.models.systems.base import System
from bench.specs.base import Absent
from bench.specs.run import Run
from bench.specs.training import (
    ConstantSchedule,
    CosineSchedule,
    ExponentialSchedule,
    Schedule,
    StepSchedule,
)


def build_optimiser(run: Run, system: System, fused: bool = False) -> torch.optim.Optimizer:
    """Return the run's optimiser over all trained parameters, `fused` into one pass over memory.

    The front-end's parameters, where there are any, are the first group, with a rate of their own;
    all others are the last.
    """
    kinds = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    rate = run.optimiser.learning_rate
    frontend_ids = {id(parameter) for parameter in system.frontend.parameters()}
    trained = [parameter for parameter in system.parameters() if parameter.requires_grad]
    groups = [
        {
            "params": [parameter for parameter in trained if id(parameter) in frontend_ids],
            "lr": run.optimiser.frontend_learning_rate or rate,
        },
        {
            "params": [parameter for parameter in trained if id(parameter) not in frontend_ids],
            "lr": rate,
        },
    ]
    return kinds[run.optimiser.kind](
        [group for group in groups if group["params"]],
        lr=rate,
        weight_decay=run.optimiser.weight_decay,
        fused=fused or None,
    )


def build_schedule(run: Run, over: torch.optim.Optimizer, steps_per_epoch: int) -> LambdaLR:
    """Return the run's schedule, to be stepped after every step of the optimiser."""
    if run.training.precision == "fp16-mixed":
        # The first step may overflow, and the optimiser is then not called; torch warns of that.
        warnings.filterwarnings("ignore", r"Detected call of `lr_scheduler\.step\(\)` before")
    factor_at = partial(
        rate_factor, run.schedule, steps_per_epoch, run.training.epochs * steps_per_epoch
    )
    waiting = (run.optimiser.frontend_first_epoch - 1) * steps_per_epoch

    def frontend_factor(step: int) -> float:
        return factor_at(step) if step >= waiting else 0.0

    groups = len(over.param_groups)
    return LambdaLR(over, [frontend_factor, factor_at] if groups > 1 else factor_at)


def rate_factor(spec: Schedule, steps_per_epoch: int, steps: int, step: int) -> float:
    """Return the factor of the learning rates at `step`, counted from 0, of `steps` in all.

    >>> rate_factor(StepSchedule(kind="step", every_epochs=2, factor=0.5), 10, 100, 20)
    0.5
    """
    match spec:
        case ConstantSchedule() | Absent():
            return 1.0
        case StepSchedule():
            return spec.factor ** (step // steps_per_epoch // spec.every_epochs)
        case ExponentialSchedule():
            epochs = step / steps_per_epoch
            begun = step // steps_per_epoch + 1
            if epochs < spec.warmup_epochs:
                warm = begun if spec.changes == "epoch" else (step + 1) / steps_per_epoch
                return warm / spec.warmup_epochs
            done = begun - 1 if spec.changes == "epoch" else epochs
            return spec.factor ** (done - spec.warmup_epochs)
        case CosineSchedule():
            warmup = round(spec.warmup_share * steps)
            if step < warmup:
                return (step + 1) / warmup
            done = (step - warmup) / max(1, steps - warmup)
            return spec.floor_share + (1 - spec.floor_share) * (1 + math.cos(math.pi * done)) / 2
