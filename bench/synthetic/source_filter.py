"""The built-in voice: glottal pulses and noise through moving resonances, in a small room.

It stands in for a human where nobody has given recordings. It follows the source-filter model
(Fant, Acoustic Theory of Speech Production, 1960) with the glottal pulse of Fant, Liljencrants and
Lin (STL-QPSR 4/1985), whose rising open phase is not minimum phase; with jitter, shimmer and
breath noise in step with the pulses; with breaths between phrases; and with early echoes and the
noise of a room. Those are what a vocoder does not give back, as with a human, or not wholly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, lfilter, sosfilt

from bench.synthetic.clip import Wave, make_generator
from bench.synthetic.voices import level_wave
from bench.units import SAMPLE_RATE_HZ

BLOCK = 80
"""Samples between two settings of the resonances: 5 ms."""

Track = NDArray[np.float64]

VOWELS_HZ = np.array(
    [
        *([300, 2250, 2950], [400, 1950, 2600], [550, 1800, 2500], [700, 1650, 2450]),
        *([720, 1150, 2450], [580, 900, 2450], [450, 1050, 2300], [320, 900, 2250]),
        *([500, 1450, 2450], [480, 1300, 1700]),
    ]
)
"""First three resonances of ten vowels, a man's, near Peterson and Barney (JASA 24(2), 1952)."""

CLOSED_HZ = np.array([[250, 1100, 2150], [250, 1700, 2600], [260, 2000, 2700], [270, 1400, 2300]])
"""Where the resonances move towards in nasals, glides and stops of four places."""

HISS_HZ = ((1500.0, 4500.0), (2500.0, 6000.0), (4300.0, 7700.0))
"""Bands of noise at the lips, the palate and the teeth."""

BREATH_HZ = (500.0, 2600.0)
"""Band of the noise of air drawn in, below that of fricatives (as Ruinskiy and Lavner, IEEE TASLP
15(3), 2007, tell them apart)."""


class Phone(NamedTuple):
    """One sound: what the voice does for some blocks of 5 ms."""

    blocks: int
    formants_hz: Track
    """Three resonances."""
    voicing: float
    """Amplitude of the glottal pulses, 0 to 1."""
    hiss: tuple[float, ...]
    """Amplitude of each band of HISS_HZ."""
    breath: float = 0.0
    """Amplitude of the noise of a breath."""


class Score(NamedTuple):
    """What the voice is to do in each block of 5 ms."""

    formants_hz: Track
    """Blocks by three."""
    voicing: Track
    """Blocks."""
    hiss: Track
    """Blocks by bands: those of HISS_HZ, then BREATH_HZ."""


