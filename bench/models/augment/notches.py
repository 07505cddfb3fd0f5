"""RawBoost's random filter: band-stop filters in cascade, with the highest gain set.

Tak et al., ICASSP 2022, as the authors' released script has it: each band-stop is a
Hamming-windowed linear-phase FIR filter, their cascade is scaled so that the largest magnitude of
its response is the drawn gain. The response is looked at on 512 frequencies from 0 to Nyquist.

A filter that is symmetric and not delayed has a real response, its amplitude. So a cascade is here
the product of its filters' amplitudes, and a filtered signal the product of amplitude and spectrum,
block by block (overlap-save).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import pi
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.specs.augment.rawboost import RawBoost

GRID = 1024
"""Points of the transform that the response is looked at with: 512 frequencies below Nyquist."""

EDGE_HZ = 1e-3
"""The closest that an edge of a stopped band comes to 0 Hz and to Nyquist."""

_SIDES = np.array([-0.5, 0.5])
"""Where the edges of a band are, from its centre in its width."""


class Notches(NamedTuple):
    """Cascades of band-stop filters, one or more."""

    bands: NDArray[np.float32]
    """"cascades bands 3": lower and upper edge of the stopped band as a share of Nyquist, and half
    the filter's taps, rounded down."""
    gains: NDArray[np.float32]
    """"cascades": the largest gain of each, as a factor."""


class NotchShares(NamedTuple):
    """What is drawn for cascades: where each setting lies in its range, from 0 to 1."""

    bands: NDArray[np.float64]
    """"cascades bands 3": centre, width and number of taps of each band."""
    gains: NDArray[np.float64]
    """"cascades"."""


def draw_shares(spec: RawBoost, rng: np.random.Generator, cascades: int) -> NotchShares:
    """Draw so many cascades: the settings of all bands, then the gain of each cascade."""
    return NotchShares(rng.random((cascades, spec.notches, 3)), rng.random(cascades))


def set_notches(shares: Sequence[NotchShares], spec: RawBoost, sample_rate_hz: int) -> Notches:
    """Return the cascades of all `shares`, in order.

    All settings are uniform. The bias is taken off the gains of all cascades but the first that
    were drawn together, at the two ends of their range. The number of taps is a whole number below
    `max_taps`, and an even one is raised by one.
    """
    lows = np.array([spec.min_centre_hz, spec.min_width_hz, spec.min_taps])
    highs = np.array([spec.max_centre_hz, spec.max_width_hz, spec.max_taps])
    drawn, gains = (np.concatenate(part) for part in zip(*shares, strict=True))
    bands = lows + drawn * (highs - lows)
    nyquist_hz = sample_rate_hz / 2
    edges_hz = bands[..., :1] + bands[..., 1:2] * _SIDES
    bands[..., :2] = edges_hz.clip(EDGE_HZ, nyquist_hz - EDGE_HZ) / nyquist_hz
    bands[..., 2] //= 2  # n taps and n | 1 have the same half
    first = sorted((spec.min_gain_db, spec.max_gain_db))
    others = sorted((spec.min_gain_db - spec.min_bias_db, spec.max_gain_db - spec.max_bias_db))
    attenuated = np.concatenate([np.arange(len(part.gains)).clip(max=1) for part in shares])
    low, high = np.array([first, others])[attenuated].T
    gains_db = low + gains * (high - low)
    return Notches(bands.astype(np.float32), (10 ** (gains_db / 20)).astype(np.float32))


def block_size(spec: RawBoost) -> int:
    """Return the length of a block, a power of two, an eighth of which is overlap at most."""
    return max(GRID, 1 << (16 * filter_reach(spec) - 1).bit_length())


def filter_reach(spec: RawBoost) -> int:
    """Return how many samples to either side of one the longest filter takes in."""
    return spec.notches * (spec.max_taps // 2)


def cascade_amplitudes(bands: Tensor, gains: Tensor, spec: RawBoost) -> Tensor:
    """Return the amplitudes of cascades, "... cascades frequencies", as complex numbers.

    `bands` are "... cascades bands 3" and `gains` "... cascades" (`Notches`). Frequencies are
    those of the real transform of a block.

    A filter is scipy's firwin(taps, [low, high], fs) up to a positive factor. firwin also sets the
    gain at 0 Hz to 1; of that only the sign is left once the cascade is scaled. Filters are
    multiplied on fewer frequencies than a block has, as few as the response of a cascade needs.
    """
    block = block_size(spec)
    angles, windows = _tap_windows(spec.max_taps // 2, bands.device)
    sines = (bands[..., :2].unsqueeze(-1) * angles).sin_()
    taps = (sines[..., 0, :] - sines[..., 1, :]).mul_(windows[bands[..., 2].long()])
    taps[..., 0].add_(0.5)  # half of the middle, as the transform is of one side
    short = max(GRID, 1 << (2 * filter_reach(spec)).bit_length())  # a cascade's response fits in
    product = torch.fft.rfft(taps, short).real.prod(dim=-2)
    largest = product[..., : short // 2 : short // GRID].abs().amax(dim=-1)
    product *= (gains / largest).copysign_(product[..., 0]).unsqueeze(-1)
    before, after = torch.fft.irfft(product, short).chunk(2, dim=-1)
    between = before.new_zeros(()).expand(*before.shape[:-1], block - short)
    return torch.fft.rfft(torch.cat((before, between, after), dim=-1))


@lru_cache(maxsize=8)
def _tap_windows(number: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the numbers of a filter's middle and so many taps after it, times pi, and windows.

    A window is the half of a Hamming one that ends with the filter, over those numbers: "half taps
    numbers", a row for each number of taps after the middle that a filter may have. The middle has
    half its weight, and a number so small that the sine of x times it is x times it.
    """
    numbers = torch.arange(number + 1, device=device)
    angles = (pi * numbers).clamp(min=1e-4)
    halves = torch.arange(number + 1, device=device, dtype=torch.float32)[:, None]
    windows = (0.54 + 0.46 * (pi * numbers / halves.clamp(min=1)).cos()) / angles
    windows[:, 0] /= 2
    return angles, windows.where(numbers <= halves, 0)


def filter_powers(signal: Tensor, amplitudes: Tensor, spec: RawBoost) -> Tensor:
    """Return the sum of filtered powers of `signal`, "clips samples", as long and not delayed.

    The first filter is that of the signal itself, the next that of its square: `amplitudes` are
    "clips filters frequencies".

    The released script's output is one sample early, by an index. That is nothing to a label and
    nothing to be heard, but where the filtered and the plain signal are summed (algorithm 8) it
    makes a comb that takes off 3 dB at a quarter of the sample rate; so the filter is centred here.
    """
    clips, length = signal.shape
    block, reach = block_size(spec), filter_reach(spec)
    step = block - 2 * reach
    blocks = -(-length // step)
    padded = signal.new_empty(clips, blocks * step + 2 * reach)
    padded[:, :reach].zero_()
    padded[:, reach + length :].zero_()
    power = padded[:, reach : reach + length].copy_(signal)
    framed = padded.unfold(-1, block, step)
    factors = amplitudes.unsqueeze(2)
    total = torch.fft.rfft(framed).mul_(factors[:, 0])
    for number in range(1, factors.shape[1]):  # one after the other, to stay in the cache
        power *= signal
        total.addcmul_(torch.fft.rfft(framed), factors[:, number])
    filtered = torch.fft.irfft(total, block)
    return filtered[..., reach : reach + step].flatten(1)[:, :length]
