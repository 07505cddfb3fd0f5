"""Settings of sensitive layer selection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.kinds import LayersSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.blocks.layers import LayerMerge

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class SensitiveLayersSettings(LayersSettings):
    """Sum the outputs of all blocks with weights that depend on the clip.

    Zhang, Wen and Hu, ACM MM 2024.
    """

    kind: Literal["sensitive"]
    score: Literal["shared", "own"] = "shared"
    """The linear layer that a weight is computed by: one for all blocks, as released, or each its
    own."""

    def build(self, frontend: FrontEnd) -> LayerMerge:
        """Return the selection among the outputs of the front-end's blocks."""
        from bench.models.systems.blocks.sls import SensitiveLayers

        own = self.score == "own"
        return SensitiveLayers(frontend.dim, frontend.n_states, one_score_each=own)
