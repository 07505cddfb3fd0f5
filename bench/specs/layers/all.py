"""Settings of handing all hidden states on."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.kinds import LayersSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd
    from bench.models.systems.blocks.layers import LayerMerge

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class AllLayers(LayersSettings):
    """Hand all hidden states on, for a head that merges them itself (`mhfa`)."""

    kind: Literal["all"]

    gives_all: ClassVar[bool] = True

    def build(self, frontend: FrontEnd) -> LayerMerge:  # noqa: ARG002 - every front-end has some
        """Return what hands the states on."""
        from bench.models.systems.blocks.layers import AllStates

        return AllStates()
