"""WavLM-Large from a local checkpoint."""

from __future__ import annotations

from bench.config import Config
from bench.models.frontends.checkpoints import lay_out_encoder, load_encoder
from bench.models.frontends.encoder import WAVLM_LARGE, Encoder
from bench.specs.frontends.wavlm import WavLM

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def build(spec: WavLM, config: Config) -> Encoder:
    """Return the encoder with the weights that `config` has under the key `spec.weights`."""
    return load_encoder(spec, config)


def lay_out(spec: WavLM) -> Encoder:
    """Return an encoder of the published dimensions without storage for its weights."""
    return lay_out_encoder(WAVLM_LARGE, spec)
