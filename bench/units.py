"""Seconds to samples to frames, in whole numbers, and the names of the classes.

Every boundary is turned into a whole number of samples once, by rounding, and everything after that
is integer arithmetic: `int(seconds / resolution)` falls one frame short for one boundary in eleven
at 20 ms (0.58 / 0.02 -> 28), the reason being that 0.58 has no exact binary form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal

SAMPLE_RATE_HZ = 16_000
"""The rate every system of the suite works at."""

BONAFIDE = "bonafide"
SPOOF = "spoof"
CLASSES = (BONAFIDE, SPOOF)
"""The two classes; logits and class indices anywhere in the suite are in this order."""

LABEL_WORDS: Mapping[str, Literal["bonafide", "spoof"]] = {
    BONAFIDE: BONAFIDE,
    "bona-fide": BONAFIDE,
    "bona_fide": BONAFIDE,
    "bona fide": BONAFIDE,
    "genuine": BONAFIDE,
    "real": BONAFIDE,
    "human": BONAFIDE,
    SPOOF: SPOOF,
    "spoofed": SPOOF,
    "fake": SPOOF,
    "deepfake": SPOOF,
}
"""The class of each word that lists and score files have for a label, in small letters. Digits are
none: 1 is bona fide in some corpora and spoof in others."""

ATTACK_TYPES = (BONAFIDE, "TTS", "VC")
"""Bona fide, text-to-speech, voice conversion: what a system may tell apart beyond the two classes.
"""

HOP_SAMPLES = 320
"""Stride of the wav2vec 2.0 family's convolutions: one hidden state each 20 ms."""

RECEPTIVE_FIELD_SAMPLES = 400
"""Samples that one hidden state sees; `n * HOP_SAMPLES + 80` samples make exactly n states."""


RESOLUTIONS_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)
"""Those of PartialSpoof's labels, at which its segment EERs are given."""


def to_samples(seconds: float, sample_rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """Return the whole number of samples nearest to `seconds`.

    >>> to_samples(0.58), to_samples(1.28)
    (9280, 20480)
    """
    return round(seconds * sample_rate_hz)


def count_hops(samples: int) -> int:
    """Return how many hidden states a front-end has for so many samples.

    >>> count_hops(64_600), count_hops(64_000), count_hops(64_080)
    (201, 199, 200)
    """
    return (samples - RECEPTIVE_FIELD_SAMPLES) // HOP_SAMPLES + 1


def frame_samples(resolution_s: float, sample_rate_hz: int = SAMPLE_RATE_HZ) -> int:
    """Return the samples in one frame of `resolution_s`.

    Refuse a resolution that is no whole number of samples.

    >>> frame_samples(0.16)
    2560
    """
    n = to_samples(resolution_s, sample_rate_hz) if math.isfinite(resolution_s) else 0
    if n < 1 or abs(n / sample_rate_hz - resolution_s) > 1e-9:
        raise ValueError(
            f"resolution {resolution_s} s is not a whole number of samples at {sample_rate_hz} Hz"
        )
    return n


def frames_covering(n_samples: int, samples_per_frame: int) -> int:
    """Return how many frames cover `n_samples`, the last one perhaps in part (ceil).

    >>> frames_covering(64_000, 2560), frames_covering(64_001, 2560)
    (25, 26)
    """
    return -(-n_samples // samples_per_frame)
