"""Attentive statistics pooling: TCA's equations 1 to 4, by numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from bench.models.systems.blocks.attentive import AttentiveStatistics
from bench.specs.systems.tca import AttentiveStatisticsSettings as Spec


def pooling(**settings: str) -> AttentiveStatistics:
    """Return the pooling of one channel with W = 1 and b = 0.5."""
    part = AttentiveStatistics(1, Spec(kind="attentive-statistics", **settings))
    nn.init.ones_(part.score.weight)
    if part.score.bias is not None:
        nn.init.constant_(part.score.bias, 0.5)
    return part


FRAMES = torch.tensor([[[0.0], [1.0], [3.0]]])
SCORES = [math.tanh(0.5), math.tanh(1.5), math.tanh(3.5)]
ALPHA = [math.exp(e) / sum(map(math.exp, SCORES)) for e in SCORES]
MEAN = ALPHA[1] + 3 * ALPHA[2]
SQUARE = ALPHA[1] + 9 * ALPHA[2]


def test_equations_1_and_2():
    assert pooling().attention_weights(FRAMES).flatten().tolist() == pytest.approx(ALPHA)
    plain = [math.exp(math.tanh(x)) for x in (0.0, 1.0, 3.0)]
    found = pooling(bias="none").attention_weights(FRAMES).flatten().tolist()
    assert found == pytest.approx([value / sum(plain) for value in plain])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [MEAN, math.sqrt(SQUARE - MEAN**2)]),
        ({"deviation": "second-moment"}, [MEAN, SQUARE - MEAN**2]),
        ({"mean": "divided"}, [MEAN / 3, math.sqrt(SQUARE - (MEAN / 3) ** 2)]),
    ],
)
def test_equations_3_and_4(settings, expected):
    assert pooling(**settings).weighted_statistics(FRAMES).flatten().tolist() == pytest.approx(
        expected
    )


def test_a_channel_that_never_changes_has_a_gradient():
    part, frames = pooling(), torch.full((1, 4, 1), 0.3, requires_grad=True)
    part(frames).sum().backward()
    assert torch.isfinite(frames.grad).all()
