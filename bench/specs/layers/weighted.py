"""Settings of one learnt weight for each hidden state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.kinds import LayersSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.blocks.layers import LayerMerge

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class WeightedLayers(LayersSettings):
    """Sum all hidden states with one learnt weight each (SAL's S1 and later)."""

    kind: Literal["weighted"]
    weights: Literal["free", "softmax"] = "free"
    """`free`: plain numbers that start at 1/n, as released; `softmax`: weights that stay positive
    and sum to one."""

    def build(self, frontend: FrontEnd) -> LayerMerge:
        """Return the weighting of all the front-end's states."""
        from bench.models.systems.blocks.layers import WeightedStates

        return WeightedStates(frontend.n_states, self)
