"""RawBoost on one waveform (Tak et al., ICASSP 2022): three kinds of noise and their combinations.

Convolutive noise filters the first N_f powers of the signal, each by its own random cascade of
notches, and sums them (LnL in the paper). Impulsive noise adds to a random share of the samples a
random multiple of themselves (ISD). Stationary noise adds filtered white noise at a random SNR
(SSI). Algorithms 4 to 7 apply them one after the other, 8 sums the outputs of the first two.

Kept from the authors' released script: the ranges of the draws; that output of the convolutive and
impulsive noise, and of algorithm 8, is scaled to a peak of 1 only where it is above 1, and that of
the stationary noise never; that the powers above the first have gains from -20 to -5 dB (as the
largest of their response) while the first has `min_gain_db` to `max_gain_db`, 0 dB by default.
Not kept: its filters' advance by one sample (see `notches.filter_wave`).

Draws are made in this order: convolutive: for each order its notches (see `notches.draw_notches`);
impulsive: the share of samples, which samples, two factors each; stationary: the white noise, its
notches, the SNR. Noises that follow one another draw in the order they are applied.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.models.augment import notches
from bench.models.augment.notches import Notches, Samples
from bench.specs.augment.rawboost import RawBoost
from bench.units import SAMPLE_RATE_HZ

Noise = Literal["convolutive", "impulsive", "stationary"]

SERIES: Mapping[int, tuple[Noise, ...]] = {
    1: ("convolutive",),
    2: ("impulsive",),
    3: ("stationary",),
    4: ("convolutive", "impulsive", "stationary"),
    5: ("convolutive", "impulsive"),
    6: ("convolutive", "stationary"),
    7: ("impulsive", "stationary"),
}
"""The noises that an algorithm applies one after the other."""

PARALLEL: Mapping[int, tuple[Noise, ...]] = {8: ("convolutive", "impulsive")}
"""The noises that an algorithm applies to the same signal, to sum the results."""


@dataclass(frozen=True)
class Impulses:
    """Samples that are touched, each once, and what multiple of itself is added to each."""

    at: NDArray[np.int64]
    factors: Samples


@dataclass(frozen=True)
class Hiss:
    """White noise as long as the signal, its filter, and the ratio of the signal to it."""

    white: Samples
    notches: Notches
    snr_db: float


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
    signal = _check_wave(wave, spec, sample_rate_hz)
    if spec.algorithm in PARALLEL:
        noises = PARALLEL[spec.algorithm]
        sides = [_add_noise(signal, noise, spec, rng, sample_rate_hz) for noise in noises]
        return _limit_peak(np.sum(sides, axis=0)).astype(np.float32)
    for noise in SERIES[spec.algorithm]:
        signal = _add_noise(signal, noise, spec, rng, sample_rate_hz)
    return signal.astype(np.float32)


def draw_convolutive(spec: RawBoost, rng: np.random.Generator) -> tuple[Notches, ...]:
    """Draw the filter of each power of the signal; those above the first are attenuated."""
    bias_db = (spec.min_bias_db, spec.max_bias_db)
    return tuple(
        notches.draw_notches(spec, rng, bias_db if order else (0.0, 0.0))
        for order in range(spec.orders)
    )


def add_convolutive(signal: Samples, filters: Sequence[Notches], sample_rate_hz: int) -> Samples:
    """Return the sum of the filtered powers of `signal`, the first power by the first filter."""
    total, power = np.zeros_like(signal), np.ones_like(signal)
    for cascade in filters:
        power *= signal  # np.power takes over 100 times as long
        total += notches.filter_wave(power, notches.cascade_coefficients(cascade, sample_rate_hz))
    return _limit_peak(total - total.mean())


def draw_impulsive(spec: RawBoost, rng: np.random.Generator, length: int) -> Impulses:
    """Draw which of `length` samples are touched and by how much.

    Their number is `length` times a share that is uniform from 0 to `impulse_share`, floored; a
    factor is `impulse_gain` times the product of two draws uniform from -1 to 1.
    """
    touched = int(length * rng.uniform(0.0, spec.impulse_share))
    at = rng.choice(length, size=touched, replace=False, shuffle=False)
    factors = rng.uniform(-1.0, 1.0, touched) * rng.uniform(-1.0, 1.0, touched)
    return Impulses(at, spec.impulse_gain * factors)


def add_impulsive(signal: Samples, impulses: Impulses) -> Samples:
    """Return `signal` with each drawn sample's own multiple added to it."""
    noisy = signal.copy()
    noisy[impulses.at] *= 1.0 + impulses.factors
    return _limit_peak(noisy)


def draw_stationary(spec: RawBoost, rng: np.random.Generator, length: int) -> Hiss:
    """Draw white Gaussian noise of `length` samples, its filter and the signal-to-noise ratio."""
    white = rng.standard_normal(length)
    cascade = notches.draw_notches(spec, rng, (0.0, 0.0))
    return Hiss(white, cascade, snr_db=rng.uniform(spec.min_snr_db, spec.max_snr_db))


def add_stationary(signal: Samples, hiss: Hiss, sample_rate_hz: int) -> Samples:
    """Return `signal` with filtered noise added at the drawn ratio of energies over the clip."""
    noise = notches.filter_wave(
        hiss.white, notches.cascade_coefficients(hiss.notches, sample_rate_hz)
    )
    level = _signal_energy(signal) / (_signal_energy(noise) * 10 ** (hiss.snr_db / 10))
    return signal + np.sqrt(level) * noise


def _signal_energy(signal: Samples) -> float:
    """Return the sum of squares, not by BLAS, whose threads fight those of other loader workers."""
    return float(np.square(signal).sum())


def _add_noise(
    signal: Samples, noise: Noise, spec: RawBoost, rng: np.random.Generator, sample_rate_hz: int
) -> Samples:
    match noise:
        case "convolutive":
            return add_convolutive(signal, draw_convolutive(spec, rng), sample_rate_hz)
        case "impulsive":
            return add_impulsive(signal, draw_impulsive(spec, rng, len(signal)))
        case "stationary":
            return add_stationary(signal, draw_stationary(spec, rng, len(signal)), sample_rate_hz)


def _limit_peak(signal: Samples) -> Samples:
    """Scale to a peak of 1 where the peak is above 1, else leave it."""
    return signal / max(1.0, float(np.abs(signal).max()))


def _check_wave(wave: NDArray[np.floating], spec: RawBoost, sample_rate_hz: int) -> Samples:
    if wave.ndim != 1 or wave.size == 0 or not np.issubdtype(wave.dtype, np.floating):
        raise BenchError(
            "augment.input",
            f"RawBoost takes one channel of floats, at least one sample; got shape {wave.shape}, "
            f"{wave.dtype}",
        )
    if not np.isfinite(wave).all():
        first = int(np.flatnonzero(~np.isfinite(wave))[0])
        raise BenchError(
            "augment.input", f"RawBoost takes finite samples; sample {first} is {wave[first]}"
        )
    if spec.max_centre_hz > sample_rate_hz / 2:
        raise BenchError(
            "augment.notch-too-high",
            f"augment.max_centre_hz = {spec.max_centre_hz}: notches lie below half the sample "
            f"rate, here {sample_rate_hz / 2} Hz",
        )
    return wave.astype(np.float64)
