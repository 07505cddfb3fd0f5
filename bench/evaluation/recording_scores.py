"""The scores of a recording over its time, and what is decided of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.metrics.tally import Floats
from bench.units import BONAFIDE, SPOOF


class DecidedSpan(NamedTuple):
    """A stretch of a recording that is decided alike."""

    start_s: float
    end_s: float
    label: str
    """`bonafide` or `spoof`."""
    score: float
    """The lowest of its frames."""


class RecordingScores(NamedTuple):
    """The scores of a recording, one a frame, or one of all that was heard."""

    edges_s: Floats
    """(frames + 1,): where frames begin, and the last one's end."""
    score: Floats
    """(frames,): higher means more bona fide."""

    @property
    def lowest(self) -> float:
        """The score of the whole: that of its lowest frame."""
        return float(self.score.min())

    def list_spans(self, threshold: float) -> list[DecidedSpan]:
        """Return runs of frames that are decided alike, bona fide above `threshold`."""
        is_spoof = self.score <= threshold
        begins = np.flatnonzero(np.diff(is_spoof, prepend=~is_spoof[:1]))
        ends = np.append(begins[1:], len(is_spoof))
        return [
            DecidedSpan(
                float(self.edges_s[begin]),
                float(self.edges_s[end]),
                SPOOF if is_spoof[begin] else BONAFIDE,
                float(self.score[begin:end].min()),
            )
            for begin, end in zip(begins, ends, strict=True)
        ]
