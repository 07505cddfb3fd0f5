"""Our own breath detector: levels, voicing and spectrum of 25 ms frames, and rules; no weights.

A breath between two phrases is weaker than speech and louder than the pause around it, it has no
pitch, and its energy lies between rumble and the fricatives (after Ruinskiy and Lavner, IEEE TASLP
15(3), 2007, who reject false alarms by level, zero crossings and spectrum; their template of
cepstra is left out, as it wants labelled breaths).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft, ndimage, signal

from bench.config import Config
from bench.data.audio import read_wave
from bench.data.parallel import count_processes, on_processes
from bench.data.subset import Subset
from bench.models.breath import cache
from bench.models.breath.cache import Times
from bench.models.breath.marks import Intervals, Say
from bench.specs.breath.dsp import RESULTS_VERSION, Dsp
from bench.specs.corpus import Audio
from bench.units import SAMPLE_RATE_HZ

FRAME, HOP = 400, 160
"""Samples: 25 ms each 10 ms."""
_SMOOTHED = 7
"""A frame's level is the median over so many frames, so that clicks of up to 30 ms are ignored."""
_FFT = 512
_LEAST_POWER = 1e-30
"""Below any sample of 32-bit float audio that is not exactly zero, for all practical purposes."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


def search_by_rules(spec: Dsp, subset: Subset, audio: Audio, config: Config, say: Say) -> Intervals:
    """Return the breaths of a subset, searched on all cores where they are not cached."""
    find = partial(find_files, spec, audio, count_processes(config.workers))
    detector = {"version": str(RESULTS_VERSION), **spec.model_dump()}
    return cache.find_intervals(subset, detector, find, config.work, say)


def find_files(spec: Dsp, audio: Audio, workers: int, paths: Sequence[Path]) -> Iterator[Times]:
    """Yield the breaths of each file; in this process where `workers` is 0 or they are few.

    A file that cannot be read is a BenchError, and nothing is searched after it.
    """
    return on_processes(partial(_find_file, spec, audio), paths, workers, _silent)


def _find_file(spec: Dsp, audio: Audio, path: Path) -> Times:
    return detect_breaths(read_wave(path, audio), spec)


def _silent(done: int, total: int) -> None:
    """Say nothing: the cache does."""


def detect_breaths(wave: Floats, spec: Dsp) -> Floats:
    """Return the breaths of a waveform at 16 kHz: (n, 2), start and end in seconds.

    They are in order and do not touch. The waveform's gain plays no part: a louder copy has the
    same breaths. What is shorter than a frame, silent, or has no contrast of speech and pause has
    none.
    """
    if len(wave) < FRAME:
        return np.zeros((0, 2), dtype=np.float32)
    clean = signal.sosfilt(_high_pass(spec), wave).astype(np.float32)
    frames = sliding_window_view(clean, FRAME)[::HOP]
    level = _frame_level(frames, spec)
    if level is None:
        return np.zeros((0, 2), dtype=np.float32)
    centroid = _spectral_centroid(frames)
    crossings = (np.signbit(frames[:, 1:]) != np.signbit(frames[:, :-1])).mean(axis=1)
    candidate = (
        (level > spec.min_level)
        & (level < spec.max_level)
        & (centroid > spec.min_centroid_hz)
        & (centroid < spec.max_centroid_hz)
        & (crossings > spec.min_crossings)
        & (crossings < spec.max_crossings)
    )
    asked = np.flatnonzero(candidate)
    candidate[asked] = _voice_periodicity(clean, asked, spec) < spec.max_periodicity
    runs = _close_gaps(_find_runs(candidate), _count_frames(spec.longest_gap_s))
    lengths = runs[:, 1] - runs[:, 0]
    runs = runs[
        (lengths >= _count_frames(spec.shortest_s)) & (lengths <= _count_frames(spec.longest_s))
    ]
    hissing = (level > spec.min_level) & (centroid >= spec.max_centroid_hz)
    runs = runs[~_adjoins_hiss(runs, hissing, _count_frames(spec.neighbour_s))]
    # A frame stands for the 10 ms around its middle.
    return ((runs * HOP + (FRAME - HOP) / 2) / SAMPLE_RATE_HZ).astype(np.float32)


def _count_frames(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE_HZ / HOP)


def _high_pass(spec: Dsp) -> NDArray[np.float64]:
    return signal.butter(4, spec.high_pass_hz, "highpass", fs=SAMPLE_RATE_HZ, output="sos")


def _frame_level(frames: Floats, spec: Dsp) -> NDArray[np.float64] | None:
    """Return each frame's level, 0 at the pauses' and 1 at the speech's; None without contrast."""
    power = np.einsum("fs,fs->f", frames, frames, dtype=np.float64) / FRAME
    decibels = 10 * np.log10(np.maximum(power, _LEAST_POWER))
    decibels = ndimage.median_filter(decibels, _SMOOTHED, mode="nearest")
    peak = np.percentile(decibels, spec.peak_percentile)
    decibels = np.maximum(decibels, peak - spec.max_range_db)
    floor = np.percentile(decibels, spec.floor_percentile)
    return None if peak - floor < spec.min_range_db else (decibels - floor) / (peak - floor)


