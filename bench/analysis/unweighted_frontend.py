"""A front-end of the published dimensions without its weights: it gives shapes, and no features."""

from __future__ import annotations

import torch
from torch import Tensor

from bench.models.frontends import FrontEnd
from bench.specs.kinds import FrontEndSettings


class UnweightedFrontEnd(FrontEnd):
    """States of zeros, in the shapes that the front-end of `spec` gives."""

    def __init__(self, spec: FrontEndSettings) -> None:
        super().__init__()
        encoder = spec.lay_out().to("meta")
        # Not a part of the network around it: who counts that one's parts finds none of these.
        self._encoder = [encoder.eval()]
        self.dim, self.n_states = encoder.dim, encoder.n_states

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return zeros, "batch hops dim" a state, for "batch samples"."""
        states = self._encoder[0](torch.empty(waves.shape, device="meta"))
        return tuple(torch.zeros(state.shape) for state in states)
