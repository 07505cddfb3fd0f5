"""Speaker verification for the miniatures' ASV score files: long-term average spectra, compared.

A real system, if a weak one: a speaker's model is the mean of the log spectra of their enrolment
utterances, and the score of a trial is minus the root mean square difference in decibels to the
model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import welch

from bench.synthetic.clip import Wave, WrittenClip
from bench.synthetic.voices import read_recording
from bench.units import SAMPLE_RATE_HZ, SPOOF


class Trial(NamedTuple):
    """A claim to be a speaker, and what the system makes of it."""

    made: WrittenClip
    claimed: int
    """Number of the speaker."""
    key: Literal["target", "nontarget", "spoof"]
    score: float
    """Higher means more likely the same speaker."""


BANDS = 128
"""Bands of 62.5 Hz that a spectrum has."""

BELOW_4_KHZ = 64
"""So many of them are let through by every codec, and kept by every vocoder."""


def compute_spectrum(wave: Wave, bands: int = BANDS) -> NDArray[np.float64]:
    """Return the long-term spectrum of `wave` in decibels over `bands` bands, less its mean."""
    _, power = welch(wave, SAMPLE_RATE_HZ, nperseg=256)
    decibels = 10 * np.log10(power[1 : bands + 1] + 1e-12)
    return decibels - decibels.mean()


def score_trials(
    root: Path,
    made: Sequence[WrittenClip],
    enrolment: Sequence[WrittenClip] | None = None,
    bands: int = BANDS,
) -> list[Trial]:
    """Return the trials of `made`, in its order, claimed speakers in order of number.

    A bona fide utterance is tried against its own speaker (target) and every other (nontarget), a
    spoofed one against the speaker it claims (spoof). Models are made from `enrolment`; without,
    from the bona fide utterances of `made`, less the one on trial. A claim without an utterance
    to make a model of is no trial.
    """
    enrolled = [m for m in made if m.clip.label != SPOOF] if enrolment is None else enrolment
    paths = {m.clip.path for m in (*made, *enrolled)}
    spectra = {path: compute_spectrum(read_recording(root / path), bands) for path in paths}
    numbers = sorted({m.clip.speaker.number for m in enrolled})
    result = list[Trial]()
    for m in made:
        for number in numbers:
            is_own = number == m.clip.speaker.number
            others = [e.clip for e in enrolled if e is not m]
            model = [spectra[clip.path] for clip in others if clip.speaker.number == number]
            if not model or (m.clip.label == SPOOF and not is_own):
                continue
            distance = spectra[m.clip.path] - np.mean(model, axis=0)
            key = "spoof" if m.clip.label == SPOOF else "target" if is_own else "nontarget"
            result.append(Trial(m, number, key, -float(np.sqrt(np.mean(distance**2)))))
    return result
