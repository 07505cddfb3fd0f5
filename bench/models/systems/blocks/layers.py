"""From a front-end's hidden states to one sequence: the last, or a learnt weighting of all.

Or to all of them, for a head that merges them itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench.models.full_precision import widen_halves
from bench.specs.layers.weighted import WeightedLayers

LayerMerge = nn.Module
"""Called with a front-end's states, each "batch hops dim"; returns "batch hops dim", or all."""


class LastState(nn.Module):
    """Return the last hidden state (SAL's S0)."""

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """`states`: each "batch hops dim". Return "batch hops dim"."""
        return states[-1]


class AllStates(nn.Module):
    """Return all hidden states, for a head that merges them itself."""

    def forward(self, states: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """`states`: each "batch hops dim". Return the same."""
        return tuple(states)


def sum_states(states: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Return the sum of `states`, each "batch hops dim" with one of `weights`, in float32."""
    # One state after the other: stacking 25 states would hold all of them once more.
    # In float32 from the first: a weight alone would take the states' precision.
    total = weights[0] * widen_halves(states[0])
    for weight, state in zip(weights[1:], states[1:], strict=True):
        total = torch.addcmul(total, weight, state)
    return total


class WeightedStates(nn.Module):
    """Sum all hidden states, each with one learnt weight that starts at 1/n.

    SAL section 3.1 and 3.3 ("weighted layer averaging"). `free` weights may leave [0, 1], as in the
    released code; with `softmax` they are positive and sum to one.
    """

    def __init__(self, n_states: int, spec: WeightedLayers) -> None:
        super().__init__()
        start = 1.0 / n_states if spec.weights == "free" else 0.0
        self.weights = nn.Parameter(torch.full((n_states,), start))
        self.rule = spec.weights

    def forward(self, states: Sequence[Tensor]) -> Tensor:
        """`states`: each "batch hops dim". Return "batch hops dim", in float32."""
        return sum_states(
            states, self.weights.softmax(0) if self.rule == "softmax" else self.weights
        )
