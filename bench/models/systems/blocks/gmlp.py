"""gMLP: blocks that mix steps of time by a learnt matrix instead of attention.

Liu, Dai, So and Le, Pay Attention to MLPs (NeurIPS 2021), section 2. A matrix has a weight for each
pair of steps, so that a block takes sequences of a greatest length; of a shorter one it uses the
first rows and columns. Nothing is normalised over the batch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.errors import BenchError
from bench.models.full_precision import LayerNorm

START_RANGE = 0.01
"""Weights of a spatial gate start within so much of 0, and its biases at 1 (section 2.1: a block is
then close to one without mixing)."""


class SpatialGate(nn.Module):
    """The spatial gating unit (section 2.1): one half of the channels gates the other.

    The half that gates is normalised and mixed over time, with a bias for each step. With
    `attention`, which takes all channels and gives half as many, its output is added before the
    gate (aMLP, section 4.3).
    """

    def __init__(self, channels: int, frames: int, attention: nn.Module | None = None) -> None:
        super().__init__()
        if channels < 2 or channels % 2:
            raise BenchError(
                "model.sizes",
                f"a spatial gate over {channels} channels: should be 2 or a multiple of it, as one "
                "half gates the other",
            )
        self.norm = LayerNorm(channels // 2)
        self.weight = nn.Parameter(torch.empty(frames, frames).uniform_(-START_RANGE, START_RANGE))
        self.bias = nn.Parameter(torch.ones(frames))
        self.attention = attention

    def forward(self, x: Tensor) -> Tensor:
        """Return "batch frames channels/2" for "batch frames channels".

        More frames than the gate has weights for are a BenchError.
        """
        n, most = x.shape[1], len(self.bias)
        if n > most:
            raise BenchError(
                "model.input", f"{n} frames for a spatial gate that has weights for {most}"
            )
        passed, gating = x.chunk(2, dim=-1)
        gate = self.weight[:n, :n] @ self.norm(gating) + self.bias[:n, None]
        if self.attention is not None:
            gate = gate + self.attention(x)
        return passed * gate


class GatedBlock(nn.Module):
    """A gMLP block: LayerNorm, Linear, GELU, spatial gate, Linear, beside its input."""

    def __init__(
        self, dim: int, inner: int, frames: int, attention: nn.Module | None = None
    ) -> None:
        """Take up to `frames` steps; `inner` is the width between the two linear layers."""
        super().__init__()
        self.norm = LayerNorm(dim)
        self.widen = nn.Linear(dim, inner)
        self.activation = nn.GELU()
        self.gate = SpatialGate(inner, frames, attention)
        self.narrow = nn.Linear(inner // 2, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return "batch frames dim" for "batch frames dim"."""
        return x + self.narrow(self.gate(self.activation(self.widen(self.norm(x)))))
