"""BreathFiLM: modulate temporal features by where someone breathes.

Equations are those of BreathNet (Ye et al., 2026, section III.A.3).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.specs.systems.breathnet import BreathFilmSettings as Spec


class BreathFilm(nn.Module):
    """Multiply each hop by 1 + g, g in (0, 1) for each dimension, by the hop's breath mark."""

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        bias = spec.bias == "learnt"
        self.mlp = nn.Sequential(
            nn.Linear(1, spec.hidden, bias=bias),
            nn.ReLU(),
            nn.Linear(spec.hidden, dim, bias=bias),
            nn.Sigmoid(),
        )
        self.register_buffer("either", torch.tensor([[0.0], [1.0]]), persistent=False)
        self.either: Tensor

    def breath_gains(self) -> Tensor:
        """Return 1 + g of equations 5 and 6 for a hop without breath and one with, "2 dim".

        A mark is one bit, so that there are no other gates.
        """
        return 1.0 + self.mlp(self.either)

    def forward(self, x: Tensor, breath_mask: Tensor) -> Tensor:
        """Equation 6: `x`, "batch hops dim", times the gains of `breath_mask`, "batch hops"."""
        return x * F.embedding(breath_mask.long(), self.breath_gains())
