"""Settings of AASIST's graphs as a head over a front-end's states (SSL-AASIST)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.base import Count
from bench.specs.graphs import GraphSizes, PoolingShare
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class AasistSettings(GraphSizes, HeadSettings):
    """Spectro-temporal graph attention over hidden states (Tak et al., Odyssey 2022)."""

    kind: Literal["aasist"]
    width: Count = 128
    """Width of the states after the linear layer: the spectral axis."""
    attention_channels: Count = 128
    """Channels in the middle of what weighs hops and bands."""
    temporal_share: PoolingShare = 0.5
    """Share of nodes that the temporal graph pooling keeps."""

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.graph_head import GraphHead

        return GraphHead(given.dim, self)

    def official_rules(self) -> Rules:
        """Return the names of TakHemlata/SSL_Anti-spoofing at 17111cd by ours."""
        from bench.models.official_names import prefix_rules
        from bench.models.systems.blocks.graph_head import OFFICIAL

        return prefix_rules("head.", OFFICIAL)
