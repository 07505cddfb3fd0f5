"""RawBoost by the plain route: scipy's filter design, direct filtering and np.power, in 64 bits.

`slow_rawboost` takes the parameters that `bench.models.augment.rawboost` draws and shares nothing
else with it but the white noise. `plain_rawboost` draws for itself, as the paper and its released
script describe it, and shares nothing: what users run, for comparisons of time and of statistics.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy import signal

from bench.models.augment.rawboost import draw_noise, white_noise
from bench.specs.augment.rawboost import RawBoost

ORDER = {1: "L", 2: "I", 3: "S", 4: "LIS", 5: "LI", 6: "LS", 7: "IS"}


def response_of(bands: np.ndarray, gain: float, rate_hz: int) -> np.ndarray:
    """Return the impulse response of a cascade: rows of edges as shares of Nyquist, half taps."""
    total = np.array([1.0])
    for low, high, half in bands.astype(np.float64):
        edges = [low * rate_hz / 2, high * rate_hz / 2]
        stop = signal.firwin(2 * int(half) + 1, edges, window="hamming", fs=rate_hz)
        total = np.convolve(stop, total)
    _, gains = signal.freqz(total, 1, worN=512, fs=rate_hz)
    return gain * total / np.max(np.abs(gains))


def fir(wave: np.ndarray, response: np.ndarray) -> np.ndarray:
    half = (len(response) - 1) // 2
    return signal.lfilter(response, [1.0], np.concatenate((wave, np.zeros(half))))[half:]


def peak_limited(wave: np.ndarray) -> np.ndarray:
    peak = np.amax(np.abs(wave))
    return wave / peak if peak > 1 else wave


def convolutive(wave: np.ndarray, responses: list[np.ndarray]) -> np.ndarray:
    parts = [fir(np.power(wave, i + 1), response) for i, response in enumerate(responses)]
    total = np.sum(parts, axis=0)
    return peak_limited(total - np.mean(total))


def stationary(
    wave: np.ndarray, white: np.ndarray, response: np.ndarray, level: float
) -> np.ndarray:
    noise = fir(white, response)
    return wave + noise * level * np.sqrt(np.sum(wave**2) / np.sum(noise**2))


def slow_rawboost(
    wave: np.ndarray, spec: RawBoost, rng: np.random.Generator, rate_hz: int = 16_000
) -> np.ndarray:
    wave = wave.astype(np.float64)
    drawn = draw_noise(spec, rng, len(wave), rate_hz)
    bands, gains, factors, _, levels = (part[0].numpy() for part in drawn)
    responses = [response_of(*each, rate_hz) for each in zip(bands, gains, strict=True)]
    if spec.algorithm == 8:
        first = convolutive(wave, responses)
        return peak_limited(first + peak_limited(wave * factors))
    for noise in ORDER[spec.algorithm]:
        if noise == "L":
            wave = convolutive(wave, responses[: spec.orders])
        elif noise == "I":
            wave = peak_limited(wave * factors)
        else:
            white = white_noise(drawn.keys, len(wave))[0].numpy().astype(np.float64)
            wave = stationary(wave, white, responses[-1], float(levels))
    return wave


def plain_notches(spec: RawBoost, rng: np.random.Generator, bias: bool) -> np.ndarray:
    """Draw a filter and return its impulse response."""
    bands = [
        (
            rng.uniform(spec.min_centre_hz, spec.max_centre_hz),
            rng.uniform(spec.min_width_hz, spec.max_width_hz),
            int(rng.uniform(spec.min_taps, spec.max_taps)),
        )
        for _ in range(spec.notches)
    ]
    least, most = spec.min_gain_db, spec.max_gain_db
    if bias:
        least, most = least - spec.min_bias_db, most - spec.max_bias_db
    gain_db = rng.uniform(min(least, most), max(least, most))
    shares = [
        (max(centre - width / 2, 0.001) / 8000, min(centre + width / 2, 7999.999) / 8000, taps // 2)
        for centre, width, taps in bands
    ]
    return response_of(np.array(shares), 10 ** (gain_db / 20), 16_000)


def plain_rawboost(wave: np.ndarray, spec: RawBoost, rng: np.random.Generator) -> np.ndarray:
    """Return `wave` at 16 kHz with noise."""
    wave = wave.astype(np.float64)
    if spec.algorithm == 8:
        return peak_limited(add_plainly("L", wave, spec, rng) + add_plainly("I", wave, spec, rng))
    for noise in ORDER[spec.algorithm]:
        wave = add_plainly(noise, wave, spec, rng)
    return wave


def add_plainly(
    noise: str, wave: np.ndarray, spec: RawBoost, rng: np.random.Generator
) -> np.ndarray:
    if noise == "L":
        responses = [plain_notches(spec, rng, order > 0) for order in range(spec.orders)]
        return convolutive(wave, responses)
    if noise == "I":
        touched = int(len(wave) * rng.uniform(0.0, spec.impulse_share))
        at = rng.permutation(len(wave))[:touched]
        factors = rng.uniform(-1, 1, touched) * rng.uniform(-1, 1, touched)
        noisy = wave.copy()
        noisy[at] = wave[at] + spec.impulse_gain * wave[at] * factors
        return peak_limited(noisy)
    white = rng.normal(0.0, 1.0, len(wave))
    response = plain_notches(spec, rng, bias=False)
    level = 10 ** (-rng.uniform(spec.min_snr_db, spec.max_snr_db) / 20)
    return stationary(wave, white, response, level)


def torch_clips(waves: list[np.ndarray], length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return waves in a batch with zeros after their ends, and their lengths."""
    padded = np.zeros((len(waves), length), np.float32)
    for row, wave in zip(padded, waves, strict=True):
        row[: len(wave)] = wave
    return torch.from_numpy(padded), torch.tensor([len(wave) for wave in waves])
