"""RawBoost's random filter: band-stop filters in cascade, with the highest gain set.

Tak et al., ICASSP 2022, as the authors' released script has it: each band-stop is a
Hamming-windowed linear-phase FIR filter, their cascade is scaled so that the largest magnitude of
its response is the drawn gain. The response is looked at on 512 frequencies from 0 to Nyquist.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from bench.specs.augment.rawboost import RawBoost

Samples = NDArray[np.float64]

GRID = 1024
"""Points of the transform that the response is looked at with: 512 frequencies below Nyquist."""

EDGE_HZ = 1e-3
"""The closest that an edge of a stopped band comes to 0 Hz and to Nyquist."""


@dataclass(frozen=True)
class Notch:
    """One stopped band and the odd number of coefficients of its filter."""

    centre_hz: float
    width_hz: float
    taps: int


@dataclass(frozen=True)
class Notches:
    """A cascade of band-stop filters and the largest gain of the whole."""

    bands: tuple[Notch, ...]
    gain_db: float


def draw_notches(spec: RawBoost, rng: np.random.Generator, bias_db: tuple[float, float]) -> Notches:
    """Draw a filter: for each band its centre, width and number of taps, then the gain.

    All are uniform. `bias_db` is taken off the two ends of the range of gains. The number of taps
    is drawn as a whole number below `max_taps` and an even one is raised by one.
    """
    bands = tuple(_draw_notch(spec, rng) for _ in range(spec.notches))
    ends = (spec.min_gain_db - bias_db[0], spec.max_gain_db - bias_db[1])
    return Notches(bands, gain_db=rng.uniform(min(ends), max(ends)))


def _draw_notch(spec: RawBoost, rng: np.random.Generator) -> Notch:
    centre_hz = rng.uniform(spec.min_centre_hz, spec.max_centre_hz)
    width_hz = rng.uniform(spec.min_width_hz, spec.max_width_hz)
    return Notch(centre_hz, width_hz, taps=int(rng.uniform(spec.min_taps, spec.max_taps)) | 1)


def cascade_coefficients(notches: Notches, sample_rate_hz: int) -> Samples:
    """Return the cascade's impulse response: symmetric, of odd length, its peak in the middle."""
    response = np.ones(1)
    for band in notches.bands:
        response = np.convolve(response, _band_stop(band, sample_rate_hz))
    points = max(GRID, fft.next_fast_len(len(response), real=True))
    peak = np.abs(fft.rfft(response, points)[: points // 2]).max()
    return response * (10 ** (notches.gain_db / 20) / peak)


def filter_wave(wave: Samples, response: Samples) -> Samples:
    """Return `wave` filtered, as long as it was and not delayed.

    The released script's output is one sample early, by an index. That is nothing to a label and
    nothing to be heard, but where the filtered and the plain signal are summed (algorithm 8) it
    makes a comb that takes off 3 dB at a quarter of the sample rate; so the filter is centred here.
    """
    delay = len(response) // 2
    return signal.oaconvolve(wave, response)[delay : delay + len(wave)]


def _band_stop(band: Notch, sample_rate_hz: int) -> Samples:
    """Return scipy's firwin(taps, [low, high], fs) up to a positive factor, in a third of the time.

    firwin also sets the gain at 0 Hz to 1; of that only the sign is left once the cascade is
    scaled.
    """
    nyquist_hz = sample_rate_hz / 2
    edges_hz = np.array([band.centre_hz - band.width_hz / 2, band.centre_hz + band.width_hz / 2])
    low, high = edges_hz.clip(EDGE_HZ, nyquist_hz - EDGE_HZ) / nyquist_hz
    at = np.arange(band.taps) - band.taps // 2
    ideal = np.sinc(at) + low * np.sinc(low * at) - high * np.sinc(high * at)
    windowed = ideal * np.hamming(band.taps)
    return np.copysign(1.0, windowed.sum()) * windowed
