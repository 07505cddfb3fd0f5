"""Regions by the plainest loops, sample by sample: what `bench.metrics.regions` is compared with.

An utterance is that of `tests.metrics.plain_localization`: a bool a sample, and frames (start, end,
score). A region is a list of samples.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

import numpy as np
from scipy.optimize import linear_sum_assignment

from bench.metrics.regions import RegionPairs, pair_regions
from tests.metrics.plain_localization import Utterance, flat

SCALE = 16
"""Samples of the suite in one of the plain loops: so that a millisecond is one."""


def pairs_of(found: dict[int, Utterance], threshold: float = 0.0) -> RegionPairs:
    frames, truth = flat(found)
    return pair_regions(
        frames._replace(start=SCALE * frames.start, end=SCALE * frames.end),
        truth._replace(start=SCALE * truth.start, end=SCALE * truth.end),
        threshold,
    )


def runs(flags: list[bool]) -> list[set[int]]:
    at, regions = 0, []
    for is_spoof, run in groupby(flags):
        n = len(list(run))
        if is_spoof:
            regions.append({*range(at, at + n)})
        at += n
    return regions


def decided_flags(made: Utterance, threshold: float = 0.0) -> list[bool]:
    flags = [False] * len(made.spoof)
    for start, end, score in made.frames:
        for i in range(start, min(end, len(flags))):
            flags[i] = score <= threshold
    return flags


def confidence(made: Utterance, region: set[int]) -> Fraction:
    scores = [
        Fraction(score)
        for start, end, score in made.frames
        for i in range(start, end)
        if i in region
    ]
    return -sum(scores, Fraction(0)) / len(region)


def iou(one: set[int], other: set[int]) -> Fraction:
    return Fraction(len(one & other), len(one | other))


def most_pairs(allowed: list[list[bool]]) -> int:
    """The largest number of pairs, one of a row with one of a column, that are all allowed."""
    if not allowed or not allowed[0]:
        return 0
    matrix = np.array(allowed, dtype=int)
    return int(matrix[linear_sum_assignment(-matrix)].sum())


def event_counts(found: dict[int, Utterance], percent: int) -> tuple[int, int, int]:
    """(matches, decided regions, true regions)."""
    matches = n_decided = n_true = 0
    for made in found.values():
        decided, true = runs(decided_flags(made)), runs(made.spoof)
        limit = Fraction(percent, 100)
        matches += most_pairs([[iou(one, other) > limit for other in true] for one in decided])
        n_decided, n_true = n_decided + len(decided), n_true + len(true)
    return matches, n_decided, n_true


def ranked(found: dict[int, Utterance], percent: int) -> list[tuple[Fraction, bool]]:
    """Each decided region's confidence, and whether it matches, the most confident first."""
    regions = []
    for made in found.values():
        true = runs(made.spoof)
        for region in runs(decided_flags(made)):
            hit = any(iou(region, other) > Fraction(percent, 100) for other in true)
            regions.append((confidence(made, region), hit))
    return sorted(regions, reverse=True)


def average_precision(found: dict[int, Utterance], percent: int, *, script: bool = False) -> float:
    """The area under precision by recall at every confidence; as the scripts of LAV-DF have it
    without the part up to the first region."""
    regions = ranked(found, percent)
    total = sum(len(runs(made.spoof)) for made in found.values())
    points = []
    for limit in sorted({each for each, _ in regions}, reverse=True):
        taken = [hit for each, hit in regions if each >= limit]
        points.append((Fraction(sum(taken), total), Fraction(sum(taken), len(taken))))
    area, before = Fraction(0), points[0][0] if script and points else Fraction(0)
    for i, (recall, _) in enumerate(points):
        area += (recall - before) * max(precision for _, precision in points[i:])
        before = recall
    return float(area)


def average_recall(found: dict[int, Utterance], n: int) -> float:
    total = sum(len(runs(made.spoof)) for made in found.values())
    recalls = []
    for percent in range(50, 100, 5):
        hits = 0
        for made in found.values():
            regions = runs(decided_flags(made))
            regions.sort(key=lambda region, made=made: (-confidence(made, region), min(region)))
            for other in runs(made.spoof):
                best = max((iou(one, other) for one in regions[:n]), default=Fraction(0))
                hits += best > Fraction(percent, 100)
        recalls.append(hits / total)
    return float(np.mean(recalls))


def boundaries(flags: list[bool], first: int, last: int) -> list[tuple[int, bool]]:
    """Where the class changes between two samples, but at `first` and `last`, and into which."""
    padded = [False, *flags, False]
    return [
        (i, padded[i + 1])
        for i in range(len(flags) + 1)
        if padded[i] != padded[i + 1] and i != (first if padded[i + 1] else last)
    ]


def boundary_f1(found: dict[int, Utterance], tolerance: int) -> float:
    hits = n = 0
    for made in found.values():
        scored = made.frames[0][0], made.frames[-1][1]
        length = len(made.spoof)
        decided = boundaries(decided_flags(made), *(min(edge, length) for edge in scored))
        true = boundaries(made.spoof, 0, length)
        allowed = [
            [into == other_into and abs(at - other) <= tolerance for other, other_into in true]
            for at, into in decided
        ]
        hits, n = hits + most_pairs(allowed), n + len(decided) + len(true)
    return 2 * hits / n if n else np.nan


def mean_iou(found: dict[int, Utterance]) -> float:
    each = []
    for made in found.values():
        decided, true = (
            {i for i, flag in enumerate(flags) if flag}
            for flags in (decided_flags(made), made.spoof)
        )
        each += [float(iou(decided, true))] if true else []
    return float(np.mean(each)) if each else np.nan


def add_score(found: dict[int, Utterance]) -> tuple[float, float, float]:
    """(sentence accuracy, duration F1, score of ADD 2023)."""
    right, hits, wrong = 0, 0, 0
    for made in found.values():
        flags = decided_flags(made)
        right += any(flags) == any(made.spoof)
        hits += sum(a and b for a, b in zip(flags, made.spoof, strict=True))
        wrong += sum(a != b for a, b in zip(flags, made.spoof, strict=True))
    accuracy = right / len(found)
    f1 = 2 * hits / (2 * hits + wrong) if hits + wrong else np.nan
    return accuracy, f1, 0.3 * accuracy + 0.7 * f1
