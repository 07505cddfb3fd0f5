"""Print the processor time of intervals beside a plain loop: `bench_uncertainty.py [REPLICATES]`.

As many trials and speakers as in ASVspoof 5's evaluation set, as many utterances as in
PartialSpoof's at 160 ms. The loop draws indices, sorts the drawn scores and computes the figures
anew; it runs a few replicates only, and its time is extrapolated.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from time import process_time

import numpy as np
from bench_metrics import official_eer  # pyright: ignore[reportMissingImports]

from bench.metrics.bootstrap import compute_intervals
from bench.metrics.det import equal_error_rate
from bench.metrics.f1 import decide_bonafide
from bench.metrics.items import Items
from bench.metrics.measure import Measure, ScoreMetric
from bench.metrics.paired import compare_items
from bench.metrics.plans import make_plan
from bench.metrics.ratios import decision_ratios, ratio_intervals
from bench.metrics.registry import select_metrics
from bench.metrics.tally import count_scores

TRIALS, BONAFIDE, SPEAKERS, ATTACKS = 680_774, 138_688, 737, 16
UTTERANCES, FRAMES = 71_237, 20
PLAIN = 3
EER: dict[str, Measure] = {"EER": equal_error_rate}
METRICS = select_metrics(ScoreMetric)
NAMES = ("eer", "min_dcf", "act_dcf", "cllr", "min_cllr", "auc")
TWO: dict[str, Measure] = {**EER, "minDCF": METRICS["min_dcf"].measure}
SIX: dict[str, Measure] = {METRICS[name].label: METRICS[name].measure for name in NAMES}


def items(units: int, per_unit: int, share_bonafide: float, seed: int = 0) -> Items:
    """Return scores of two normal classes, those of a unit somewhat alike."""
    rng = np.random.default_rng(seed)
    spoof = (rng.random(units * per_unit) >= share_bonafide).astype(float)
    unit = np.repeat(np.arange(units), per_unit)
    score = rng.normal(size=len(unit)) + rng.normal(size=units)[unit] / 2 - 3 * spoof
    return Items(score, 1 - spoof, spoof, unit)


def by_unit(units: int, per_unit: int) -> Callable[[np.random.Generator], np.ndarray]:
    """Return how to draw items of whole units that follow one another."""
    members = np.arange(units * per_unit).reshape(units, per_unit)
    return lambda rng: members[rng.choice(units, units)].ravel()


def by_both(speaker: np.ndarray, attack: np.ndarray) -> Callable[[np.random.Generator], np.ndarray]:
    """Return how to draw speakers and attacks apart."""

    def draw(rng: np.random.Generator) -> np.ndarray:
        by_speaker, by_attack = (
            np.bincount(rng.choice(n, n), minlength=n) for n in (SPEAKERS, ATTACKS)
        )
        times = by_speaker[speaker] * np.where(attack < 0, 1, by_attack[attack])
        return np.repeat(np.arange(len(speaker)), times)

    return draw


def loop(of: Items, draw: Callable[..., np.ndarray], figures: Callable[..., object]) -> float:
    """Return the seconds of one replicate of a plain bootstrap."""
    rng = np.random.default_rng(0)
    start = process_time()
    for _ in range(PLAIN):
        drawn = draw(rng)
        score, spoof = of.score[drawn], of.spoof[drawn] > 0
        figures(score[~spoof], score[spoof])
    return (process_time() - start) / PLAIN


def choose_items(of: Items, chosen: np.ndarray) -> Items:
    """Return the items of a cell of a breakdown."""
    return Items(of.score[chosen], of.bonafide[chosen], of.spoof[chosen], of.unit[chosen])


def two(bonafide: np.ndarray, spoof: np.ndarray) -> list[float]:
    """Return the EER and the minDCF, the scores sorted anew."""
    counts = count_scores(bonafide, spoof)
    return [measure(counts) for measure in TWO.values()]


def six(bonafide: np.ndarray, spoof: np.ndarray) -> list[float]:
    """Return all six figures, the scores sorted anew."""
    counts = count_scores(bonafide, spoof)
    return [measure(counts) for measure in SIX.values()]


def fixed(bonafide: np.ndarray, spoof: np.ndarray) -> object:
    """Return both F1."""
    is_spoof = np.repeat([False, True], [len(bonafide), len(spoof)])
    decided_spoof = ~decide_bonafide(np.concatenate([bonafide, spoof]))
    return decision_ratios(is_spoof, decided_spoof, np.zeros(len(is_spoof), dtype=int)).values


def show(what: str, replicates: int, ours: Callable[[], object], plain_s: float) -> None:
    """Print the time of `ours`, and what the plain loop would take."""
    start = process_time()
    ours()
    seconds = process_time() - start
    expected = plain_s * replicates
    print(f"{what:78} {seconds:7.2f} s {expected:8.0f} s {expected / seconds:7.0f} x", flush=True)


def main(replicates: int = 1000) -> None:
    """Time everything."""
    print(f"{replicates:,} replicates{'ours':>73} {'loop':>10} {'ratio':>9}  ({PLAIN} loops timed)")
    one, other = (items(TRIALS, 1, BONAFIDE / TRIALS, seed) for seed in (0, 1))
    other = one._replace(score=one.score + other.score)
    rng = np.random.default_rng(2)
    speaker = rng.integers(0, SPEAKERS, TRIALS)
    attack = np.where(one.spoof > 0, rng.integers(0, ATTACKS, TRIALS), -1)
    crossed = make_plan("speaker+attack", one.unit, speaker, attack)
    for name, by, draw in (
        ("utterance", None, by_unit(TRIALS, 1)),
        ("speaker and attack", crossed, by_both(speaker, attack)),
    ):
        for measures, plain in ((EER, official_eer), (TWO, two), (SIX, six)):
            show(
                f"{TRIALS:,} trials by {name}: {', '.join(measures)}",
                replicates,
                lambda measures=measures, by=by: compute_intervals(one, measures, by, replicates),
                loop(one, draw, plain),
            )
    show(
        f"{TRIALS:,} trials by utterance: EER, minDCF, paired",
        replicates,
        lambda: compare_items(one, other, TWO, None, replicates),
        2 * loop(one, by_unit(TRIALS, 1), two),
    )
    cells = [choose_items(one, (one.bonafide > 0) | (attack == level)) for level in range(ATTACKS)]
    show(
        f"{TRIALS:,} trials by utterance: EER, minDCF of {ATTACKS} attacks",
        replicates,
        lambda: [compute_intervals(cell, TWO, None, replicates) for cell in cells],
        ATTACKS * loop(cells[0], lambda rng: rng.choice(*2 * cells[0].unit.shape), two),
    )
    frames = items(UTTERANCES, FRAMES, 0.7)
    draw = by_unit(UTTERANCES, FRAMES)
    show(
        f"{len(frames.score):,} frames by utterance: EER",
        replicates,
        lambda: compute_intervals(frames, EER, None, replicates),
        loop(frames, draw, official_eer),
    )
    is_spoof = frames.spoof > 0
    show(
        f"{len(frames.score):,} frames by utterance: F1",
        replicates,
        lambda: ratio_intervals(
            decision_ratios(is_spoof, frames.score <= 0, frames.unit), None, replicates
        ),
        loop(frames, draw, fixed),
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"most memory: {peak:.2f} GiB")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
