"""Where a clip is cut, how spoofed pieces are joined in, and what the frames are then called."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.data.frame_labels import Stretch, mark_spoof_frames
from bench.synthetic.clip import Fade, FadeCurve, Pcm, Segment, SpoofRecipe, Wave
from bench.units import CLASSES, SAMPLE_RATE_HZ, SPOOF, frame_samples, to_samples

SHORTEST_PIECE_S = 0.25
REACH_S = 0.05
"""How far a boundary may move to find a quiet place; two boundaries stay SHORTEST_PIECE_S - 2
REACH_S apart."""

HUSH_S = 0.01
"""Stretch whose energy says how quiet a place is."""

NON_SPEECH_DB = -30.0
"""Frames of 10 ms this far below the clip's loudest are non-speech."""

CURVES: Mapping[FadeCurve, Callable[[Wave], Wave]] = {
    "linear": lambda x: x,
    "cosine": lambda x: 0.5 - 0.5 * np.cos(np.pi * x),
    "root": np.sqrt,
}
"""Weight of the spoofed signal along a fade, from 0 to 1 over x in 0 to 1."""


def cut_pieces(
    rng: np.random.Generator, speech: Wave, forgery: SpoofRecipe, grid: int
) -> tuple[Segment, ...]:
    """Return the pieces of alternating class that `forgery` cuts `speech` into, at quiet places.

    Boundaries are multiples of `grid` samples; the length of `speech` must be one, too.
    """
    n = len(speech)
    count = min(int(rng.choice(forgery.pieces)), n // to_samples(SHORTEST_PIECE_S))
    first = CLASSES.index(str(rng.choice(forgery.first)))
    spare = n - count * to_samples(SHORTEST_PIECE_S)
    lengths = to_samples(SHORTEST_PIECE_S) + spare * rng.dirichlet(np.ones(count))
    inner = [_find_quiet(speech, int(at), grid) for at in np.cumsum(lengths)[:-1]]
    edges = [0, *inner, n]
    return tuple(
        Segment(start, end, CLASSES[(first + i) % 2])
        for i, (start, end) in enumerate(itertools.pairwise(edges))
    )


def _find_quiet(speech: Wave, near: int, grid: int) -> int:
    """Return the multiple of `grid` within reach of `near` where `speech` has least energy."""
    reach, half = to_samples(REACH_S), to_samples(HUSH_S) // 2
    first = -(-(near - reach) // grid) * grid
    places = np.arange(first, near + reach + 1, grid)
    energy = np.concatenate([[0.0], np.cumsum(speech**2)])
    after, before = np.minimum(places + half, len(speech)), np.maximum(places - half, 0)
    return int(places[np.argmin(energy[after] - energy[before])])


def splice_pieces(bonafide: Pcm, spoof: Wave, cut: Sequence[Segment], fade: Fade) -> Pcm:
    """Return `bonafide` with `spoof` in its spoofed pieces, each at the level of what it replaces.

    Fades lie inside the spoofed piece, so every sample outside is `bonafide`'s own, bit for bit,
    and every sample that holds any spoofed signal is labelled so.
    """
    out = bonafide.copy()
    for piece in (p for p in cut if p.label == SPOOF):
        here = slice(piece.start, piece.end)
        real = bonafide[here] / 32768.0
        fake = spoof[here]
        fake = fake * np.sqrt(np.mean(real**2) / max(float(np.mean(fake**2)), 1e-12))
        weight = _fade_weight(piece, len(out), fade)
        out[here] = to_pcm((1 - weight) * real + weight * fake)
    return out


def _fade_weight(piece: Segment, n_samples: int, fade: Fade) -> Wave:
    """Return the spoofed signal's weight along `piece`; the clip's own ends are not faded."""
    weight = np.ones(piece.end - piece.start)
    ramp = CURVES[fade.curve]((np.arange(fade.samples) + 0.5) / max(fade.samples, 1))
    if piece.start > 0 and fade.samples:
        weight[: fade.samples] *= ramp
    if piece.end < n_samples and fade.samples:
        weight[-fade.samples :] *= ramp[::-1]
    return weight


def to_pcm(wave: Wave) -> Pcm:
    """Return `wave` as 16-bit samples, clipped at full scale."""
    return np.clip(np.round(wave * 32768.0), -32768, 32767).astype(np.int16)


def is_loud(wave: Wave | Pcm) -> NDArray[np.bool_]:
    """Return for each sample whether it lies in a frame of speech; one frame at least does."""
    frame = SAMPLE_RATE_HZ // 100
    power = np.add.reduceat(wave.astype(np.float64) ** 2, np.arange(0, len(wave), frame))
    return np.repeat(power >= power.max() * 10 ** (NON_SPEECH_DB / 10), frame)[: len(wave)]


def make_frame_labels(cut: Sequence[Segment], resolution_s: float) -> NDArray[np.str_]:
    """Return PartialSpoof's frame labels: `1` where no sample of the frame is spoof, else `0`.

    There are ceil(duration / resolution) strings, 21 characters wide as in the official files.

    Source: the corpus's own generator, zlin0/partialspoof-audio, local/seglab_extraction_spfin.py.
    """
    spoofed = [Stretch(piece.start, piece.end) for piece in cut if piece.label == SPOOF]
    frame = frame_samples(resolution_s)
    spoof = mark_spoof_frames(spoofed, cut[-1].end, frame, "any-spoof")
    return np.where(spoof, "0", "1").astype("<U21")
