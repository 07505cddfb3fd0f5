"""Attentive statistics pooling: a sequence to one token, as TCA has it.

Wang et al., "Attention mechanism in speaker recognition", SLT 2018; equations are those of TCA (Li
and Zhang, Interspeech 2024, section 3.2).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bench.models.full_precision import widen_halves
from bench.specs.systems.tca import AttentiveStatisticsSettings as Spec

LEAST_VARIANCE = 1e-8
"""Variances below it count as it: the square root has no slope at zero, where a channel is that is
constant over the utterance, and rounding makes some slightly negative."""


class AttentiveStatistics(nn.Module):
    """Weighted mean and deviation over time, projected: "batch frames dim" to "batch 1 dim"."""

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.score = nn.Linear(dim, 1, bias=spec.bias == "learnt")
        self.project = nn.Linear(2 * dim, dim)

    def attention_weights(self, x: Tensor) -> Tensor:
        """Equations 1 and 2: e_t = tanh(W S_t + b), softmax over time; "batch frames 1".

        One score a frame for all channels: that is how we read "shared across all C channels".
        """
        return widen_halves(torch.tanh(self.score(x))).softmax(dim=1)

    def weighted_statistics(self, x: Tensor) -> Tensor:
        """Equations 3 and 4: weighted mean, then weighted deviation; "batch 2*dim"."""
        weights = self.attention_weights(x)
        mean = (weights * x).sum(dim=1)
        if self.spec.mean == "divided":
            mean = mean / x.shape[1]
        variance = (weights * x.square()).sum(dim=1) - mean.square()
        if self.spec.deviation == "sqrt":
            variance = variance.clamp_min(LEAST_VARIANCE).sqrt()
        return torch.cat([mean, variance], dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        """Return the token S^u, "batch 1 dim", of the frames `x`, "batch frames dim"."""
        # In float32 whatever the precision around: equation 4 is a difference of two close numbers.
        with torch.autocast(x.device.type, enabled=False):
            statistics = self.weighted_statistics(x.float())
        return self.project(statistics)[:, None]
