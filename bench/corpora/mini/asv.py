"""Speaker verification for the miniature's ASV score files: long-term average spectra, compared.

A real system, if a weak one: a speaker's model is the mean of the log spectra of their bona fide
utterances (without the one on trial), and the score of a trial is minus the root mean square
difference in decibels to the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from bench.corpora.mini.clip import Made, Wave
from bench.corpora.mini.voices import read
from bench.units import SAMPLE_RATE_HZ, SPOOF


def spectrum(wave: Wave) -> NDArray[np.float64]:
    """Return the long-term spectrum of `wave` in decibels over 128 bands, less its mean."""
    _, power = welch(wave, SAMPLE_RATE_HZ, nperseg=256)
    decibels = 10 * np.log10(power[1:] + 1e-12)
    return decibels - decibels.mean()


def trials(root: Path, made: Sequence[Made]) -> list[str]:
    """Return the lines `CM_KEY ASV_KEY SCORE` of a split, as in ASVspoof 2019.

    A bona fide utterance is tried against its own speaker (target) and every other (nontarget), a
    spoofed one against the speaker it claims (spoof). A claim without another bona fide utterance
    to make a model of is no trial.
    """
    spectra = {m.clip.utterance: spectrum(read(root / m.clip.path)) for m in made}
    genuine = [m for m in made if m.clip.label != SPOOF]
    numbers = sorted({m.clip.speaker.number for m in genuine})
    lines = list[str]()
    for m in made:
        for number in numbers:
            own = number == m.clip.speaker.number
            enrolled = [
                spectra[g.clip.utterance]
                for g in genuine
                if g.clip.speaker.number == number and g is not m
            ]
            if not enrolled or (m.clip.label == SPOOF and not own):
                continue
            distance = spectra[m.clip.utterance] - np.mean(enrolled, axis=0)
            score = -float(np.sqrt(np.mean(distance**2)))
            keys = (
                "CON spoof"
                if m.clip.label == SPOOF
                else f"bonafide {'target' if own else 'nontarget'}"
            )
            lines.append(f"{keys} {score:.6f}")
    return lines
