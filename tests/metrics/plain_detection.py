"""Detection figures step by step, for comparison: every threshold tried, every trial counted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from bench.metrics.tally import ScoreCounts

few_values = st.lists(st.integers(-4, 4), min_size=1, max_size=25)
"""Scores with many ties."""

positive = st.floats(0.01, 20)


def rates(bonafide, spoof):
    """Miss and false alarm rate at each threshold: below all scores, then each of them."""
    thresholds = [min([*bonafide, *spoof]) - 1, *sorted({*bonafide, *spoof})]
    return [
        (
            sum(s <= threshold for s in bonafide) / len(bonafide),
            sum(s > threshold for s in spoof) / len(spoof),
        )
        for threshold in thresholds
    ]


def one_by_one(bonafide, spoof):
    """The same as the organisers step: trial by trial, tied bona fide ones first."""
    trials = sorted([(s, 0) for s in bonafide] + [(s, 1) for s in spoof])
    points = [(0.0, 1.0)]
    missed, accepted = 0, len(spoof)
    for _, is_spoof in trials:
        missed, accepted = missed + (not is_spoof), accepted - is_spoof
        points.append((missed / len(bonafide), accepted / len(spoof)))
    return points


def reweighed(counts: ScoreCounts, bonafide: float, spoof: float) -> ScoreCounts:
    """The same with each class's weights times a factor."""
    return ScoreCounts(counts.score, counts.bonafide * bonafide, counts.spoof * spoof)


def aasist(official: Path) -> dict[str, np.ndarray]:
    """The columns of AASIST-L's scores on 2019 LA eval, published with their official figures."""
    path = official / "asvspoof2019_la/scores/AASIST-L_eval.txt"
    with path.open() as lines:
        columns = zip(*csv.reader(lines, delimiter=" "), strict=True)
    _, attack, key, score = (np.array(column) for column in columns)
    return {"attack": attack, "is_spoof": key == "spoof", "score": score.astype(float)}
