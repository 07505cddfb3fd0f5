"""Intervals by resampling.

As many trials and speakers as in ASVspoof 5's evaluation set, as many utterances as in
PartialSpoof's at 160 ms. The reference is a plain bootstrap: it draws indices, sorts the drawn
scores and computes the metrics anew, the EER as the organisers' package. Where it says so, the
reference sorts the scores once and counts each replicate in full. References run a few replicates
only, and their time is extrapolated. Processor time.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time

import numpy as np

from bench.metrics.bootstrap import compute_intervals
from bench.metrics.det import equal_error_rate
from bench.metrics.f1 import decide_bonafide
from bench.metrics.items import Items
from bench.metrics.measure import Measure, ScoreMetric
from bench.metrics.paired import compare_items
from bench.metrics.plans import make_plan
from bench.metrics.ratios import decision_ratios, ratio_intervals
from bench.metrics.registry import select_metrics
from bench.metrics.sorted_items import ResampledCounts, by_score
from bench.metrics.tally import count_scores
from tests.benchmarks.official_metrics import official_eer
from tests.benchmarks.records import read_sizes, show

TRIALS, BONAFIDE, SPEAKERS, ATTACKS = 680_774, 138_688, 737, 16
UTTERANCES, FRAMES = 71_237, 20
PLAIN = 2
EER: dict[str, Measure] = {"EER": equal_error_rate}
METRICS = select_metrics(ScoreMetric)
NAMES = ("eer", "min_dcf", "act_dcf", "cllr", "min_cllr", "auc")
MIN_DCF: dict[str, Measure] = {"minDCF": METRICS["min_dcf"].measure}
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


def anew(measures: dict[str, Measure]) -> Callable[[np.ndarray, np.ndarray], list[float]]:
    """Return how to compute metrics of drawn scores, which are sorted anew."""

    def compute(bonafide: np.ndarray, spoof: np.ndarray) -> list[float]:
        counts = count_scores(bonafide, spoof)
        return [measure(counts) for measure in measures.values()]

    return compute


def fixed(bonafide: np.ndarray, spoof: np.ndarray) -> object:
    """Compute the metrics of decisions."""
    is_spoof = np.repeat([False, True], [len(bonafide), len(spoof)])
    decided_spoof = ~decide_bonafide(np.concatenate([bonafide, spoof]))
    return decision_ratios(is_spoof, decided_spoof, np.zeros(len(is_spoof), dtype=int)).values


def count_in_full(systems: list[Items], measures: dict[str, Measure]) -> float:
    """Return the seconds of a replicate of systems that are counted in full at every score."""
    n = len(systems[0].score)
    filled = [ResampledCounts(items, items.ends, n) for items in map(sort_items, systems)]
    rng = np.random.default_rng(0)
    start = process_time()
    for _ in range(PLAIN):
        weights = np.bincount(rng.integers(0, n, n), minlength=n).astype(np.float64)
        for resampled in filled:
            counts = resampled.count_drawn(weights)
            for measure in measures.values():
                measure(counts)
    return (process_time() - start) / PLAIN


def sort_items(items: Items):
    """Return items by ascending score."""
    return by_score(items.score, items.bonafide, items.spoof, items.unit)


def compare(
    what: str,
    replicates: int,
    ours: Callable[[], object],
    plain_s: float,
    against: str = "plain bootstrap",
    goal: str = "",
) -> None:
    """Show the time of `ours`, and what the reference would take."""
    start, began = process_time(), perf_counter()
    ours()
    seconds, wall = process_time() - start, perf_counter() - began
    name = f"{what}, {replicates:,} replicates"
    note = f"{wall:.1f} s of wall time"
    show(name, seconds, "s", plain_s * replicates, against, goal=goal, note=note)


def main(trials: int, utterances: int, replicates: int) -> None:
    """Compare everything."""
    one, other = (items(trials, 1, BONAFIDE / TRIALS, seed) for seed in (0, 1))
    other = one._replace(score=one.score + other.score)
    rng = np.random.default_rng(2)
    speaker = rng.integers(0, SPEAKERS, trials)
    attack = np.where(one.spoof > 0, rng.integers(0, ATTACKS, trials), -1)
    crossed = make_plan("speaker+attack", one.unit, speaker, attack)
    each, both = by_unit(trials, 1), by_both(speaker, attack)
    for name, plan, draw, measures, plain in (
        ("utterance: EER", None, each, EER, official_eer),
        (f"utterance: {', '.join(SIX)}", None, each, SIX, anew(SIX)),
        ("speaker and attack: EER, minDCF", crossed, both, TWO, anew(TWO)),
    ):
        compare(
            f"{trials:,} trials by {name}",
            replicates,
            lambda measures=measures, plan=plan: compute_intervals(one, measures, plan, replicates),
            loop(one, draw, plain),
        )
    compare(
        f"{trials:,} trials by utterance: minDCF",
        replicates,
        lambda: compute_intervals(one, MIN_DCF, None, replicates),
        count_in_full([one], MIN_DCF),
        "counted in full, scores sorted once",
        goal="17 x",
    )
    compare(
        f"{trials:,} trials by utterance: EER, minDCF, paired",
        replicates,
        lambda: compare_items(one, other, TWO, None, replicates),
        count_in_full([one, other], TWO),
        "both systems counted in full, scores sorted once",
        goal="3 x",
    )
    cells = [choose_items(one, (one.bonafide > 0) | (attack == level)) for level in range(ATTACKS)]
    compare(
        f"{trials:,} trials by utterance: EER, minDCF of {ATTACKS} attacks",
        replicates,
        lambda: [compute_intervals(cell, TWO, None, replicates) for cell in cells],
        ATTACKS * loop(cells[0], lambda rng: rng.choice(*2 * cells[0].unit.shape), anew(TWO)),
    )
    frames = items(utterances, FRAMES, 0.7)
    draw = by_unit(utterances, FRAMES)
    is_spoof = frames.spoof > 0
    compare(
        f"{len(frames.score):,} frames by utterance: EER",
        replicates,
        lambda: compute_intervals(frames, EER, None, replicates),
        loop(frames, draw, official_eer),
    )
    compare(
        f"{len(frames.score):,} frames by utterance: F1",
        replicates,
        lambda: ratio_intervals(
            decision_ratios(is_spoof, frames.score <= 0, frames.unit), None, replicates
        ),
        loop(frames, draw, fixed),
    )


if __name__ == "__main__":
    sizes = read_sizes(
        __doc__, trials=(TRIALS, 5000), utterances=(UTTERANCES, 500), replicates=(1000, 20)
    )
    main(sizes.trials, sizes.utterances, sizes.replicates)
