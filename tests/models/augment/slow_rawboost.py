"""RawBoost by the plain route: scipy's filter design, direct filtering and np.power.

It takes the parameters that `bench.models.augment.rawboost` draws and shares nothing else with it.
"""

from __future__ import annotations

import numpy as np
from scipy import signal

from bench.models.augment.notches import Notches
from bench.models.augment.rawboost import (
    Hiss,
    Impulses,
    draw_convolutive,
    draw_impulsive,
    draw_stationary,
)
from bench.specs.augment.rawboost import RawBoost

ORDER = {1: "L", 2: "I", 3: "S", 4: "LIS", 5: "LI", 6: "LS", 7: "IS"}


def response_of(notches: Notches, rate_hz: int) -> np.ndarray:
    total = np.array([1.0])
    for band in notches.bands:
        low = band.centre_hz - band.width_hz / 2
        high = band.centre_hz + band.width_hz / 2
        low = 0.001 if low <= 0 else low
        high = rate_hz / 2 - 0.001 if high >= rate_hz / 2 else high
        stop = signal.firwin(band.taps, [low, high], window="hamming", fs=rate_hz)
        total = np.convolve(stop, total)
    _, gains = signal.freqz(total, 1, worN=512, fs=rate_hz)
    return 10 ** (notches.gain_db / 20) * total / np.max(np.abs(gains))


def fir(wave: np.ndarray, notches: Notches, rate_hz: int) -> np.ndarray:
    response = response_of(notches, rate_hz)
    half = (len(response) - 1) // 2
    return signal.lfilter(response, [1.0], np.concatenate((wave, np.zeros(half))))[half:]


def peak_limited(wave: np.ndarray) -> np.ndarray:
    peak = np.amax(np.abs(wave))
    return wave / peak if peak > 1 else wave


def convolutive(wave: np.ndarray, filters: tuple[Notches, ...], rate_hz: int) -> np.ndarray:
    parts = [fir(np.power(wave, i + 1), notches, rate_hz) for i, notches in enumerate(filters)]
    total = np.sum(parts, axis=0)
    return peak_limited(total - np.mean(total))


def impulsive(wave: np.ndarray, impulses: Impulses) -> np.ndarray:
    out = wave.copy()
    out[impulses.at] = wave[impulses.at] + impulses.factors * wave[impulses.at]
    return peak_limited(out)


def stationary(wave: np.ndarray, hiss: Hiss, rate_hz: int) -> np.ndarray:
    noise = fir(hiss.white, hiss.notches, rate_hz)
    energies = np.sum(wave**2), np.sum(noise**2)
    return wave + noise * np.sqrt(energies[0] / energies[1] / 10 ** (hiss.snr_db / 10))


def slow_rawboost(
    wave: np.ndarray, spec: RawBoost, rng: np.random.Generator, rate_hz: int = 16_000
) -> np.ndarray:
    wave = wave.astype(np.float64)
    if spec.algorithm == 8:
        first = convolutive(wave, draw_convolutive(spec, rng), rate_hz)
        return peak_limited(first + impulsive(wave, draw_impulsive(spec, rng, len(wave))))
    for noise in ORDER[spec.algorithm]:
        if noise == "L":
            wave = convolutive(wave, draw_convolutive(spec, rng), rate_hz)
        elif noise == "I":
            wave = impulsive(wave, draw_impulsive(spec, rng, len(wave)))
        else:
            wave = stationary(wave, draw_stationary(spec, rng, len(wave)), rate_hz)
    return wave
