"""From a vector for each hop to one for each frame, or for the whole clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import widen_halves


def pool_states(states: Tensor, hops: int | None) -> Tensor:
    """Average each `hops` states: "batch hops dim" to "batch frames dim"; the last may be short.

    None: average all.
    """
    if hops is None:
        return states.mean(dim=1, keepdim=True)
    if hops == 1:
        return states
    return F.avg_pool1d(states.transpose(1, 2), hops, ceil_mode=True).transpose(1, 2)


def softmax_mean(states: Tensor, scores: Tensor) -> Tensor:
    """Return "batch dim": a mean of `states` "batch hops dim", weighted by softmax over the hops.

    `scores` are "batch hops 1". In float32.
    """
    return (widen_halves(scores).softmax(dim=1) * states).sum(dim=1)


class AttentivePooling(nn.Module):
    """A weighted mean of each `hops` states, its weights a softmax of tanh(w x + b)."""

    def __init__(self, dim: int, *, bias: bool = True) -> None:
        super().__init__()
        self.score = nn.Linear(dim, 1, bias=bias)

    def forward(self, states: Tensor, hops: int | None) -> Tensor:
        """Return "batch frames dim" for "batch hops dim", as `pool_states` does."""
        number = states.shape[1]
        hops = hops or number
        scores = widen_halves(torch.tanh(self.score(states)))
        missing = -number % hops
        scores = F.pad(scores, (0, 0, 0, missing), value=float("-inf")).unflatten(1, (-1, hops))
        padded = F.pad(states, (0, 0, 0, missing)).unflatten(1, (-1, hops))
        return (scores.softmax(dim=2) * padded).sum(dim=2)
