"""Sensitive layer selection: BreathNet's equations 1 to 3."""

from __future__ import annotations

import pytest
import torch

from bench.models.systems.blocks.sls import SensitiveLayers
from tests.models.systems import plain_breathnet as plain


def states(n=4, batch=3, hops=5, dim=6):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(batch, hops, dim, generator=generator) for _ in range(n)]


@pytest.mark.parametrize("own", [False, True])
def test_equations_1_to_3(own):
    torch.manual_seed(1)
    part, given = SensitiveLayers(6, 4, one_score_each=own), states()
    w = plain.numbers(part)
    found, weights = part(given), part.layer_weights(given[1:])
    assert found.shape == (3, 5, 6)
    for clip in range(3):
        outputs = [state[clip].double().numpy() for state in given[1:]]
        expected = plain.layer_weights(outputs, w["score.weight"], w["score.bias"])
        assert weights[clip].tolist() == pytest.approx(expected, rel=1e-5)
        torch.testing.assert_close(
            found[clip].double(), torch.tensor(plain.weighted_sum(outputs, expected))
        )


def test_the_state_before_the_first_block_is_not_heard():
    part, given = SensitiveLayers(6, 4), states()
    torch.testing.assert_close(part([torch.full_like(given[0], 1e6), *given[1:]]), part(given))


def test_one_linear_layer_or_one_a_block():
    assert sum(p.numel() for p in SensitiveLayers(1024, 25).parameters()) == 1024 + 1
    own = SensitiveLayers(1024, 25, one_score_each=True)
    assert sum(p.numel() for p in own.parameters()) == 24 * (1024 + 1)
