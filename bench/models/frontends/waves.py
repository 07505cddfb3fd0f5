"""The front-end that is none: waveforms go to the system as they are."""

from __future__ import annotations

from torch import Tensor

from bench.models.frontends.base import FrontEnd, check_waves


class WaveFrontEnd(FrontEnd):
    """Return waveforms "batch samples" as the one state "batch samples 1"; nothing is trained."""

    dim = 1
    n_states = 1

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return the samples of `waves` in the place of hidden states."""
        check_waves(waves)
        return (waves[..., None],)
