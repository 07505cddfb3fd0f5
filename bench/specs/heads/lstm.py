"""Settings of an LSTM as a head."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.base import Count
from bench.specs.kinds import HeadInput, HopHeadSettings

if TYPE_CHECKING:
    from bench.models.systems.blocks.heads import Head

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class LstmSettings(HopHeadSettings):
    """One LSTM, averaged over time."""

    kind: Literal["lstm"]
    units: Count = 192

    def build(self, given: HeadInput) -> Head:
        """Return the head."""
        from bench.models.systems.blocks.heads import LstmHead

        return LstmHead(given.dim, self)
