"""The detector's rules of methods.md §2.7 one frame after the other: slow, and easy to read."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import signal

from bench.specs.breath.dsp import Dsp

RATE, FRAME, HOP = 16_000, 400, 160


def intervals(wave: np.ndarray, spec: Dsp) -> list[tuple[float, float]]:
    """Return the breaths of a waveform in seconds."""
    filtered = signal.butter(4, spec.high_pass_hz, "highpass", fs=RATE, output="sos")
    clean = signal.sosfilt(filtered, wave).astype(np.float32).astype(float)
    starts = range(0, len(clean) - FRAME + 1, HOP)
    frames = [clean[start : start + FRAME] for start in starts]
    decibels = [10 * np.log10(max(np.mean(frame**2), 1e-30)) for frame in frames]
    if not decibels:
        return []
    smooth = []
    for i in range(len(decibels)):
        around = [decibels[min(max(j, 0), len(decibels) - 1)] for j in range(i - 3, i + 4)]
        smooth.append(sorted(around)[3])
    peak = np.percentile(smooth, spec.peak_percentile)
    smooth = [max(value, peak - spec.max_range_db) for value in smooth]
    floor = np.percentile(smooth, spec.floor_percentile)
    if peak - floor < spec.min_range_db:
        return []
    level = [(value - floor) / (peak - floor) for value in smooth]
    centroids = [centroid(frame) for frame in frames]
    breath = [
        spec.min_level < level[i] < spec.max_level
        and spec.min_centroid_hz < centroids[i] < spec.max_centroid_hz
        and spec.min_crossings < crossings(frame) < spec.max_crossings
        and periodicity(clean, start + FRAME // 2, spec) < spec.max_periodicity
        for i, (start, frame) in enumerate(zip(starts, frames, strict=True))
    ]
    hiss = [
        loud > spec.min_level and middle >= spec.max_centroid_hz
        for loud, middle in zip(level, centroids, strict=True)
    ]
    return [
        ((first * HOP + 120) / RATE, (end * HOP + 120) / RATE)
        for first, end in closed(breath, round(100 * spec.longest_gap_s))
        if round(100 * spec.shortest_s) <= end - first <= round(100 * spec.longest_s)
        and not beside(hiss, first, end, round(100 * spec.neighbour_s))
    ]


def centroid(frame: np.ndarray) -> float:
    """Return the mean frequency of the power spectrum."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)
    power = np.abs(np.fft.rfft(frame * window, 512)) ** 2
    return float((power * np.arange(257) * RATE / 512).sum() / power.sum()) if power.sum() else 0.0


def crossings(frame: np.ndarray) -> float:
    """Return the share of neighbours of different sign."""
    return sum((a < 0) != (b < 0) for a, b in pairwise(frame)) / (FRAME - 1)


def periodicity(clean: np.ndarray, middle: int, spec: Dsp) -> float:
    """Return the highest cosine between a window and itself later."""
    width = round(spec.pitch_window_s * RATE)
    padded = np.pad(clean, width)
    window = padded[width + middle - width // 2 :][:width]
    found = 0.0
    for lag in range(round(RATE / spec.max_pitch_hz), round(RATE / spec.min_pitch_hz) + 1):
        one, other = window[:-lag], window[lag:]
        energy = np.sqrt((one**2).sum() * (other**2).sum())
        found = max(found, float((one * other).sum() / energy)) if energy else found
    return found


def closed(breath: list[bool], gap: int) -> list[tuple[int, int]]:
    """Return the stretches, those joined that are at most `gap` apart."""
    runs: list[tuple[int, int]] = []
    for i in np.flatnonzero(breath).tolist():
        if runs and i - runs[-1][1] <= gap:
            runs[-1] = runs[-1][0], i + 1
        else:
            runs.append((i, i + 1))
    return runs


def beside(hiss: list[bool], first: int, end: int, width: int) -> bool:
    """Return whether most of `width` frames before or after a stretch hiss."""
    before, after = hiss[max(0, first - width) : first], hiss[end : end + width]
    return width > 0 and max(sum(before), sum(after)) > width / 2
