"""wav2vec 2.0 with pre-LayerNorm blocks (XLS-R 300M, LV-60k Large) from a local checkpoint."""

from __future__ import annotations

from bench.config import Config
from bench.models.frontends.checkpoints import lay_out_encoder, load_encoder
from bench.models.frontends.encoder import XLSR_300M, Encoder
from bench.specs.frontends.wav2vec2 import Wav2Vec2

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def build(spec: Wav2Vec2, config: Config) -> Encoder:
    """Return the encoder with the weights that `config` has under the key `spec.weights`."""
    return load_encoder(spec, config)


def lay_out(spec: Wav2Vec2) -> Encoder:
    """Return an encoder of the published dimensions without storage for its weights."""
    return lay_out_encoder(XLSR_300M, spec)
