"""Settings of the Conformer with temporal-channel modelling (Truong et al., Interspeech 2024)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from bench.specs.base import Count, Positive, Share
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class TcmSettings(HeadSettings):
    """Conformer blocks whose attention has a token for each of its heads (TCM), a class token.

    Truong et al., Interspeech 2024.
    """

    kind: Literal["tcm"]
    width: Annotated[int, Field(ge=2, multiple_of=2)] = 144
    """Width of the states after the linear layer, and of the blocks."""
    blocks: Count = 4
    heads: Count = 4
    feed_forward_ratio: Positive = 4.0
    """Width of the feed-forward modules against the states' width."""
    expansion: Count = 2
    """Channels of the convolution against the states' width."""
    kernel: Annotated[int, Field(ge=3)] = 31
    """Hops that the convolution spans, an odd number."""
    dropout: Share = 0.0
    """Of the feed-forward modules and the convolution, in training."""

    @model_validator(mode="after")
    def _whole_heads(self) -> TcmSettings:
        if self.width % self.heads:
            raise ValueError(f"heads = {self.heads}: should divide width = {self.width}")
        if not self.kernel % 2:
            raise ValueError(f"kernel = {self.kernel}: should be an odd number")
        return self

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.tcm import TcmHead

        return TcmHead(given.dim, self)

    def official_rules(self) -> Rules:
        """Return the names of ductuantruong/tcm_add at 1f1179a by ours."""
        from bench.models.systems.blocks.tcm import OFFICIAL

        return OFFICIAL
