"""Settings of AASIST's graphs as a head over a front-end's states (SSL-AASIST)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.base import Count, Positive
from bench.specs.kinds import HeadInput, HeadSettings
from bench.specs.systems.aasist import PoolingShare

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class AasistSettings(HeadSettings):
    """Spectro-temporal graph attention over hidden states (Tak et al., Odyssey 2022)."""

    kind: Literal["aasist"]
    width: Count = 128
    """Width of the states after the linear layer: the spectral axis."""
    first_channels: Count = 32
    """Channels of the first two residual blocks."""
    channels: Count = 64
    """Channels of the last four residual blocks."""
    attention_channels: Count = 128
    """Channels in the middle of what weighs hops and bands."""
    graph_dim: Count = 64
    """Width of a node after the spectral and the temporal graph attention."""
    joint_dim: Count = 32
    """Width of a node in the heterogeneous graphs, and of the stack node."""
    spectral_share: PoolingShare = 0.5
    """Share of nodes that the spectral graph pooling keeps."""
    temporal_share: PoolingShare = 0.5
    """Share of nodes that the temporal graph pooling keeps."""
    joint_share: PoolingShare = 0.5
    """Share of nodes that each pooling in the heterogeneous branches keeps."""
    graph_temperature: Positive = 2.0
    """Attention of the first two graphs is divided by this."""
    joint_temperature: Positive = 100.0
    """Attention of the heterogeneous graphs is divided by this."""

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.graph_head import GraphHead

        return GraphHead(given.dim, self)

    def official_rules(self) -> Rules:
        """Return the names of TakHemlata/SSL_Anti-spoofing at 17111cd by ours."""
        from bench.models.official_names import prefix_rules
        from bench.models.systems.blocks.graph_head import OFFICIAL

        return prefix_rules("head.", OFFICIAL)
