"""Settings of one linear layer, the simplest head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.kinds import HeadInput, HopHeadSettings

if TYPE_CHECKING:
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class LinearSettings(HopHeadSettings):
    """Pooling and one linear layer (AntiDeepfake: Ge et al., 2025, with a mean over time)."""

    kind: Literal["linear"]

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.heads import LinearHead

        return LinearHead(given.dim, self)
