"""gMLP blocks against the equations of Liu et al. (2021), section 2, step by step."""

from __future__ import annotations

from math import erf, sqrt

import numpy as np
import pytest
import torch
from torch import nn

from bench.models.systems.blocks.gmlp import GatedBlock, SpatialGate
from tests.errors import raises_code

DIM, INNER, FRAMES = 6, 8, 7


def drawn(module: nn.Module) -> dict[str, np.ndarray]:
    """Draw every parameter anew, so that none is as it starts, and return them."""
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return {name: each.detach().double().numpy() for name, each in module.named_parameters()}


def normalised(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * weight + bias


def plain_block(w: dict[str, np.ndarray], x: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Return the block's output for one clip, "frames dim"; `more` is added to the gate."""
    gelu = np.vectorize(lambda value: value * (1 + erf(value / sqrt(2))) / 2)
    z = [
        gelu(
            w["widen.weight"] @ normalised(step, w["norm.weight"], w["norm.bias"]) + w["widen.bias"]
        )
        for step in x
    ]
    half = len(z[0]) // 2
    gating = [normalised(each[half:], w["gate.norm.weight"], w["gate.norm.bias"]) for each in z]
    found = []
    for i, step in enumerate(x):
        mixed = sum(w["gate.weight"][i, j] * gating[j] for j in range(len(x)))
        gate = mixed + w["gate.bias"][i] + more[i]
        found.append(step + w["narrow.weight"] @ (z[i][:half] * gate) + w["narrow.bias"])
    return np.stack(found)


@pytest.mark.parametrize("n", [1, 4, FRAMES])
def test_a_block_is_the_equations(n):
    torch.manual_seed(1)
    block = GatedBlock(DIM, INNER, FRAMES)
    w, x = drawn(block), torch.randn(2, n, DIM)
    for clip, found in zip(x.double().numpy(), block(x), strict=True):
        expected = torch.tensor(plain_block(w, clip, np.zeros((n, INNER // 2))))
        torch.testing.assert_close(found.double(), expected, rtol=1e-4, atol=1e-4)


def test_attention_takes_all_channels_and_is_added_to_the_gate():
    class Sums(nn.Module):
        def forward(self, z: torch.Tensor) -> torch.Tensor:
            return z.cumsum(dim=1)[..., ::2]

    torch.manual_seed(2)
    block, x = GatedBlock(DIM, INNER, FRAMES, Sums()), torch.randn(1, 5, DIM)
    w = drawn(block)
    more = Sums()(block.activation(block.widen(block.norm(x))))[0].detach().double().numpy()
    expected = torch.tensor(plain_block(w, x[0].double().numpy(), more))
    torch.testing.assert_close(block(x)[0].double(), expected, rtol=1e-4, atol=1e-4)


def test_at_first_the_gate_passes_one_half_nearly_as_it_is():
    torch.manual_seed(3)
    gate, x = SpatialGate(INNER, 50), torch.randn(2, 50, INNER)
    passed = x[..., : INNER // 2]
    assert not torch.equal(gate(x), passed)
    torch.testing.assert_close(gate(x), passed, rtol=0.5, atol=0)


def test_a_block_hears_every_step_and_no_other_clip():
    torch.manual_seed(4)
    block, x = GatedBlock(DIM, INNER, FRAMES), torch.randn(2, FRAMES, DIM)
    x.requires_grad_()
    (heard,) = torch.autograd.grad(block(x)[0, 0].sum(), x)
    assert (heard[0] != 0).any(dim=-1).all()
    assert not heard[1].any()


def test_a_sequence_that_is_too_long_is_refused():
    with raises_code("model.input", "8 frames for a spatial gate that has weights for 7"):
        GatedBlock(DIM, INNER, FRAMES)(torch.randn(1, 8, DIM))


@pytest.mark.parametrize("channels", [0, 1, 7])
def test_channels_that_have_no_halves_are_refused(channels):
    with raises_code("model.sizes", f"over {channels} channels: should be 2 or a multiple"):
        SpatialGate(channels, FRAMES)