def _spectral_centroid(frames: Floats) -> Floats:
    """Return the mean frequency in Hz of each frame's power spectrum, 0 for digital silence."""
    window = signal.windows.hann(FRAME, sym=False).astype(np.float32)
    spectrum = fft.rfft(frames * window, _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    hertz = fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HZ).astype(np.float32)
    total = power.sum(axis=1)
    return np.einsum("fk,k->f", power, hertz) / np.where(total > 0, total, 1)


def _voice_periodicity(clean: Floats, frames: NDArray[np.int64], spec: Dsp) -> Floats:
    """Return the highest normalised autocorrelation of each of `frames` at a voice's lags.

    Taken over `pitch_window_s` around the frame's middle, as the cosine between the window without
    its last `lag` samples and the window without its first ones.
    """
    width = round(spec.pitch_window_s * SAMPLE_RATE_HZ)
    aside = max(0, (width - FRAME + 1) // 2)
    windows = sliding_window_view(np.pad(clean, aside), min(width, len(clean) + 2 * aside))
    starts = np.minimum(frames * HOP + aside - (width - FRAME) // 2, len(windows) - 1)
    cut = windows[starts]
    lags = np.arange(
        round(SAMPLE_RATE_HZ / spec.max_pitch_hz),
        min(round(SAMPLE_RATE_HZ / spec.min_pitch_hz) + 1, cut.shape[1]),
    )
    spectrum = fft.rfft(cut, fft.next_fast_len(cut.shape[1] + int(lags[-1]), real=True))
    products = fft.irfft(spectrum.real**2 + spectrum.imag**2)[:, lags]
    energy = np.cumsum(cut.astype(np.float64) ** 2, axis=1)
    first, last = energy[:, -1 - lags], energy[:, -1:] - energy[:, lags - 1]
    return (products / np.sqrt(np.maximum(first * last, _LEAST_POWER**2))).max(axis=1, initial=0)


def _find_runs(mask: Mask) -> NDArray[np.int64]:
    """Return the stretches of True, (n, 2): first, and one after the last."""
    steps = np.diff(mask.astype(np.int8), prepend=0, append=0)
    return np.stack([np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)], axis=1)


def _close_gaps(runs: NDArray[np.int64], gap: int) -> NDArray[np.int64]:
    """Return the runs, those joined that are at most `gap` apart."""
    apart = runs[1:, 0] - runs[:-1, 1] > gap
    edges = np.ones(len(runs) and 1, dtype=bool)
    starts = runs[np.concatenate([edges, apart]), 0]
    return np.stack([starts, runs[np.concatenate([apart, edges]), 1]], axis=1)


def _adjoins_hiss(runs: NDArray[np.int64], hissing: Mask, width: int) -> Mask:
    """Return for each run whether most of the `width` frames before or after it are hissing."""
    before = np.concatenate([[0], np.cumsum(hissing)])

    def share(first: NDArray[np.int64], last: NDArray[np.int64]) -> Mask:
        first, last = np.maximum(first, 0), np.minimum(last, len(hissing))
        return 2 * (before[last] - before[first]) > max(width, 1)

    return share(runs[:, 0] - width, runs[:, 0]) | share(runs[:, 1], runs[:, 1] + width)
