"""RawBoost on one waveform (Tak et al., ICASSP 2022): three kinds of noise and their combinations.

Convolutive noise filters the first N_f powers of the signal, each by its own random cascade of
notches, and sums them (LnL in the paper). Impulsive noise adds to a random share of the samples a
random multiple of themselves (ISD). Stationary noise adds filtered white noise at a random SNR
(SSI). Algorithms 4 to 7 apply them one after the other, 8 sums the outputs of the first two.

Kept from the authors' released script: the ranges of the draws; that output of the convolutive and
impulsive noise, and of algorithm 8, is scaled to a peak of 1 only where it is above 1, and that of
the stationary noise never; that the powers above the first have gains from -20 to -5 dB (as the
largest of their response) while the first has `min_gain_db` to `max_gain_db`, 0 dB by default.
Not kept: its filters' advance by one sample (see `notches.filter_signals`).

What is drawn for a clip (`draw_noise`) is apart from what is computed (`add_noise`), which takes
many clips and any device: so a clip gets the same noise, up to rounding, from a process that loads
audio and from a GPU. Draws are made in this order: the notches of all powers (see
`notches.draw_notches`); the share of samples, which samples, two factors each; the key of the white
noise, its notches, the SNR. An algorithm draws what it needs and nothing else.

Arithmetic is in 32-bit floats: a hundred thousandth of the released script's 64 bits apart at most
for waves within full scale, and finite for samples up to 10,000.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bench.errors import BenchError
from bench.models.augment import notches
from bench.models.augment.notches import NotchShares
from bench.specs.augment.rawboost import RawBoost
from bench.units import SAMPLE_RATE_HZ

Noise = Literal["convolutive", "impulsive", "stationary"]

NOISES: dict[int, tuple[Noise, ...]] = {
    1: ("convolutive",),
    2: ("impulsive",),
    3: ("stationary",),
    4: ("convolutive", "impulsive", "stationary"),
    5: ("convolutive", "impulsive"),
    6: ("convolutive", "stationary"),
    7: ("impulsive", "stationary"),
    8: ("convolutive", "impulsive"),
}
"""The noises that an algorithm applies."""

PARALLEL = 8
"""The algorithm that applies them to the same signal, to sum the results; the others apply them one
after the other."""


class DrawnNoise(NamedTuple):
    """What is drawn for clips. A clip alone has a first axis of one."""

    bands: Tensor
    """"clips cascades bands 3": those of each power, then those of the white noise (`Notches`)."""
    gains: Tensor
    """"clips cascades", of `Notches` too."""
    factors: Tensor
    """"clips samples": what impulsive noise multiplies each sample with; "clips 0" without it."""
    keys: Tensor
    """"clips", of the white noise (`white_noise`)."""
    levels: Tensor
    """"clips": the root of the filtered white noise's energy, where that of the signal is 1."""


def apply_rawboost(
    wave: NDArray[np.floating],
    spec: RawBoost,
    rng: np.random.Generator,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
) -> NDArray[np.float32]:
    """Return `wave` with the noise of `spec.algorithm`, as long as it was, float32, always finite.

    `wave` is one channel of floats in about -1 to 1; silence stays silence. This function always
    augments; `spec.probability` and `spec.splits` are not looked at. Raise BenchError for a wave
    that is empty, not one-dimensional, not of floats or not finite, and for notches above half the
    sample rate.
    """
    _check_wave(wave)
    drawn = draw_noise(spec, rng, len(wave), sample_rate_hz)
    samples = torch.from_numpy(np.require(wave, np.float32, ["C", "W"]))
    return add_noise(samples[None], drawn, spec)[0].numpy()


def draw_noise(
    spec: RawBoost,
    rng: np.random.Generator,
    length: int,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
) -> DrawnNoise:
    """Draw the noise of a clip of `length` samples. Raise where notches are above half the rate."""
    if spec.max_centre_hz > sample_rate_hz / 2:
        raise BenchError(
            "augment.notch-too-high",
            f"augment.max_centre_hz = {spec.max_centre_hz}: notches lie below half the sample "
            f"rate, here {sample_rate_hz / 2} Hz",
        )
    shares = [NotchShares(np.zeros((0, spec.notches, 3)), np.zeros(0))]
    factors, key, level = np.zeros(0, np.float32), 0, 0.0
    for noise in NOISES[spec.algorithm]:
        match noise:
            case "convolutive":
                shares.append(notches.draw_shares(spec, rng, spec.orders))
            case "impulsive":
                factors = _draw_factors(spec, rng, length)
            case "stationary":
                key = int(rng.integers(2**63))
                shares.append(notches.draw_shares(spec, rng, 1))
                level = 10 ** (-rng.uniform(spec.min_snr_db, spec.max_snr_db) / 20)
    filters = notches.set_notches(shares, spec, sample_rate_hz)
    level = np.array([level], np.float32)
    parts = (filters.bands[None], filters.gains[None], factors[None], np.array([key]), level)
    return DrawnNoise(*map(torch.from_numpy, parts))


