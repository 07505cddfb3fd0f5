"""What layers and heads of composed systems give on drawn states, with their first weights."""

from __future__ import annotations

import torch

from bench.config import Config
from bench.specs import heads as head_specs
from bench.specs import layers as layers_specs
from bench.specs.frontends.tiny import Tiny
from bench.specs.kinds import HeadInput
from bench.units import count_hops
from tests.versions.summary import Output, summary


def merge_states(kind: str) -> Output:
    """Return what a merging makes of drawn states, with its first weights."""
    spec = layers_specs.Layers.find_member(kind)
    torch.manual_seed(1)
    frontend = Tiny(kind="tiny", blocks=2, dim=64, heads=2, feed_forward=16).build(Config())
    made = spec(kind=kind).build(frontend)
    merged = made(tuple(draw_states(3)))
    return {"merged": summary(torch.stack(merged) if isinstance(merged, tuple) else merged)}


def classify_states(kind: str) -> Output:
    """Return the logits of drawn states, in training and in evaluation, with first weights."""
    spec = head_specs.Head.find_member(kind)(kind=kind)
    torch.manual_seed(1)
    made = spec.build(HeadInput(64, 3, 40_000))
    given = tuple(draw_states(3)) if spec.takes_all else draw_states(1)[0]
    found: Output = {}
    for training in (True, False):
        torch.manual_seed(2)
        found["in training" if training else "in evaluation"] = summary(made.train(training)(given))
    return found


def draw_states(number: int) -> torch.Tensor:
    """Return states of two clips of 40,000 samples, "number 2 124 64"."""
    generator = torch.Generator().manual_seed(1)
    return torch.randn(number, 2, count_hops(40_000), 64, generator=generator)
