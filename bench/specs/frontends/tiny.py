"""Settings of the small front-end with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.base import Count
from bench.specs.frontends.encoder import EncoderSettings

if TYPE_CHECKING:
    from bench.config import Config
    from bench.models.frontends.base import FrontEnd

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


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

    def build(self, config: Config) -> FrontEnd:  # noqa: ARG002 - it needs nothing of this machine
        """Return the encoder, its weights drawn from torch's global generator."""
        return self.lay_out()

    def lay_out(self) -> FrontEnd:
        """Return the encoder, its weights drawn from torch's global generator."""
        from bench.models.frontends.tiny import draw_encoder

        return draw_encoder(self)
