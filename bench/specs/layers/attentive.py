"""Settings of attentive merging (AttM: Pan et al., Interspeech 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from bench.specs.base import Count, NoneAs
from bench.specs.kinds import LayersSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.blocks.layers import LayerMerge

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""

_all = NoneAs("all")
Blocks = Annotated[Count | None, _all.read, _all.write]
"""How many of the front-end's blocks, from the first; `all` in a card, None in code."""


class AttentiveMergingSettings(LayersSettings):
    """Merge the hidden states of all blocks (AttM: Pan et al., Interspeech 2024)."""

    kind: Literal["attentive"]
    ratio: Annotated[float, Field(gt=0, le=1)] = 0.25
    """Width of the projection's hidden layer, as a share of layers * dim."""
    layers: Blocks = None
    """How many blocks are merged; those behind them do not run. The authors found 12 of WavLM-Large
    to be enough."""
    first_weights: Literal["scaled", "unit-normal"] = "scaled"
    """How the gates' weights are drawn: as torch's linear layers; or from a normal distribution
    of unit variance, as released, which saturates the gates."""

    def build(self, frontend: FrontEnd) -> LayerMerge:
        """Return the merging of the first blocks; the front-end stops after them from now on.

        BenchError where it has fewer, or cannot stop.
        """
        from bench.models.systems.blocks.merging import build_merging

        return build_merging(self, frontend)