def _draw_factors(spec: RawBoost, rng: np.random.Generator, length: int) -> NDArray[np.float32]:
    """Draw what each of `length` samples is multiplied with: 1 where none is touched.

    The number of those touched is `length` times a share that is uniform from 0 to
    `impulse_share`, floored. To each is added its own multiple of itself: `impulse_gain` times the
    product of two draws uniform from -1 to 1.
    """
    touched = int(length * rng.uniform(0.0, spec.impulse_share))
    at = rng.choice(length, size=touched, replace=False, shuffle=False)
    one, other = rng.uniform(-1.0, 1.0, (2, touched))
    factors = np.ones(length, np.float32)
    factors[at] = 1 + spec.impulse_gain * one * other
    return factors


def stack_draws(draws: Sequence[DrawnNoise], samples: int) -> DrawnNoise:
    """Return the draws of clips that are filled up to so many samples."""
    bands, gains, factors, keys, levels = (list(part) for part in zip(*draws, strict=True))
    if factors[0].shape[1]:
        factors = [functional.pad(each, (0, samples - each.shape[1]), value=1) for each in factors]
    return DrawnNoise(*map(torch.cat, (bands, gains, factors, keys, levels)))


def add_noise(
    waves: Tensor, drawn: DrawnNoise, spec: RawBoost, lengths: Tensor | None = None
) -> Tensor:
    """Return `waves`, "clips samples" in 32-bit floats, each with its drawn noise.

    A clip ends after so many of its samples as `lengths` says, "clips", all of them where it is
    left out; what follows should be 0 and stays so. `drawn` is on the device of `waves`.
    """
    ends = _Ends(waves.shape[1], lengths, waves.device)
    amplitudes = drawn.gains
    if amplitudes.numel():
        amplitudes = notches.cascade_amplitudes(drawn.bands, drawn.gains, spec)
    results: list[Tensor] = []
    signal = waves
    for noise in NOISES[spec.algorithm]:
        match noise:
            case "convolutive":
                noisy = _add_convolutive(signal, amplitudes[:, : spec.orders], spec, ends)
            case "impulsive":
                noisy = _limit_peak(signal * drawn.factors)
            case "stationary":
                noisy = _add_stationary(signal, drawn, amplitudes[:, -1:], spec, ends)
        results.append(noisy)
        signal = waves if spec.algorithm == PARALLEL else noisy
    return _limit_peak(torch.stack(results).sum(dim=0)) if spec.algorithm == PARALLEL else signal


class _Ends:
    """Where clips end that are followed by zeros."""

    def __init__(self, samples: int, lengths: Tensor | None, device: torch.device) -> None:
        self._inside = (
            None if lengths is None else torch.arange(samples, device=device) < lengths[:, None]
        )
        self._lengths = samples if lengths is None else lengths[:, None]

    def cut(self, signal: Tensor) -> Tensor:
        """Return a signal with zeros after its clips' ends."""
        return signal if self._inside is None else signal * self._inside

    def centre(self, signal: Tensor) -> Tensor:
        """Return a signal that was cut, itself changed, less its clips' means."""
        return self.cut(signal.sub_(_sum_samples(signal).unsqueeze(1) / self._lengths))


def _add_convolutive(signal: Tensor, amplitudes: Tensor, spec: RawBoost, ends: _Ends) -> Tensor:
    """Return the sum of the filtered powers of `signal`, the first power by the first filter."""
    total = ends.cut(notches.filter_powers(signal, amplitudes, spec))
    return _limit_peak(ends.centre(total))


