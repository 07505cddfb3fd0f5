"""EXAMPLE, a front-end: the logarithm of a filter bank. No weights, one hidden state."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from bench.config import Config
from bench.models.frontends.base import FrontEnd, check_waves
from bench.specs.base import Count
from bench.specs.kinds import FrontEndSettings
from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES

_FFT = 512


class Example(FrontEndSettings):
    """Logarithm of the energies in equal bands, and one linear layer."""

    kind: Literal["example"]
    bands: Count = 64
    """Number of bands between 0 and 8 kHz."""
    dim: Count = 96
    """Width of the hidden state."""

    def build(self, config: Config) -> FrontEnd:
        """Return the front-end; it needs no file of this machine."""
        return self.lay_out()

    def lay_out(self) -> FrontEnd:
        """Return the front-end without pretrained weights: it has none."""
        return ExampleFrontEnd(self)


class ExampleFrontEnd(FrontEnd):
    """Frames of 25 ms each 20 ms, power spectrum, bands, logarithm, linear layer."""

    def __init__(self, spec: Example) -> None:
        super().__init__()
        self.dim, self.n_states = spec.dim, 1
        edges = torch.linspace(0, _FFT // 2 + 1, spec.bands + 1)
        bins = torch.arange(_FFT // 2 + 1)
        bank = ((bins >= edges[:-1, None]) & (bins < edges[1:, None])).float()
        self.register_buffer("bank", bank, persistent=False)
        self.bank: Tensor
        self.linear = nn.Linear(spec.bands, spec.dim)

    def forward(self, waves: Tensor) -> tuple[Tensor, ...]:
        """Return one state, "batch hops dim", for `waves` "batch samples"."""
        check_waves(waves)
        frames = waves.unfold(1, RECEPTIVE_FIELD_SAMPLES, HOP_SAMPLES)
        power = torch.fft.rfft(frames, _FFT).abs().square()
        return (self.linear((power @ self.bank.T + 1e-6).log()),)
