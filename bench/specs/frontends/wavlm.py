"""Settings of WavLM as a front-end."""

from __future__ import annotations

from typing import Literal

from bench.specs.frontends.encoder import PretrainedSettings


class WavLM(PretrainedSettings):
    """WavLM-Large from a local checkpoint."""

    kind: Literal["wavlm"]
    weights: str = "wavlm_large"
    """Key of `[weights]` in bench.toml."""