def _add_stationary(
    signal: Tensor, drawn: DrawnNoise, amplitudes: Tensor, spec: RawBoost, ends: _Ends
) -> Tensor:
    """Return `signal` with filtered noise added at the drawn ratio of energies over the clip."""
    white = ends.cut(white_noise(drawn.keys, signal.shape[1]))
    noise = ends.cut(notches.filter_powers(white, amplitudes, spec))
    level = drawn.levels * _measure_level(signal) / _measure_level(noise).clamp(min=1e-30)
    return torch.addcmul(signal, noise, level.unsqueeze(1))


def white_noise(keys: Tensor, length: int) -> Tensor:
    """Return white Gaussian noise, "clips samples" of variance 1/2, a function of key and place.

    The same on every device up to rounding, however many clips there are: SplitMix64 (Steele, Lea
    and Flood, OOPSLA 2014) from each key on gives two numbers of 24 bits at a time, which the
    normal distribution's quantile makes Gaussian.
    """
    bits = _weyl_steps(-(-length // 2), keys.device) + keys[:, None]
    shifted = torch.empty_like(bits)
    for shift, factor in _MIXING:
        torch.bitwise_right_shift(bits, shift, out=shifted)
        shifted &= (1 << (64 - shift)) - 1  # torch repeats the sign
        bits ^= shifted
        if factor is not None:
            bits *= factor
    halves = shifted.view(torch.int32)
    torch.bitwise_right_shift(bits.view(torch.int32), 8, out=halves)
    return halves[:, :length].float().add_(0.5).mul_(2.0**-23).erfinv_()


@lru_cache(maxsize=8)
def _weyl_steps(number: int, device: torch.device) -> Tensor:
    return torch.arange(1, number + 1, device=device) * (0x9E3779B97F4A7C15 - 2**64)


_MIXING = ((30, 0xBF58476D1CE4E5B9 - 2**64), (27, 0x94D049BB133111EB - 2**64), (31, None))
"""Shifts and factors of SplitMix64, as signed numbers."""


def _measure_level(signal: Tensor) -> Tensor:
    """Return the root of the energy of each clip."""
    norms = torch.linalg.vector_norm(_split_samples(signal), dim=2)
    return torch.linalg.vector_norm(norms, dim=1)


def _sum_samples(signal: Tensor) -> Tensor:
    """Return the sum of each clip."""
    return _split_samples(signal).sum(dim=2).sum(dim=1)


def _split_samples(signal: Tensor) -> Tensor:
    """Return "clips parts 256", filled with zeros.

    torch divides a long sum among threads, so that its rounding depends on their number; not sums
    of so few.
    """
    lacking = -signal.shape[1] % 256
    filled = functional.pad(signal, (0, lacking)) if lacking else signal
    return filled.unflatten(1, (-1, 256))


def _limit_peak(signal: Tensor) -> Tensor:
    """Scale a signal, which is changed itself, to a peak of 1 where its peak is above 1."""
    return signal.div_(signal.abs().amax(dim=1, keepdim=True).clamp(min=1.0))


class DeviceRawBoost:
    """RawBoost on the clips of a batch, as a `DeviceAugmentation`."""

    def __init__(self, spec: RawBoost) -> None:
        self._spec = spec

    def draw_clip(self, samples: int, rng: np.random.Generator) -> DrawnNoise | None:
        """Draw as `apply_sometimes` and `apply_rawboost` do."""
        return (
            draw_noise(self._spec, rng, samples) if rng.random() < self._spec.probability else None
        )

    def stack_clips(self, draws: Sequence[DrawnNoise], samples: int) -> DrawnNoise:
        """Return the draws of clips that are filled up to so many samples."""
        return stack_draws(draws, samples)

    def change_clips(self, waves: Tensor, lengths: Tensor, drawn: DrawnNoise) -> Tensor:
        """Return the clips with their noise."""
        return add_noise(waves, drawn, self._spec, lengths)


def _check_wave(wave: NDArray[np.floating]) -> None:
    if wave.ndim != 1 or wave.size == 0 or not np.issubdtype(wave.dtype, np.floating):
        raise BenchError(
            "augment.input",
            f"RawBoost takes one channel of floats, at least one sample; got shape {wave.shape}, "
            f"{wave.dtype}",
        )
    if not np.isfinite(np.dot(wave, wave)) and not np.isfinite(wave).all():
        first = int(np.flatnonzero(~np.isfinite(wave))[0])
        raise BenchError(
            "augment.input", f"RawBoost takes finite samples; sample {first} is {wave[first]}"
        )
