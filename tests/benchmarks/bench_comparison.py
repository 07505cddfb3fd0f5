"""How often two systems of one quality are told apart.

At most about 5 % of pairs should have a p-value up to 0.05. Sizes are those of cells of ASVspoof
2019 LA and 2021 (all 7,355 bona fide trials; the 4,914 spoofs of an attack, 1,465 of an attack and
a codec, 60 of a small cell), true EERs those of good systems. Half of what makes a trial hard is
shared by both systems. The note is how often a system of four times the EER is told apart.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from bench.metrics.det import equal_error_rate
from bench.metrics.items import Items
from bench.metrics.paired import compare_items
from tests.benchmarks.records import read_sizes, show

SIZES = ((7355, 4914), (7355, 1465), (7355, 60))
RATES = (0.0001, 0.0002, 0.0004, 0.002, 0.01, 0.05)
MEASURES = {"eer": equal_error_rate}


def pair(rng: np.random.Generator, n: tuple[int, int], rates: tuple[float, float]) -> list[Items]:
    """Return two systems of the given true EERs on the same trials."""
    spoof = np.repeat([0.0, 1.0], n)
    shared = rng.normal(size=len(spoof))
    return [
        Items(
            (shared + rng.normal(size=len(spoof))) / np.sqrt(2) + 2 * norm.ppf(rate) * spoof,
            1 - spoof,
            spoof,
            np.arange(len(spoof)),
        )
        for rate in rates
    ]


def found(
    pairs: int, n: tuple[int, int], rates: tuple[float, float], replicates: int = 200, seed: int = 0
) -> float:
    """Return in which share of pairs a difference is found at 5 %."""
    rng = np.random.default_rng(seed)
    differences = (
        compare_items(*pair(rng, n, rates), MEASURES, None, replicates, number)["eer"]
        for number in range(pairs)
    )
    return float(np.mean([of.p_value <= 0.05 for of in differences]))


def main(pairs: int) -> None:
    """Show how often each pair is told apart."""
    for n in SIZES:
        for rate in RATES:
            same, other = (100 * found(pairs, n, (rate, times * rate)) for times in (1, 4))
            show(
                f"found different, {n[0]:,} + {n[1]:,} trials, EER {rate:.2%}, {pairs} pairs",
                same,
                "%",
                note=f"{other:.0f} % where one EER is four times the other",
            )


if __name__ == "__main__":
    main(read_sizes(__doc__, pairs=(20, 2)).pairs)
