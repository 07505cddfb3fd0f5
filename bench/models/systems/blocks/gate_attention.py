"""Attention beside a spatial gate (aMLP), and across two sequences, as CFPRF has them.

Wu et al., ACM MM 2024; Liu et al., NeurIPS 2021, section 4.3 (tiny attention). Facts that the paper
leaves open follow ItzJuny/CFPRF at 358a901; the code is ours.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from bench.models.full_precision import widen_halves


class TinyAttention(nn.Module):
    """One head of self-attention without a residual: "batch frames dim" to "batch frames out".

    `over-batch` is the released one: frames of the same time attend to each other across the
    batch, and the softmax is over time. A clip alone then takes of itself alone.
    """

    def __init__(
        self, dim: int, out: int, width: int, rule: Literal["over-frames", "over-batch"]
    ) -> None:
        super().__init__()
        self.project_in = nn.Linear(dim, 3 * width)
        self.project_out = nn.Linear(width, out)
        self.rule = rule

    def forward(self, x: Tensor) -> Tensor:
        """Return what each frame takes, projected."""
        query, key, value = self.project_in(x).chunk(3, dim=-1)
        if self.rule == "over-batch":
            query, key, value = (part.transpose(0, 1) for part in (query, key, value))
        likeness = widen_halves(query @ key.transpose(1, 2)) / key.shape[-1] ** 0.5
        over = -1 if self.rule == "over-frames" else 0
        taken = likeness.softmax(dim=over) @ value
        if self.rule == "over-batch":
            taken = taken.transpose(0, 1)
        return self.project_out(taken)


class BoundaryAttention(nn.Module):
    """One head of attention of a sequence to another, without a residual; nothing has a bias."""

    def __init__(self, dim: int, values: Literal["boundary-features", "keys"]) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(dim, dim, bias=False) for _ in range(3))
        self.values = values

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        """Return what each frame of `x` takes of `other`, both "batch frames dim"."""
        query, key = self.query(x), self.key(other)
        value = self.value(key if self.values == "keys" else other)
        likeness = widen_halves(query @ key.transpose(1, 2)) / key.shape[-1] ** 0.5
        return likeness.softmax(dim=-1) @ value
