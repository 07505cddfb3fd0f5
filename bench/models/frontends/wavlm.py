"""WavLM-Large from a local checkpoint."""

from __future__ import annotations

from bench.config import Config
from bench.models.frontends.checkpoints import load
from bench.models.frontends.encoder import Encoder
from bench.specs.frontends import WavLM

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


def build(spec: WavLM, config: Config) -> Encoder:
    """Return the encoder with the weights that `config` has under the key `spec.weights`."""
    return load(spec, config)
