"""Made recordings with breaths at known places, and subsets of files of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import soundfile
from scipy import signal

from bench.data.subset import Subset

RATE = 16_000


class Made(NamedTuple):
    """A waveform and the breaths that were put into it, in seconds."""

    wave: np.ndarray
    breaths: list[tuple[float, float]]


def noise(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Return band-limited noise of standard deviation 1 with edges of 10 ms."""
    band = signal.butter(4, [low_hz, high_hz], "bandpass", fs=RATE, output="sos")
    samples = round(seconds * RATE)
    heard = signal.sosfilt(band, rng.standard_normal(samples + 800))[800:]
    fade = np.minimum(1, np.minimum(np.arange(samples), np.arange(samples)[::-1]) / 160)
    return fade * heard / heard.std()


def voice(seconds: float, pitch_hz: float) -> np.ndarray:
    """Return a buzz of falling harmonics below 3 kHz, of standard deviation 1."""
    time = np.arange(round(seconds * RATE)) / RATE
    numbers = range(1, int(3000 / pitch_hz))
    heard = sum(np.sin(2 * np.pi * pitch_hz * n * time + n) / n for n in numbers)
    return heard / heard.std()


def made(seed: int, phrases: int = 3) -> Made:
    """Return phrases of voice and fricatives with a breath in each pause between them.

    Levels against the voice: fricatives -12 dB, breaths -28 dB, the room -60 dB.
    """
    rng = np.random.default_rng(seed)
    parts, breaths = [np.zeros(round(rng.uniform(0.2, 0.4) * RATE))], []
    for phrase in range(phrases):
        if phrase:
            pause = np.zeros(round(rng.uniform(0.08, 0.15) * RATE))
            breath = noise(rng, rng.uniform(0.25, 0.6), 800, rng.uniform(2500, 3200))
            begin = sum(map(len, parts)) + len(pause)
            parts += [pause, 10 ** (-28 / 20) * breath, pause]
            breaths.append((begin / RATE, (begin + len(breath)) / RATE))
        parts.append(voice(rng.uniform(0.3, 0.6), rng.uniform(90, 220)))
        parts.append(10 ** (-12 / 20) * noise(rng, rng.uniform(0.1, 0.2), 4500, 7500))
        parts.append(voice(rng.uniform(0.3, 0.6), rng.uniform(90, 220)))
    parts.append(parts[0])
    wave = np.concatenate(parts)
    room = 10 ** (-60 / 20) * rng.standard_normal(len(wave))
    return Made((0.1 * (wave + room)).astype(np.float32), breaths)


def iou(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Return how much two intervals have in common of what they cover."""
    common = max(0.0, min(one[1], other[1]) - max(one[0], other[0]))
    return common / (one[1] - one[0] + other[1] - other[0] - common)


def subset(root: Path, names: Sequence[str], split: str = "train") -> Subset:
    """Return a subset of files `<name>.wav` below `root`; they need not be there."""
    table = pd.DataFrame(
        {
            "utterance": list(names),
            "path": [f"{name}.wav" for name in names],
            "label": ["bonafide"] * len(names),
            "speaker": [""] * len(names),
            "attack": [""] * len(names),
            "duration_s": [float("nan")] * len(names),
        }
    )
    return Subset("own", split, root, table, None)


def write(root: Path, names: Sequence[str]) -> None:
    """Write a made recording of two phrases for each name, another for each."""
    for name in names:
        seed = int.from_bytes(name.encode())
        soundfile.write(root / f"{name}.wav", made(seed, 2).wave, RATE, subtype="FLOAT")
