"""Band-pass filters with learnt edges over waveforms, and the frequency branch built on them.

SincConv is Ravanelli and Bengio's (SLT 2018). The frequency branch is BreathNet's (Ye et al., 2026,
section III.B) after Huang et al., "Discriminative frequency information learning for end-to-end
speech anti-spoofing", SPL 30, 2023, of which only the abstract was to be had.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from bench.models.full_precision import BatchNorm2d
from bench.specs.systems.breathnet import Dfim as Spec
from bench.specs.systems.breathnet import TimeTokens
from bench.units import SAMPLE_RATE_HZ

NYQUIST_HZ = SAMPLE_RATE_HZ / 2

LOWEST_HZ, HIGHEST_HZ = 30.0, 7900.0
"""The outermost edges that the filters start with: a little inside the band, for an edge at its end
could move to one side only.
"""


class SincConv(nn.Module):
    """`filters` band-pass filters of `kernel` taps, a convolution without padding.

    Filter k has the taps g[n] = w[n] (2 f2 sinc(2 π f2 n) - 2 f1 sinc(2 π f1 n)), n = 0 in the
    middle, with f1 = |low_k|, f2 = f1 + |width_k|, at most half the sampling rate, and the Hamming
    window w. Its gain is 1 inside a band that is wide against 1 / (taps in seconds). The lower
    bands of a mel scale are narrower than 129 taps can resolve: their gain is 0.13 to 0.23.
    `low` and `width` are the parameters. They start as a mel scale's neighbouring bands.

    Their unit is half the sampling rate and not Hz, as it is in the released SincNet: a step of
    Adam is about as large as the learning rate, and at 1e-5 Hz an edge would go nowhere. It is
    0.08 Hz this way.
    """

    def __init__(self, filters: int, kernel: int) -> None:
        super().__init__()
        edges = _mel_edges(filters + 1) / NYQUIST_HZ
        self.low = nn.Parameter(edges[:-1].clone())
        self.width = nn.Parameter(edges.diff())
        taps = torch.arange(kernel) - kernel // 2
        self.register_buffer("taps", taps.float(), persistent=False)
        window = torch.hamming_window(kernel, periodic=False)
        self.register_buffer("window", window, persistent=False)
        self.taps: Tensor
        self.window: Tensor

    def filter_edges(self) -> tuple[Tensor, Tensor]:
        """Return the filters' lower and upper edges, each "filters", in [0, 1] of `NYQUIST_HZ`."""
        low = self.low.abs()
        return low, (low + self.width.abs()).clamp(max=1.0)

    def filter_kernels(self) -> Tensor:
        """Return the filters' taps, "filters kernel"."""
        low, high = (_low_pass(edge[:, None], self.taps) for edge in self.filter_edges())
        return self.window * (high - low)

    def forward(self, waves: Tensor) -> Tensor:
        """Filter "batch samples": "batch filters samples-kernel+1"."""
        return F.conv1d(waves[:, None], self.filter_kernels()[:, None])


class FixedFilters(nn.Module):
    """`SincConv` that is not learnt: its bands share the mel scale from 0 Hz to `NYQUIST_HZ`.

    AASIST's first layer (Jung et al., ICASSP 2022; RawNet2, ICASSP 2021). The taps are computed in
    float64 and are no part of a checkpoint.
    """

    def __init__(self, filters: int, kernel: int) -> None:
        super().__init__()
        highest = 2595 * math.log10(1 + NYQUIST_HZ / 700)
        mels = torch.linspace(0, highest, filters + 1, dtype=torch.float64)
        edges = (700 * (10 ** (mels / 2595) - 1) / NYQUIST_HZ)[:, None]
        low_pass = _low_pass(edges, torch.arange(kernel, dtype=torch.float64) - kernel // 2)
        window = torch.hamming_window(kernel, periodic=False, dtype=torch.float64)
        self.register_buffer("kernels", (window * low_pass.diff(dim=0)).float(), persistent=False)
        self.kernels: Tensor

    def forward(self, waves: Tensor) -> Tensor:
        """Filter "batch samples": "batch filters samples-kernel+1"."""
        return F.conv1d(waves[:, None], self.kernels[:, None])


def _mel_edges(n: int) -> Tensor:
    """Return `n` frequencies in Hz at equal distances on the mel scale 2595 log10(1 + f / 700)."""
    low, high = (2595 * torch.tensor(1 + f / 700).log10() for f in (LOWEST_HZ, HIGHEST_HZ))
    return 700 * (10 ** (torch.linspace(low.item(), high.item(), n) / 2595) - 1)


def _low_pass(edge: Tensor, taps: Tensor) -> Tensor:
    """Return the taps of an ideal low-pass up to `edge`, in [0, 1] of half the sampling rate."""
    return edge * torch.sinc(edge * taps)  # torch.sinc(x) is sin(π x) / (π x)


class FrequencyBranch(nn.Module):
    """Pre-emphasis, SincConv, magnitude, maxima, normalisation, SELU, projection to `dim`.

    Paper and Huang et al. leave open what Table I's 32 x 1024 are. By default the 32 are stretches
    of time, which is what a BiLSTM behind them presupposes, and the 1024 the projection's: the
    paper has it there to bring DFIM's output to the width of the temporal features, so that this
    output had another. Magnitudes, before maxima are taken, are not spoken of either: RawNet2 and
    AASIST take them, and maxima of a waveform would depend on its polarity.
    """

    def __init__(self, dim: int, spec: Spec) -> None:
        super().__init__()
        self.spec, tokens, channels = spec, spec.tokens, len(spec.pre_emphasis)
        self.by_time = isinstance(tokens, TimeTokens)
        rows, columns = (
            (spec.filters, tokens.number * tokens.bins)
            if self.by_time
            else (tokens.number, tokens.bins)
        )
        self.sinc = SincConv(spec.filters, spec.kernel)
        self.pool = nn.AdaptiveMaxPool2d((rows, columns))
        self.norm = BatchNorm2d(channels)
        self.activation = nn.SELU()
        self.project = nn.Linear(channels * rows * columns // tokens.number, dim)

    def pooled_maxima(self, waves: Tensor) -> Tensor:
        """Pre-emphasis to pooling: "batch samples" to "batch channels rows columns".

        A row is a filter or a band of them, a column a stretch of time. In float32 whatever the
        precision around: a filter takes differences of close numbers.
        """
        with torch.autocast(waves.device.type, enabled=False):
            waves = waves.float()
            delayed = F.pad(waves, (1, -1))
            channels = [
                self.sinc(waves - factor * delayed).abs() for factor in self.spec.pre_emphasis
            ]
            return self.pool(torch.stack(channels, dim=1))

    def forward(self, waves: Tensor) -> Tensor:
        """Return the tokens x_freq, "batch tokens dim", of "batch samples"."""
        x = self.activation(self.norm(self.pooled_maxima(waves)))
        if self.by_time:
            x = x.unflatten(3, (self.spec.tokens.number, -1)).permute(0, 3, 1, 2, 4)
        else:
            x = x.transpose(1, 2)
        return self.project(x.flatten(2))
