"""Figures of merit, in pure NumPy: equal error rate, DET points, F1, and their bootstrap intervals.

Fractions everywhere (the tracking store and reports turn them into per cent), a higher score means
more bona fide. `bench.metrics.scores` is the one place that turns a score file into figures.
"""

from __future__ import annotations

from bench.metrics.bootstrap import Interval
from bench.metrics.det import DetPoints, EerResult, det_points, eer
from bench.metrics.f1 import F1Pair, f1, frame_f1, frame_figures
from bench.metrics.grid import point_eer, utterance_eer
from bench.metrics.ranges import range_eer

__all__ = [
    "DetPoints",
    "EerResult",
    "F1Pair",
    "Interval",
    "det_points",
    "eer",
    "f1",
    "frame_f1",
    "frame_figures",
    "point_eer",
    "range_eer",
    "utterance_eer",
]
