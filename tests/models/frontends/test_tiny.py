"""The tiny front-end is of both families, follows the seed and learns from scratch."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from bench.config import Config
from bench.specs.frontends.tiny import Tiny
from tests.errors import raises_code


@pytest.mark.parametrize("family", ["wav2vec2", "wavlm"])
def test_it_has_the_dimensions_of_its_specification(family):
    spec = Tiny(kind="tiny", family=family, blocks=2, dim=20, heads=5, feed_forward=30, channels=8)
    encoder = spec.build(Config())
    states = encoder(torch.randn(2, 320 * 9 + 80))
    assert [state.shape for state in states] == [(2, 9, 20)] * 3
    assert (encoder.dim, encoder.n_states, encoder.config.family) == (20, 3, family)


def test_the_seed_decides_its_weights():
    def drawn(seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return Tiny(kind="tiny", blocks=1).build(Config()).state_dict()

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["projection.weight"], other["projection.weight"])


def test_heads_must_divide_its_width():
    with raises_code("model.sizes") as error:
        Tiny(kind="tiny", heads=5).build(Config())
    assert "5 heads" in str(error.value)


@pytest.mark.rows
@pytest.mark.parametrize(("convolutions", "least"), [("frozen", 0.7), ("trained", 0.9)])
def test_it_learns_where_a_tone_lies(convolutions, least):
    """Half a second of noise, half of it with a faint tone: which hops, from random weights?"""
    torch.manual_seed(0)
    spec = Tiny(
        kind="tiny", blocks=2, dim=32, heads=2, feed_forward=64, channels=16,
        convolutions=convolutions,
    )  # fmt: skip
    encoder, head = spec.build(Config()), nn.Linear(32, 1)
    optimiser = torch.optim.Adam([*encoder.parameters(), *head.parameters()], 2e-3)
    for _ in range(60):
        waves, tone = _tones(8)
        logits = head(encoder(waves)[-1])[..., 0]
        loss = nn.functional.binary_cross_entropy_with_logits(logits, tone.float())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    waves, tone = _tones(16)
    correct = ((head(encoder(waves)[-1])[..., 0] > 0) == tone).float().mean()
    assert correct > least


def _tones(batch: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return waves and, for each of their 24 hops, whether the tone sounds there."""
    starts = torch.randint(0, 13, (batch, 1))
    hops = torch.arange(24)
    tone = (hops >= starts) & (hops < starts + 12)
    sounding = tone.repeat_interleave(320, dim=1)
    time = torch.arange(24 * 320) / 16_000
    waves = torch.randn(batch, 24 * 320) + sounding * torch.sin(2 * torch.pi * 700 * time)
    return nn.functional.pad(waves, (0, 80)), tone
