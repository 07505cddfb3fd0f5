"""From intervals of breath to the marked hops of a clip, and marks that need no interval.

BreathNet (section III-A-3, equation 4) marks the frames in which breath was detected. The paper
divides the clip into T non-overlapping frames and does not say when one counts. Here a hop is
marked where the middle of its receptive field, sample 320 i + 200, lies in an interval: that is
where its hidden state looks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from bench.units import HOP_SAMPLES, RECEPTIVE_FIELD_SAMPLES, SAMPLE_RATE_HZ, count_hops

RESULTS_VERSION = 1
"""Raised when what this module gives can change (`bench.versions`)."""

Fill = Literal["zeros", "repeat"]
Say = Callable[[str], None]
"""Is told how far a search is."""


class BreathMarker(Protocol):
    """Marks the hops of a clip in which someone breathes."""

    def mark_hops(
        self, index: int, start: int, heard: int, length: int, fill: Fill
    ) -> NDArray[np.bool_]:
        """Return (hops,), True where a hop is breath, of a clip of `length` samples at 16 kHz.

        The clip begins with samples `start` to `start + heard` of the utterance in row `index` of
        the subset's table; what follows are zeros or, with `fill` "repeat", the same samples again
        and again.
        """
        ...


class ConstantMarks(NamedTuple):
    """Marks no hop, or every hop, those of padding too."""

    value: bool

    def mark_hops(  # everybody is asked alike
        self,
        index: int,  # noqa: ARG002
        start: int,  # noqa: ARG002
        heard: int,  # noqa: ARG002
        length: int,
        fill: Fill,  # noqa: ARG002
    ) -> NDArray[np.bool_]:
        """Return `value` for each hop."""
        return np.full(len(_hop_centres(length)), self.value)


class RandomMarks(NamedTuple):
    """Marks each stretch of 320 samples of an utterance with the same probability.

    The draw depends on the utterance's id alone, so that a breath stays where it is however the
    utterance is cut, in every epoch and whatever the order of a corpus.
    """

    utterances: Sequence[str]
    share: float

    def mark_hops(
        self, index: int, start: int, heard: int, length: int, fill: Fill
    ) -> NDArray[np.bool_]:
        """Return the marks as they were drawn for the utterance, none on zeros."""
        positions, is_heard = _heard_samples(start, heard, length, fill)
        stretches = positions // HOP_SAMPLES
        digest = hashlib.sha256(self.utterances[index].encode()).digest()
        rng = np.random.default_rng(int.from_bytes(digest))
        drawn = rng.random(int(stretches.max(initial=-1)) + 1)
        return (drawn[stretches] < self.share) & is_heard


class Intervals(NamedTuple):
    """The intervals of a subset, utterance after utterance in its rows' order."""

    times_s: NDArray[np.float32]
    """(intervals, 2), start and end; sorted and apart from each other within an utterance."""
    offsets: NDArray[np.int64]
    """(utterances + 1,): row `i` has `times_s[offsets[i]:offsets[i + 1]]`."""

    @classmethod
    def from_utterances(cls, utterances: Iterable[NDArray[np.float32]]) -> Intervals:
        """Return the intervals (n, 2) of one utterance after the other."""
        # The first one is nobody's: it makes the first offset 0.
        arrays = [np.zeros((0, 2), dtype=np.float32), *utterances]
        offsets = np.cumsum([len(times) for times in arrays], dtype=np.int64)
        return cls(np.concatenate(arrays), offsets)

    def row_intervals(self, index: int) -> NDArray[np.float32]:
        """Return the intervals of row `index`, (n, 2) seconds."""
        return self.times_s[self.offsets[index] : self.offsets[index + 1]]

    def reorder_rows(self, rows: NDArray[np.int64]) -> Intervals:
        """Return the intervals of `rows`, in their order."""
        counts = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        shifts = np.repeat(self.offsets[rows] - offsets[:-1], counts)
        return Intervals(self.times_s[np.arange(offsets[-1]) + shifts], offsets)

    def mark_hops(
        self, index: int, start: int, heard: int, length: int, fill: Fill
    ) -> NDArray[np.bool_]:
        """Return where a hop's middle lies in an interval, from its start up to before its end."""
        positions, is_heard = _heard_samples(start, heard, length, fill)
        edges = np.rint(self.row_intervals(index).astype(np.float64) * SAMPLE_RATE_HZ).ravel()
        # Behind an odd number of edges (starts and ends by turns) is within an interval.
        return (np.searchsorted(edges, positions, side="right") % 2 == 1) & is_heard


def _hop_centres(length: int) -> NDArray[np.int64]:
    """Return the middles of the hops of `length` samples: none where there is no whole one."""
    hops = max(0, count_hops(length))
    return np.arange(hops) * HOP_SAMPLES + RECEPTIVE_FIELD_SAMPLES // 2


def _heard_samples(
    start: int, heard: int, length: int, fill: Fill
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return for each hop's middle its sample of the utterance, and whether there is one.

    A hop beyond the utterance hears zeros.
    """
    centres = _hop_centres(length)
    is_heard = centres < heard
    if fill == "repeat" and heard:
        return start + centres % heard, np.ones_like(is_heard)
    return start + np.where(is_heard, centres, 0), is_heard
