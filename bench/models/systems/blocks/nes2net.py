"""Nes2Net-X over a front-end's states (Liu, Truong, Das, Lee and Li, IEEE TIFS 2025).

Written from its released code: a Res2Net of Res2Nets, at the front-end's own width.

The outer network splits the dimensions into groups. Each but the last is added to the outcome of
the one before and goes through an inner network, ReLU and batch normalisation; the last passes as
it is. "X" is the inner network, which weighs where Res2Net adds: see `WeightedRes2`. Without X the
inner networks are plain Res2Nets.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.full_precision import BatchNorm1d
from bench.models.systems.blocks.ecapa import Res2Block
from bench.specs.heads.nes2net import Nes2NetSettings as Spec
from bench.units import CLASSES


class WeightedRes2(Res2Block):
    """Res2Net whose parts are kept side by side: "batch channels hops" in and out.

    The last part begins a pile, every other is put on top in turn; each time the whole pile is
    convolved, every layer of it alike, and its learnt weighted sum is an outcome.
    """

    def add_weights(self, scale: int) -> None:
        """Add a weight for each layer of each pile."""
        self.weights = nn.ParameterList(
            torch.full((height,), 1 / height) for height in range(2, scale + 1)
        )

    def convolve_parts(self, parts: Sequence[Tensor], passed: Tensor) -> list[Tensor]:
        """Return the weighted sum of the pile each time that a part is put on top."""
        pile, outcomes = passed[:, None], list[Tensor]()
        for convolve, weights, part in zip(self.parts, self.weights, parts, strict=True):
            pile = torch.cat([pile, part[:, None]], dim=1)
            pile = convolve(pile.flatten(0, 1)).unflatten(0, pile.shape[:2])
            outcomes.append((weights[:, None, None] * pile).sum(dim=1))
        return outcomes


class Nes2Net(nn.Module):
    """Frames "batch hops dim" to logits "batch 2".

    Raise `BenchError` where the dimensions do not divide into the groups.
    """

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        if dim % spec.groups:
            raise BenchError(
                "model.sizes",
                f"system.head.groups = {spec.groups}: should divide the front-end's {dim} "
                "dimensions",
            )
        self.width = dim // spec.groups
        if self.width < spec.scale:
            raise BenchError(
                "model.sizes",
                f"system.head.scale = {spec.scale}: cannot split the {self.width} dimensions of "
                f"each of system.head.groups = {spec.groups}: should be at most {self.width}",
            )
        inner = WeightedRes2 if spec.inner == "weighted" else Res2Block
        sizes = (self.width, spec.scale, spec.dilation, max(1, self.width // spec.reduction))
        self.inner = nn.ModuleList(inner(*sizes) for _ in range(spec.groups - 1))
        self.norms = nn.ModuleList(BatchNorm1d(self.width) for _ in self.inner)
        self.norm = BatchNorm1d(dim)
        self.classify = nn.Linear(dim, len(CLASSES))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of the mean over time."""
        *groups, passed = x.transpose(1, 2).split(self.width, dim=1)
        outcomes: list[Tensor] = []
        for inner, norm, group in zip(self.inner, self.norms, groups, strict=True):
            outcomes.append(norm(F.relu(inner(outcomes[-1] + group if outcomes else group))))
        joined = F.relu(self.norm(torch.cat([*outcomes, passed], dim=1)))
        return self.classify(joined.mean(dim=2))
