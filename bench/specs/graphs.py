"""Sizes of AASIST's residual blocks and graphs, over waveforms or over hidden states."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from bench.specs.base import Count, Positive, Spec

PoolingShare = Annotated[float, Field(gt=0, le=1)]


class GraphSizes(Spec):
    """What AASIST and its graphs as a head have in common. The defaults are AASIST's."""

    first_channels: Count = 32
    """Channels of the first two residual blocks."""
    channels: Count = 64
    """Channels of the last four residual blocks (24 in AASIST-L)."""
    graph_dim: Count = 64
    """Width of a node after the spectral and the temporal graph attention (24 in AASIST-L)."""
    joint_dim: Count = 32
    """Width of a node in the heterogeneous graphs, and of the stack node."""
    spectral_share: PoolingShare = 0.5
    """Share of nodes that the spectral graph pooling keeps (0.4 in AASIST-L)."""
    temporal_share: PoolingShare = 0.7
    """Share of nodes that the temporal graph pooling keeps (0.5 in AASIST-L and SSL-AASIST)."""
    joint_share: PoolingShare = 0.5
    """Share of nodes that each pooling in the heterogeneous branches keeps (0.7 in AASIST-L)."""
    graph_temperature: Positive = 2.0
    """Attention of the first two graphs is divided by this."""
    joint_temperature: Positive = 100.0
    """Attention of the heterogeneous graphs is divided by this."""
