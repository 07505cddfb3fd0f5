"""What analyses compute and plots show: arrays with their names, apart from any drawing."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PositionErrors(NamedTuple):
    """One system's frame errors by position in the segment.

    Arrays are in the order of `bench.metrics.positions.POSITIONS`.
    """

    system: str
    error: NDArray[np.float64]
    """(4,), fractions; NaN where there is no such frame."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """(4,) each: the 95 % interval."""


class FrameDecisions(NamedTuple):
    """One utterance's labels and decisions by frame; arrays of shape (frames,)."""

    name: str
    edges_s: NDArray[np.float64]
    """(frames + 1,): where frames begin, and the last one's end."""
    is_spoof: NDArray[np.bool_]
    decided_spoof: NDArray[np.bool_]

    @property
    def error_share(self) -> float:
        """Share of the frames that were decided wrongly."""
        return float((self.is_spoof != self.decided_spoof).mean())


class GradcamPanel(NamedTuple):
    """What a trained row predicts for an utterance, and where it looks."""

    name: str
    cam: NDArray[np.float64]
    """(hops,), not below 0: Grad-CAM, one value each 20 ms."""
    bonafide: NDArray[np.float64]
    """(frames,): the probability of bona fide; at least one half is decided bona fide."""
    edges_s: NDArray[np.float64]
    """(frames + 1,): where frames begin, and the last one's end."""
    is_spoof: NDArray[np.bool_]
    """(frames,): the labels that the decisions are compared with."""


class ActivationPanel(NamedTuple):
    """One utterance's temporal class activation."""

    title: str
    wave: NDArray[np.float32]
    """(samples,), 16 kHz."""
    activation: NDArray[np.float64]
    """(frames, classes): S' of TCA's equation 8."""


class EmbeddedFeatures(NamedTuple):
    """Hidden features of one evaluation, laid out in the plane."""

    name: str
    """The evaluation, and how much of it is shown."""
    points: NDArray[np.float64]
    """(n, 2)"""
    is_spoof: NDArray[np.bool_]
    """(n,)"""
