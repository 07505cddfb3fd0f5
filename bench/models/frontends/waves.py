"""The front-end that is none: waveforms go to the system as they are."""

from __future__ import annotations

from torch import Tensor

from bench.config import Config
from bench.models.frontends.base import FrontEnd, check_waves
from bench.specs.frontends.waves import Waves

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""


class WaveFrontEnd(FrontEnd):
    """Return waveforms "batch samples" as the one state "batch samples 1"; nothing is trained."""

    dim = 1
    n_states = 1

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return the samples of `waves` in the place of hidden states."""
        check_waves(waves)
        return (waves[..., None],)


def build(spec: Waves, config: Config) -> WaveFrontEnd:  # noqa: ARG001 - all kinds are built alike
    """Return the front-end, which needs no weights."""
    return lay_out(spec)


def lay_out(spec: Waves) -> WaveFrontEnd:  # noqa: ARG001 - all kinds are laid out alike
    """Return the front-end."""
    return WaveFrontEnd()
