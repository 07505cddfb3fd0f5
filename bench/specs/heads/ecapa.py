"""Settings of ECAPA-TDNN as a head (Desplanques et al., Interspeech 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Count
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class EcapaSettings(HeadSettings):
    """ECAPA-TDNN (Desplanques et al., Interspeech 2020), sized as in the code of AttM's authors."""

    kind: Literal["ecapa"]
    channels: Count = 512
    scale: Annotated[int, Field(ge=2)] = 8
    """How many parts the channels of a Res2 block are split into."""
    dilations: Annotated[tuple[Count, ...], Field(min_length=1, strict=False)] = (2, 3, 4)
    """Of each SE-Res2 block: there are as many."""
    squeeze: Count = 128
    """Width of the squeeze-excitation bottlenecks."""
    aggregated: Count = 1536
    """Channels after the blocks' outputs are put together."""
    attention: Count = 256
    """Width of the attention's bottleneck in the statistics pooling (128 in the paper of ECAPA)."""
    embedding: Count = 192

    @model_validator(mode="after")
    def _whole_parts(self) -> EcapaSettings:
        if self.channels % self.scale:
            raise ValueError(
                f"channels = {self.channels}: should be a multiple of scale = {self.scale}"
            )
        return self

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.ecapa import Ecapa

        return Ecapa(given.dim, self)
