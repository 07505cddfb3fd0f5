"""Localization by the plainest loops, sample by sample: what `bench.metrics` is compared with.

An utterance is `(spoof, frames)`: a list with one bool a sample, and a list of (start, end, score).
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import groupby
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from bench.metrics.timeline import LabelledStretches, ScoredFrames, make_frames, make_stretches


class Utterance(NamedTuple):
    spoof: list[bool]
    frames: list[tuple[int, int, float]]


@st.composite
def utterances(draw, gaps=True):
    """A few short utterances with frames of any length, some past the end; codes are not dense."""
    found = {}
    for code in sorted(draw(st.sets(st.integers(0, 9), min_size=1, max_size=4))):
        stretches = draw(st.lists(st.tuples(st.booleans(), st.integers(1, 9)), min_size=1))
        spoof = [is_spoof for is_spoof, n in stretches[:6] for _ in range(n)]
        at, scored = 0, []
        for gap, length, score in draw(
            st.lists(
                st.tuples(st.integers(0, 3), st.integers(1, 7), st.integers(-3, 3)),
                min_size=1,
                max_size=8,
            )
        ):
            at += gap if gaps else 0
            scored.append((at, at + length, float(score)))
            at += length
        found[code] = Utterance(spoof, scored)
    return found


def flat(found: dict[int, Utterance]) -> tuple[ScoredFrames, LabelledStretches]:
    """The same on flat arrays."""
    rows = [(code, *frame) for code, made in found.items() for frame in made.frames]
    stretches = []
    for code, made in found.items():
        at = 0
        for is_spoof, run in groupby(made.spoof):
            n = len(list(run))
            stretches.append((code, at, at + n, is_spoof))
            at += n
    return make_frames(*map(np.array, zip(*rows, strict=True))), make_stretches(
        *map(np.array, zip(*stretches, strict=True))
    )


def both_classes(found: dict[int, Utterance]) -> bool:
    return len({is_spoof for made in found.values() for is_spoof in made.spoof}) == 2


def sample_errors(found: dict[int, Utterance], threshold: float) -> tuple[int, int]:
    """(bona fide samples decided spoof, spoof samples decided bona fide)."""
    missed = accepted = 0
    for made in found.values():
        decided_spoof = [False] * len(made.spoof)
        for start, end, score in made.frames:
            for i in range(start, min(end, len(made.spoof))):
                decided_spoof[i] = score <= threshold
        for truth, decided in zip(made.spoof, decided_spoof, strict=True):
            missed += decided and not truth
            accepted += truth and not decided
    return missed, accepted


def closest_mean(points: list[tuple[float, float]]) -> set[float]:
    """The mean of both rates at each of the closest points, rounded."""
    gaps = [round(abs(a - b), 12) for a, b in points]
    return {
        round((a + b) / 2, 10) for (a, b), gap in zip(points, gaps, strict=True) if gap == min(gaps)
    }


def range_eers(found: dict[int, Utterance]) -> set[float]:
    """Every threshold tried, every sample counted."""
    scores = {score for made in found.values() for *_, score in made.frames}
    spoof = sum(sum(made.spoof) for made in found.values())
    bonafide = sum(len(made.spoof) for made in found.values()) - spoof
    rates = []
    for threshold in [min(scores) - 1, *sorted(scores)]:
        missed, accepted = sample_errors(found, threshold)
        rates.append((missed / bonafide, accepted / spoof))
    return closest_mean(rates)


def bisected_range_eer(found: dict[int, Utterance], tolerance=1e-5, rounds=60) -> float:
    """PartialSpoof's way: bisect over percentiles of the pooled frame scores until the rates of
    spoof time missed and bona fide time flagged differ by no more than the tolerance; the mean at
    the smallest difference seen."""
    scores = np.array([score for made in found.values() for *_, score in made.frames])
    spoof = sum(sum(made.spoof) for made in found.values())
    bonafide = sum(len(made.spoof) for made in found.values()) - spoof
    low, high, seen = 0.0, 100.0, []
    for _ in range(rounds):
        middle = (low + high) / 2
        missed, accepted = sample_errors(found, float(np.percentile(scores, middle)))
        false_positive, false_negative = missed / bonafide, accepted / spoof
        seen.append((abs(false_positive - false_negative), (false_positive + false_negative) / 2))
        if seen[-1][0] <= tolerance:
            break
        if false_positive < false_negative:
            low = middle
        else:
            high = middle
    return min(seen)[1]


def labels_on_grid(spoof: list[bool], frame: int, rule="any-spoof") -> list[bool]:
    pieces = [spoof[at : at + frame] for at in range(0, len(spoof), frame)]
    if rule == "any-spoof":
        return [any(piece) for piece in pieces]
    if rule == "any-bonafide":
        return [all(piece) for piece in pieces]
    return [2 * sum(piece) > len(piece) for piece in pieces]  # majority


def windows(values: list, n: int, of) -> list:
    return [of(values[at : at + n]) for at in range(0, len(values), n)]


def points_at(spoof: list[bool], scores: list[float], own: int, wanted: int):
    """Labels and scores of one utterance by PartialSpoof's segment rule, `own` and `wanted` being
    samples in a frame."""
    if wanted >= own:
        labels = labels_on_grid(spoof, own)
        shared = min(len(labels), len(scores))
        n = wanted // own
        return windows(labels[:shared], n, any), windows(scores[:shared], n, min)
    labels = labels_on_grid(spoof, wanted)
    repeated = [score for score in scores for _ in range(own // wanted)]
    shared = min(len(labels), len(repeated))
    return labels[:shared], repeated[:shared]


def trial_eers(labels: list[bool], scores: list[float]) -> set[float]:
    """The EER of frames, each threshold tried."""
    bonafide = sorted(s for s, label in zip(scores, labels, strict=True) if not label)
    spoof = sorted(s for s, label in zip(scores, labels, strict=True) if label)
    return closest_mean(
        [
            (
                bisect_right(bonafide, threshold) / len(bonafide),
                1 - bisect_right(spoof, threshold) / len(spoof),
            )
            for threshold in [min(scores) - 1, *sorted(set(scores))]
        ]
    )


def places(labels: list[bool]) -> list[str]:
    """SAL's name of each frame's place in its run."""
    found = []
    for is_spoof, run in groupby(labels):
        n = len(list(run))
        names = ["unit"] if n == 1 else ["start", *["middle"] * (n - 2), "end"]
        found += [f"{'spoof' if is_spoof else 'bonafide'}-{name}" for name in names]
    return found
