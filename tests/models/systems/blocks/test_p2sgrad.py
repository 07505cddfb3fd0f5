"""P2SGrad: cosines to class vectors, and their squared distance from one-hot labels."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.models.systems.blocks.p2sgrad import CosineHead, cosine_loss


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3))
def test_cosines_are_of_the_angle_alone(seed, scale):
    torch.manual_seed(seed)
    head, x = CosineHead(5), torch.randn(3, 4, 5)
    expected = torch.empty(3, 4, 2, dtype=torch.float64)
    for clip, frame, label in np.ndindex(3, 4, 2):
        one, other = x[clip, frame].double(), head.weight[:, label].detach().double()
        expected[clip, frame, label] = one @ other / sqrt(one @ one) / sqrt(other @ other)
    torch.testing.assert_close(head(scale * x).double(), expected, atol=1e-5, rtol=0)
    with torch.no_grad():
        head.weight.mul_(scale)
    torch.testing.assert_close(head(x).double(), expected, atol=1e-5, rtol=0)


def test_class_vectors_start_with_length_one_and_silence_is_at_no_angle():
    head = CosineHead(7)
    torch.testing.assert_close(head.weight.norm(dim=0), torch.ones(2))
    answer = head(torch.zeros(1, 3, 7))
    assert torch.equal(answer, torch.zeros(1, 3, 2))
    answer.sum().backward()
    assert torch.isfinite(head.weight.grad).all()


def test_cosines_are_float32_in_16_bits():
    head, x = CosineHead(4), torch.randn(2, 3, 4)
    with torch.autocast("cpu", torch.bfloat16):
        rough = head(x)
    torch.testing.assert_close(rough, head(x))


def test_the_loss_is_the_mean_over_valid_frames_and_both_classes():
    torch.manual_seed(1)
    values = 2 * torch.rand(2, 6, 2) - 1
    spoof, valid = torch.rand(2, 6) < 0.5, torch.tensor([[True] * 6, [True] * 2 + [False] * 4])
    each = [
        ((value - np.array([not is_spoof, is_spoof])) ** 2).mean()
        for value, is_spoof, is_valid in zip(
            values.reshape(-1, 2).double().numpy(), spoof.flatten(), valid.flatten(), strict=True
        )
        if is_valid
    ]
    assert cosine_loss(values, spoof, valid).item() == pytest.approx(np.mean(each))
    assert cosine_loss(values, spoof, torch.zeros_like(valid)).item() == 0
    right = torch.nn.functional.one_hot(spoof.long(), 2).float()
    assert cosine_loss(right, spoof, valid).item() == 0
