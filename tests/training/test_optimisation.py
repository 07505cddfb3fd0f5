"""Learning rates: whose they are, and how they go."""

from __future__ import annotations

import itertools

import pytest
import torch

from bench.config import Config
from bench.specs.base import SIGNATURE
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


def test_an_exponential_warms_up_and_falls_from_epoch_to_epoch_as_in_attms_recipe(small):
    schedule = "schedule={kind='exponential', factor=0.8, warmup_epochs=5}"
    found = rates(small("S5", schedule, "training.epochs=30"), 3, 30)
    of_epochs = [0.2, 0.4, 0.6, 0.8, 1.0, *(0.8**epoch for epoch in range(25))]
    assert found == pytest.approx([rate for rate in of_epochs for _ in range(3)])


def test_an_exponential_may_fall_from_step_to_step(small):
    schedule = "schedule={kind='exponential', factor=0.5, warmup_epochs=1, changes='step'}"
    found = rates(small("S5", schedule, "training.epochs=4"), 10, 4)
    assert found[:11] == pytest.approx([*(i / 10 for i in range(1, 11)), 1.0])
    assert [found[20], found[30]] == pytest.approx([0.5, 0.25])
    steps = [after / before for before, after in itertools.pairwise(found[10:])]
    assert steps == pytest.approx([0.5**0.1] * 29)


def test_the_front_end_may_begin_to_learn_later(small):
    run = small("S0", "optimiser.frontend_first_epoch=3", "training.epochs=4")
    system = engine.build_system(run, 7, Config(device="cpu"))
    over = optimisation.build_optimiser(run, system)
    schedule = optimisation.build_schedule(run, over, 2)
    begun = {name: part.clone() for name, part in system.state_dict().items()}
    for step in range(8):
        rates = [group["lr"] for group in over.param_groups]
        assert rates[0] == (rates[1] if step >= 4 else 0.0)
        for parameter in system.parameters():
            parameter.grad = torch.ones_like(parameter)
        over.step()
        schedule.step()
        changed = {n for n, part in system.state_dict().items() if not torch.equal(part, begun[n])}
        assert any(not name.startswith("frontend.") for name in changed)
        assert any(name.startswith("frontend.") for name in changed) == (step >= 4)


def test_what_came_later_is_in_no_earlier_signature(small):
    assert "frontend_first_epoch" not in small("S0").optimiser.model_dump(context=SIGNATURE)
    later = small("S0", "optimiser.frontend_first_epoch=3")
    assert later.optimiser.model_dump(context=SIGNATURE)["frontend_first_epoch"] == 3
    assert later.training_signature != small("S0").training_signature


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
