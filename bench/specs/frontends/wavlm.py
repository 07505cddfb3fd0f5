"""Settings of WavLM as a front-end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.frontends.encoder import PretrainedSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class WavLM(PretrainedSettings):
    """WavLM-Large from a local checkpoint."""

    kind: Literal["wavlm"]
    weights: str = "wavlm_large"
    """Key of `[weights]` in bench.toml."""

    def lay_out(self) -> FrontEnd:
        """Return an encoder of the published dimensions without storage for its weights."""
        from bench.models.frontends.checkpoints import lay_out_encoder
        from bench.models.frontends.encoder import WAVLM_LARGE

        return lay_out_encoder(WAVLM_LARGE, self)