@dataclass(frozen=True)
class SourceFilter:
    """A made speaker. `number` and `seed` fix everything: pitch, tract length, pulse, room."""

    number: int
    seed: int

    @property
    def name(self) -> str:
        """Return `built-in-NN`."""
        return f"built-in-{self.number:02d}"

    def speak(self, rng: np.random.Generator, n_samples: int) -> Wave:
        """Return `n_samples` of babble: syllables with pauses, some of which have a breath."""
        speaker_rng = make_generator(self.seed, self.name)
        pitch_hz = float(speaker_rng.choice(speaker_rng.uniform([85, 165], [145, 245])))
        tract = 0.88 + 0.27 * (pitch_hz - 85) / 160 + speaker_rng.uniform(-0.05, 0.05)
        score = _compose_score(rng, -(-n_samples // BLOCK))
        voiced = _make_pulses(rng, speaker_rng, pitch_hz, score.voicing)
        mouth = _apply_resonances(voiced, score.formants_hz * tract, speaker_rng)
        n = len(mouth)
        bands = (*HISS_HZ, BREATH_HZ)
        noise = rng.standard_normal((len(bands), n))
        for band, hiss, gain in zip(bands, noise, score.hiss.T, strict=True):
            filtered = sosfilt(butter(2, band, "bandpass", fs=SAMPLE_RATE_HZ, output="sos"), hiss)
            mouth = mouth + 0.5 * _to_samples(gain) * filtered
        return level_wave(_add_room(rng, speaker_rng, mouth)[:n_samples])


def _syllable(rng: np.random.Generator) -> list[Phone]:
    """Return a consonant (hiss, burst, nasal or none), a pause or a breath, and a vowel."""
    vowel = VOWELS_HZ[rng.integers(len(VOWELS_HZ))] * rng.uniform(0.93, 1.07, 3)
    closed = CLOSED_HZ[rng.integers(len(CLOSED_HZ))]
    loudness = rng.uniform(0.1, 0.5) * np.eye(len(HISS_HZ))[rng.integers(len(HISS_HZ))]
    none, hiss = (0.0,) * len(HISS_HZ), tuple(loudness)

    def lasting(shortest: int, longest: int) -> int:
        return int(rng.integers(shortest, longest))

    onsets = {
        "pause": [Phone(lasting(15, 40), vowel, 0.0, none)],
        "breath": [
            Phone(lasting(14, 24), vowel, 0.0, none),
            Phone(lasting(44, 88), vowel, 0.0, none, rng.uniform(0.04, 0.1)),
            Phone(lasting(14, 24), vowel, 0.0, none),
        ],
        "hiss": [Phone(lasting(12, 26), closed, 0.0, hiss)],
        "voiced hiss": [Phone(lasting(10, 18), closed, 0.35, tuple(0.4 * loudness))],
        "stop": [
            Phone(lasting(8, 16), closed, 0.0, none),
            Phone(lasting(2, 6), closed, 0.0, tuple(1.3 * loudness)),
        ],
        "nasal": [Phone(lasting(10, 18), closed, 0.5, none)],
        "none": list[Phone](),
    }
    onset = rng.choice(list(onsets), p=[0.04, 0.09, 0.2, 0.11, 0.21, 0.21, 0.14])
    return [*onsets[onset], Phone(lasting(14, 40), vowel, rng.uniform(0.7, 1.0), none)]


def _compose_score(rng: np.random.Generator, n_blocks: int) -> Score:
    """Return `n_blocks` of random syllables, each sound gliding into the next over 50 ms."""
    phones = list[Phone]()
    while sum(phone.blocks for phone in phones) < n_blocks:
        phones += _syllable(rng)
    held = np.array(
        [[*phone.formants_hz, phone.voicing, *phone.hiss, phone.breath] for phone in phones]
    )
    tracks = np.repeat(held, [phone.blocks for phone in phones], axis=0)[:n_blocks]
    glide = np.hanning(11)[1:-1]
    padded = np.pad(tracks, ((4, 4), (0, 0)), mode="edge")
    moved = np.stack([np.convolve(c, glide / glide.sum(), "valid") for c in padded.T], axis=1)
    return Score(moved[:, :3], moved[:, 3], moved[:, 4:])


def _to_samples(track: Track) -> Wave:
    n = len(track)
    return np.interp(np.arange(n * BLOCK) / BLOCK, np.arange(n), track)


def _make_pulses(
    rng: np.random.Generator, speaker_rng: np.random.Generator, pitch_hz: float, voicing: Track
) -> Wave:
    """Return the derivative of the glottal flow, with breath noise while the glottis is open."""
    n = len(voicing) * BLOCK
    amplitude = _to_samples(voicing)
    knots = np.arange(0, n + SAMPLE_RATE_HZ // 4, SAMPLE_RATE_HZ // 4)
    melody = np.interp(np.arange(n), knots, np.cumsum(rng.normal(0, 0.04, len(knots))) * 0.7)
    peak, closing, back, growth, jitter, shimmer, breath = speaker_rng.uniform(
        [0.36, 0.52, 0.006, 2.0, 0.006, 0.03, 0.02], [0.46, 0.68, 0.025, 4.5, 0.015, 0.09, 0.07]
    )
    starts, periods, shimmers, at = list[float](), list[float](), list[float](), 0.0
    while at < n - 1:
        period = SAMPLE_RATE_HZ / (
            pitch_hz * 2.0 ** melody[int(at)] * (1 + jitter * rng.standard_normal())
        )
        starts.append(at)
        periods.append(period)
        shimmers.append(rng.standard_normal())
        at += period
    firsts = np.ceil(starts).astype(int)
    each = np.diff([*firsts, min(n, int(np.ceil(at)))])
    start, period, shimmered = (np.repeat(x, each) for x in (starts, periods, shimmers))
    wave, open_phase = np.zeros(n), np.zeros(n)
    phase = (np.arange(len(start)) - start) / period
    rising = np.exp(growth * phase) * np.sin(np.pi * phase / peak)
    falling = np.exp(growth * closing) * np.sin(np.pi * closing / peak)
    shape = np.where(phase < closing, rising, falling * np.exp(-(phase - closing) / back))
    wave[: len(start)] = (1 + shimmer * shimmered) / abs(falling) * shape
    open_phase[: len(start)] = np.where(phase < closing, np.sin(np.pi * phase / closing), 0.05)
    return amplitude * (wave + breath * open_phase * rng.standard_normal(n))


def _apply_resonances(source: Wave, formants_hz: Track, speaker_rng: np.random.Generator) -> Wave:
    """Return `source` through five resonances in cascade, their memory kept.

    They are set anew every block, and blocks of one setting are filtered together.
    """
    upper = speaker_rng.uniform([3300, 4300], [3800, 5000])
    widths = speaker_rng.uniform([50, 70, 110, 180, 250], [90, 120, 180, 280, 400])
    centres = np.concatenate([formants_hz, np.tile(upper, (len(formants_hz), 1))], 1)
    centres = np.minimum(centres, 7200)
    radius = np.exp(-np.pi * widths / SAMPLE_RATE_HZ)
    a1, a2 = -2 * radius * np.cos(2 * np.pi * centres / SAMPLE_RATE_HZ), radius**2
    sections = np.zeros((*a1.shape, 6))
    sections[..., 0], sections[..., 3] = 1 + a1 + a2, 1
    sections[..., 4], sections[..., 5] = a1, a2
    out, memory = np.empty_like(source), np.zeros((len(widths), 2))
    starts = [0, *(np.flatnonzero(np.diff(a1, axis=0).any(axis=1)) + 1)]
    for start, end in pairwise([*starts, len(a1)]):
        here = slice(start * BLOCK, end * BLOCK)
        out[here], memory = sosfilt(sections[start], source[here], zi=memory)
    return out


def _add_room(rng: np.random.Generator, speaker_rng: np.random.Generator, wave: Wave) -> Wave:
    """Return `wave` with the echoes and the noise of a room, 35 to 50 dB below the speech."""
    decay_s, direct_db = speaker_rng.uniform(0.12, 0.3), speaker_rng.uniform(6, 12)
    t = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    echoes = speaker_rng.standard_normal(len(t)) * 10 ** (-3 * t / decay_s)
    echoes[: speaker_rng.integers(20, 60)] = 0
    echoes *= 10 ** (-direct_db / 20) / np.linalg.norm(echoes)
    echoes[0] = 1.0
    wet = fftconvolve(wave, echoes)[: len(wave)]
    noise = lfilter([1], [1, -speaker_rng.uniform(0.5, 0.9)], rng.standard_normal(len(wave)))
    quiet = np.sqrt(np.mean(wet**2)) * 10 ** (-speaker_rng.uniform(35, 50) / 20)
    return wet + noise * quiet / np.sqrt(np.mean(noise**2))
