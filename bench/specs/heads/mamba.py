"""Settings of the dual-column Mamba (Xiao and Das, IEEE Signal Processing Letters 2025)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.base import Count, Share
from bench.specs.kinds import HeadInput, HeadSettings

if TYPE_CHECKING:
    from bench.models.official_names import Rules
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class MambaSettings(HeadSettings):
    """Two columns of selective state-space blocks, one of which hears the clip backwards.

    XLSR-Mamba (Xiao and Das, IEEE Signal Processing Letters 2025).
    """

    kind: Literal["mamba"]
    width: Count = 144
    """Width of the states after the linear layer, and of the blocks."""
    blocks: Count = 6
    """Of each column."""
    expansion: Count = 2
    """Channels of a block's scan against the states' width."""
    state: Count = 16
    """Numbers that the scan remembers for each channel."""
    kernel: Count = 4
    """Hops that the causal convolution before the scan spans."""
    dropout: Share = 0.1
    """Of the columns' input, and before the classifier, in training."""
    last_added: Literal["block", "input"] = "block"
    """What the sum before the last normalisation ends with: the outcome of a column's last block;
    or the columns' input, as released, not even backwards in the column that hears it so. The last
    blocks are then dead: they change no output and are not trained."""

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.mamba import MambaHead

        return MambaHead(given.dim, self)

    def official_rules(self) -> Rules:
        """Return the names of swagshaw/XLSR-Mamba by ours."""
        from bench.models.systems.blocks.mamba import OFFICIAL

        return OFFICIAL
