"""Multi-head factorised attentive pooling over all hidden states (MHFA).

Peng, Plchot, Stafylakis, Mošner, Burget and Černocký, "An attention-based backend allowing
efficient fine-tuning of transformer models for speaker verification", SLT 2022; sizes and
classifier of WeDefense (zlin0/wedefense at 0d29584). Shapes for 149 hops and the released sizes:
25 states (B, 149, D) -> keys and values, each a sum of the states with weights of its own, (B, 149,
128) -> scores of 32 heads (B, 149, 32) -> 32 means of the values (B, 4096) -> embedding (B, 256)
-> batch normalisation, ReLU, logits (B, 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm1d, widen_halves
from bench.models.systems.blocks.layers import sum_states
from bench.specs.heads.mhfa import MhfaSettings
from bench.specs.kinds import HeadInput
from bench.units import CLASSES


class MhfaHead(nn.Module):
    """All states, each "batch hops dim", to logits "batch 2"; see the module's docstring."""

    def __init__(self, given: HeadInput, spec: MhfaSettings) -> None:
        super().__init__()
        self.centred = spec.centred == "dimensions"
        self.key_weights, self.value_weights = (
            nn.Parameter(torch.ones(given.n_states)) for _ in range(2)
        )
        self.key, self.value = (nn.Linear(given.dim, spec.compression) for _ in range(2))
        self.score = nn.Linear(spec.compression, spec.heads)
        self.embed = nn.Linear(spec.heads * spec.compression, spec.embedding)
        self.norm = BatchNorm1d(spec.embedding)
        self.classify = nn.Linear(spec.embedding, len(CLASSES))

    def sum_all(self, states: Sequence[Tensor], weights: Tensor) -> Tensor:
        """Return "batch hops dim"; as the shares sum to one, the sum may be centred for all."""
        total = sum_states(states, weights.softmax(0))
        return total - total.mean(dim=-1, keepdim=True) if self.centred else total

    def embed_clips(self, states: Sequence[Tensor]) -> Tensor:
        """Return "batch embedding"."""
        key = self.key(self.sum_all(states, self.key_weights))
        value = self.value(self.sum_all(states, self.value_weights))
        shares = widen_halves(self.score(key)).softmax(dim=1)
        means = shares.transpose(1, 2) @ value.to(shares.dtype)
        return self.embed(means.flatten(1))

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """Return the logits."""
        return self.classify(F.relu(self.norm(self.embed_clips(states))))
