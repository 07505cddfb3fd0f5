"""Settings of the last hidden state alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.kinds import LayersSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.blocks.layers import LayerMerge

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class LastLayer(LayersSettings):
    """Use the front-end's last hidden state alone (SAL's S0)."""

    kind: Literal["last"]

    def build(self, frontend: FrontEnd) -> LayerMerge:  # noqa: ARG002 - every front-end has one
        """Return the choice of the last state."""
        from bench.models.systems.blocks.layers import LastState

        return LastState()
