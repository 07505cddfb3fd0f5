"""Labels by the plainest loops: what `bench.labels` is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import groupby

from bench.data.subset import Span


def any_spoof_frames(spans: Sequence[Span], n_samples: int, frame: int) -> list[bool]:
    """Mark every sample, then look through each frame."""
    is_spoof = [False] * n_samples
    for span in spans:
        for i in range(round(span.start_s * 16_000), min(round(span.end_s * 16_000), n_samples)):
            is_spoof[i] = span.label == "spoof"
    return [any(is_spoof[at : at + frame]) for at in range(0, n_samples, frame)]


def floored_frames(spans: Sequence[Span], duration_s: str, resolution_s: str) -> list[bool]:
    """Floor in exact fractions of the decimals as printed."""
    resolution = Fraction(resolution_s)
    spoof = [False] * int(Fraction(duration_s) / resolution)
    for span in spans:
        if span.label == "spoof":
            first = int(Fraction(str(span.start_s)) / resolution)
            for i in range(first, int(Fraction(str(span.end_s)) / resolution)):
                spoof[i] = True
    return spoof


def segments(spoof: Sequence[bool]) -> list[tuple[bool, int]]:
    """Return (class, length) of each run."""
    return [(label, len(list(run))) for label, run in groupby(spoof)]


def positions(spoof: Sequence[bool], n_valid: int) -> list[int]:
    """Return SAL's eight classes, bona fide first, -100 on padding."""
    out: list[int] = []
    for label, length in segments(spoof[:n_valid]):
        places = "U" if length == 1 else "S" + "M" * (length - 2) + "E"
        out += ["SMEU".index(place) + (4 if label else 0) for place in places]
    return out + [-100] * (len(spoof) - n_valid)


def both_sides(spoof: Sequence[bool], n_valid: int) -> list[int]:
    """Return 1 on either side of each change of class."""
    out = [0] * n_valid + [-100] * (len(spoof) - n_valid)
    for i in range(1, n_valid):
        if spoof[i] != spoof[i - 1]:
            out[i - 1] = out[i] = 1
    return out


def spoof_side(spoof: Sequence[bool], n_valid: int) -> list[int]:
    """Return 1 on the spoof frame of the two at each change of class."""
    out = [0] * n_valid + [-100] * (len(spoof) - n_valid)
    for i in range(1, n_valid):
        if spoof[i] != spoof[i - 1]:
            out[i if spoof[i] else i - 1] = 1
    return out


def segment_edges(spoof: Sequence[bool], n_valid: int) -> list[int]:
    """Return 1 on the first and last frame of each segment, with released SAL's two exceptions."""
    runs = segments(spoof[:n_valid])
    out: list[int] = []
    for k, (label, length) in enumerate(runs):
        marks = [0] * length
        marks[0] = marks[-1] = 1
        if not label and k == len(runs) - 1 and length > 1:
            marks[-1] = 0
        if not label and k == 0:
            marks[0] = 0
        out += marks
    return out + [-100] * (len(spoof) - n_valid)
