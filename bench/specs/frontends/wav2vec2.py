"""Settings of wav2vec 2.0 as a front-end."""

from __future__ import annotations

from typing import Literal

from bench.specs.frontends.encoder import PretrainedSettings


class Wav2Vec2(PretrainedSettings):
    """XLS-R 300M (or any pre-LayerNorm wav2vec 2.0) from a local checkpoint."""

    kind: Literal["wav2vec2"]
    weights: str = "xlsr2_300m"
    """Key of `[weights]` in bench.toml."""
