"""Settings of the front-end that is none: waveforms go to the system as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from bench.specs.kinds import FrontEndSettings

if TYPE_CHECKING:
    from bench.config import Config
    from bench.models.frontends.base import FrontEnd

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Waves(FrontEndSettings):
    """Hand the waveforms on, for systems without a pretrained model."""

    kind: Literal["waves"]

    gives_waves: ClassVar[bool] = True

    def build(self, config: Config) -> FrontEnd:  # noqa: ARG002 - it needs nothing of this machine
        """Return the front-end, which needs no weights."""
        return self.lay_out()

    def lay_out(self) -> FrontEnd:
        """Return the front-end."""
        from bench.models.frontends.waves import WaveFrontEnd

        return WaveFrontEnd()
