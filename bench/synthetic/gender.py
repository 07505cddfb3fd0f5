"""The gender that protocols give a speaker, decided by pitch.

Neither the built-in voice nor a folder of recordings says it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyworld

from bench.synthetic.clip import WrittenClip
from bench.synthetic.voices import read_recording
from bench.units import SAMPLE_RATE_HZ

Gender = Literal["F", "M"]

BORDER_HZ = 155.0
"""Between the usual pitch of men and of women, and between the built-in voice's two ranges."""

HEARD = 2
"""Clips of a speaker that are listened to."""


def detect_genders(root: Path, made: Sequence[WrittenClip]) -> dict[int, Gender]:
    """Return F or M for each speaker of `made`, by number.

    F means that the median pitch of the first clips is above BORDER_HZ.
    """
    clips = defaultdict[int, list[WrittenClip]](list)
    for m in made:
        clips[m.clip.speaker.number].append(m)
    return {
        number: "F" if _pitch_hz(root, heard[:HEARD]) > BORDER_HZ else "M"
        for number, heard in clips.items()
    }


def _pitch_hz(root: Path, made: Sequence[WrittenClip]) -> float:
    """Return the median of the voiced frames of `made`; 0 where none is voiced."""
    tracks = [pyworld.dio(read_recording(root / m.clip.path), SAMPLE_RATE_HZ)[0] for m in made]
    voiced = np.concatenate(tracks)
    voiced = voiced[voiced > 0]
    return float(np.median(voiced)) if len(voiced) else 0.0
