"""Print how often 95 % intervals hold the true figure: `bench_coverage.py [SETS]`.

7,355 bona fide trials against 4,914, 1,465 and 60 spoofs, drawn SETS times from classes whose
figures are known (`tests.metrics.known_trials`): normal ones of equal spread and of unequal spread,
and spoofs whose rate of acceptance does not change where the rates cross. A share from 80 sets is
off by 2.4 % (standard error) where the true coverage is 95 %; figures other than the EER have a
quarter of the sets, and are off by twice as much.

A cell is the share of sets whose interval holds the truth, in per cent, and in brackets the share
of sets in which errors are so few that exact bounds count.
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.metrics.known_trials import EERS, SHAPES, SPOOFS, coverage

_REPLICATES = 200
_OTHERS = ("min t-DCF", "minDCF", "actDCF", "Cllr", "F1")
_OF_OTHERS = (0.0001, 0.0004, 0.002, 0.01)


def show(name: str, shape: str, n_spoof: int, eers: tuple[float, ...], sets: int) -> None:
    """Print a line: the coverage of one figure at each true EER."""
    print(f"{name:10} {shape:8} {n_spoof:6,}", end="", flush=True)
    for eer in eers:
        found = coverage(shape, eer, n_spoof, name, sets, _REPLICATES)
        print(f"  {100 * found.share:5.1f} ({100 * found.few:3.0f})", end="", flush=True)
    print()


def head(eers: tuple[float, ...]) -> None:
    """Print the true EERs."""
    print(f"\n{'figure':10} {'classes':8} {'spoofs':>6}", end="")
    print("".join(f"{f'EER {100 * eer:g} %':>13}" for eer in eers))


def main(sets: int = 80) -> None:
    """Print both tables."""
    start = perf_counter()
    print(f"per cent of {sets} sets whose 95 % interval holds the truth (sets with few errors)")
    head(EERS)
    for shape in SHAPES:
        for n_spoof in SPOOFS:
            show("EER", shape, n_spoof, EERS, sets)
    head(_OF_OTHERS)
    for name in _OTHERS:
        for shape in ("equal", "unequal"):
            for n_spoof in (SPOOFS[0], SPOOFS[-1]):
                show(name, shape, n_spoof, _OF_OTHERS, max(1, sets // 4))
    print(f"{perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
