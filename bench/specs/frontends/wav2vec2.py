"""Settings of wav2vec 2.0 as a front-end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bench.specs.frontends.encoder import PretrainedSettings

if TYPE_CHECKING:
    from bench.models.frontends.base import FrontEnd

RESULTS_VERSION = 1
"""Raised when what this kind gives can change (`bench.versions`)."""


class Wav2Vec2(PretrainedSettings):
    """XLS-R 300M (or any pre-LayerNorm wav2vec 2.0) from a local checkpoint."""

    kind: Literal["wav2vec2"]
    weights: str = "xlsr2_300m"
    """Key of `[weights]` in bench.toml."""

    def lay_out(self) -> FrontEnd:
        """Return an encoder of the published dimensions without storage for its weights."""
        from bench.models.frontends.checkpoints import lay_out_encoder
        from bench.models.frontends.encoder import XLSR_300M

        return lay_out_encoder(XLSR_300M, self)
