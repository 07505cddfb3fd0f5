"""AASIST's graphs as a head over a front-end's states: SSL-AASIST (Tak et al., Odyssey 2022).

Written from the released code (TakHemlata/SSL_Anti-spoofing at 17111cd). Shapes for 201 hops and
the released sizes: states (B, 201, D) -> narrowed (B, 201, 128) -> maxima over 3 bands and 3 hops
(B, 1, 42, 67) -> six residual blocks that keep bands and steps (B, 64, 42, 67) -> 42 spectral and
67 temporal nodes of 64, each a mean of the steps or bands with learnt weights -> readout (B, 160)
-> logits (B, 2). A clip may have any length of three hops or more.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.errors import BenchError
from bench.models.full_precision import BatchNorm2d, widen_halves
from bench.models.systems.blocks.graphs import OFFICIAL_GRAPHS, GraphReadout, ResidualBlock
from bench.specs.heads.aasist import AasistSettings

POOLED = 3
"""Bands, and hops, that a maximum is taken over."""
BLOCKS = 6


class GraphHead(GraphReadout):
    """States "batch hops dim" to logits "batch 2"; see the module's docstring."""

    def __init__(self, dim: int, spec: AasistSettings) -> None:
        super().__init__()
        if spec.width < POOLED:
            raise BenchError(
                "model.sizes",
                f"head.width = {spec.width}: should be at least {POOLED}, which give one band",
            )
        self.narrow = nn.Linear(dim, spec.width)
        self.norm = BatchNorm2d(1)
        channels = [1, *[spec.first_channels] * 2, *[spec.channels] * (BLOCKS - 2)]
        self.blocks = nn.Sequential(*(ResidualBlock(*pair, 1) for pair in pairwise(channels)))
        self.encoded_norm = BatchNorm2d(spec.channels)
        self.widen_attention = nn.Conv2d(spec.channels, spec.attention_channels, 1)
        self.attention_norm = BatchNorm2d(spec.attention_channels)
        self.narrow_attention = nn.Conv2d(spec.attention_channels, spec.channels, 1)
        self.position = nn.Parameter(torch.randn(1, spec.width // POOLED, spec.channels))
        self.add_graphs(spec.channels, spec)

    def encode_bands(self, x: Tensor) -> Tensor:
        """Return "batch channels bands steps" of "batch hops dim"."""
        if x.shape[1] < POOLED:
            raise BenchError(
                "model.input",
                f"head.kind = 'aasist': takes maxima over {POOLED} hops: clips of {x.shape[1]} "
                "hops are too short",
            )
        bands = F.max_pool2d(self.narrow(x).transpose(1, 2)[:, None], POOLED)
        encoded = self.blocks(F.selu(self.norm(bands)))
        return F.selu(self.encoded_norm(encoded))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        encoded = self.encode_bands(x)
        hidden = self.attention_norm(F.selu(self.widen_attention(encoded)))
        scores = widen_halves(self.narrow_attention(hidden))
        spectral = (encoded * scores.softmax(dim=3)).sum(dim=3).transpose(1, 2) + self.position
        temporal = (encoded * scores.softmax(dim=2)).sum(dim=2).transpose(1, 2)
        return self.classify(self.dropout(self.read_graphs(spectral, temporal)))


OFFICIAL = (
    (r"LL\.", "narrow."),
    (r"first_bn1\.", "encoded_norm."),
    (r"attention\.0\.", "widen_attention."),
    (r"attention\.2\.", "attention_norm."),
    (r"attention\.3\.", "narrow_attention."),
    *OFFICIAL_GRAPHS,
)
"""Names of TakHemlata/SSL_Anti-spoofing at 17111cd and what these become here."""
