"""Settings of the small front-end with random weights."""

from __future__ import annotations

from typing import Literal

from bench.specs.base import Count
from bench.specs.frontends.encoder import EncoderSettings


class Tiny(EncoderSettings):
    """A small encoder of the same family with random weights, for smoke rows and tests only."""

    kind: Literal["tiny"]
    family: Literal["wav2vec2", "wavlm"] = "wav2vec2"
    blocks: Count = 4
    dim: Count = 96
    heads: Count = 4
    feed_forward: Count = 192
    channels: Count = 48
    """Channels of the last three convolutions; the earlier ones, where the rate is highest, have a
    quarter and a half of it (the published models have 512 throughout)."""
