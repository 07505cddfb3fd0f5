"""Learning rates: whose they are, and how they go."""

from __future__ import annotations

import itertools

import pytest
import torch

from bench.config import Config
from bench.specs.training import CosineSchedule
from bench.training import engine, optimisation


def rates(run, steps_per_epoch: int, epochs: int) -> list[float]:
    """Return the learning rate of every step, by torch's own schedulers' rules of stepping."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    over = torch.optim.SGD([parameter], lr=1.0)
    schedule = optimisation.build_schedule(run, over, steps_per_epoch)
    found = []
    for _ in range(steps_per_epoch * epochs):
        found.append(schedule.get_last_lr()[0])
        over.step()
        schedule.step()
    return found


def test_a_step_schedule_is_torchs_once_an_epoch(small):
    run = small("S5", "schedule={every_epochs=2, factor=0.3}", "training.epochs=5")
    parameter = torch.nn.Parameter(torch.zeros(1))
    over = torch.optim.SGD([parameter], lr=1.0)
    torchs = torch.optim.lr_scheduler.StepLR(over, 2, 0.3)
    expected = []
    for _ in range(5):
        expected += 3 * torchs.get_last_lr()
        over.step()
        torchs.step()
    assert rates(run, 3, 5) == pytest.approx(expected)


def test_a_cosine_rises_then_falls_to_its_floor(small):
    schedule = "schedule={kind='cosine', warmup_share=0.1, floor_share=0.2}"
    found = rates(small("S5", schedule, "training.epochs=10"), 10, 10)
    assert found[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert found[10] == pytest.approx(1.0)
    assert all(before > after for before, after in itertools.pairwise(found[10:]))
    assert found[55] == pytest.approx(0.6)  # half way down from 1 to 0.2
    assert found[-1] == pytest.approx(0.2, abs=1e-3)


def test_without_a_warm_up_a_cosine_is_torchs(small):
    parameter = torch.nn.Parameter(torch.zeros(1))
    over = torch.optim.SGD([parameter], lr=1.0)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(over, 30, eta_min=0.1)
    spec = CosineSchedule(kind="cosine", floor_share=0.1)
    for step in range(30):
        assert optimisation.rate_factor(spec, 10, 30, step) == pytest.approx(
            torchs.get_last_lr()[0]
        )
        over.step()
        torchs.step()


def test_the_front_end_may_have_a_rate_of_its_own(small):
    run = small("S5", "optimiser.frontend_learning_rate=1e-6")
    system = engine.build_system(run, 1, Config())
    found = optimisation.build_optimiser(run, system)
    frontend, rest = found.param_groups
    assert (frontend["lr"], rest["lr"]) == (1e-6, run.optimiser.learning_rate)
    assert frontend["weight_decay"] == rest["weight_decay"] == run.optimiser.weight_decay
    theirs = {id(p) for p in system.frontend.parameters() if p.requires_grad}
    assert {id(p) for p in frontend["params"]} == theirs
    trained = {id(p) for p in system.parameters() if p.requires_grad}
    assert {id(p) for p in rest["params"]} == trained - theirs
    same = optimisation.build_optimiser(small("S5"), system)
    assert len({group["lr"] for group in same.param_groups}) == 1


def test_a_frozen_front_end_has_no_group(small):
    run = small("S5", "frontend.tuning.kind=frozen", "frontend.convolutions=frozen")
    system = engine.build_system(run, 1, Config())
    (only,) = optimisation.build_optimiser(run, system).param_groups
    assert {id(p) for p in only["params"]} == {
        id(p) for p in system.parameters() if p.requires_grad
    }
    assert not any(p.requires_grad for p in system.frontend.parameters())
