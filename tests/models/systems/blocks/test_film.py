"""BreathFiLM: BreathNet's equations 5 and 6, and what they can and cannot do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from bench.models.systems.blocks.film import BreathFilm
from bench.specs.systems.breathnet import BreathFilmSettings as Spec
from tests.models.systems import plain_breathnet as plain

MARKS = torch.tensor([[False, True, True, False, False], [False] * 5, [True] * 5])


def film(dim: int = 6, **settings: object) -> BreathFilm:
    torch.manual_seed(0)
    part = BreathFilm(dim, Spec.model_validate({"kind": "breath-film", "hidden": 7, **settings}))
    for parameter in part.parameters():
        nn.init.normal_(parameter)
    return part


@pytest.mark.parametrize("bias", ["learnt", "none"])
def test_equations_5_and_6(bias):
    part, x = film(bias=bias), torch.randn(3, 5, 6)
    w = {"mlp.0.bias": np.zeros(7), "mlp.2.bias": np.zeros(6), **plain.numbers(part)}
    found = part(x, MARKS)
    for clip, marks in enumerate(MARKS.tolist()):
        g = plain.gates(
            marks, w["mlp.0.weight"], w["mlp.0.bias"], w["mlp.2.weight"], w["mlp.2.bias"]
        )
        expected = plain.modulated(x[clip].double().numpy(), g)
        torch.testing.assert_close(
            found[clip].double(), torch.tensor(expected), rtol=1e-5, atol=1e-6
        )


def test_without_biases_a_hop_without_breath_is_scaled_by_one_and_a_half():
    """What the equation as printed comes to: sigmoid(0) is 1/2, whatever the weights."""
    part, x = film(bias="none"), torch.randn(1, 5, 6)
    assert torch.equal(part(x, MARKS[1:2]), 1.5 * x)
    assert not torch.allclose(part(x, MARKS[2:3]), 1.5 * x)


@pytest.mark.parametrize("bias", ["learnt", "none"])
def test_there_are_two_gains_and_both_lie_between_one_and_two(bias):
    part = film(bias=bias)
    marks = torch.rand(20, 50) < 0.3
    found = part(torch.ones(20, 50, 6), marks)
    assert len(found.flatten(0, 1).unique(dim=0)) == 2
    assert found.min() > 1
    assert found.max() < 2


def test_with_biases_both_gains_are_learnt_from_any_mask():
    part = film()
    for marks in MARKS[1:2], MARKS[2:3]:
        part.zero_grad()
        part(torch.randn(1, 5, 6), marks).sum().backward()
        assert all(p.grad.any() for p in part.mlp[2].parameters())
