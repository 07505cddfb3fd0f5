"""How often 95 % intervals hold the truth near zero errors, at real sizes (slow): see
`tests/benchmarks/bench_coverage.py` for the whole table."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics.items import count_items
from tests.metrics.known_trials import MEASURES, SHAPES, coverage, drawn, interval_of, truth

_SETS = 150
_LEAST = 0.93 - 2 * (0.93 * 0.07 / _SETS) ** 0.5
"""93 %, less two standard errors of so many sets: 88.8 %."""


def test_known_figures_are_those_of_many_trials():
    """What the simulation takes for true, against one large draw."""
    for shape, of in SHAPES.items():
        known = truth(of(0.05), 0.05, 4914)
        items = drawn(of(0.05), 400_000, 0)
        found = {name: measure(count_items(items)) for name, measure in MEASURES.items()}
        for name, value in found.items():
            assert value == pytest.approx(known[name], rel=0.12), (shape, name)


@pytest.mark.parametrize("n_spoof", [4914, 60])
def test_no_error_at_all_leaves_the_true_rate_open(n_spoof):
    """The review's case: a cell without an error was [0, 0], and the paper's 0.02 "outside"."""
    classes = SHAPES["equal"](0.0002)
    empty = [
        found
        for seed in range(40)
        for found in [interval_of(drawn(classes, n_spoof, seed), "EER", 1, seed)]
        if found.missed + found.accepted == 0
    ]
    assert len(empty) > 4
    for found in empty:
        assert found.few
        assert found.low <= 0.0002 <= found.high


@pytest.mark.slow
@pytest.mark.parametrize("eer", [0.00005, 0.0002, 0.002, 0.01])
@pytest.mark.parametrize("n_spoof", [4914, 1465, 60])
@pytest.mark.parametrize("shape", list(SHAPES))
def test_intervals_of_the_eer_hold_the_truth(shape, n_spoof, eer):
    assert coverage(shape, eer, n_spoof, "EER", _SETS, 200).share >= _LEAST


@pytest.mark.slow
@pytest.mark.parametrize("name", ["min t-DCF", "minDCF", "actDCF", "Cllr", "F1"])
@pytest.mark.parametrize("n_spoof", [4914, 60])
@pytest.mark.parametrize("shape", ["equal", "unequal"])
def test_intervals_of_other_figures_hold_the_truth_where_errors_are_few(shape, n_spoof, name):
    share = np.mean([coverage(shape, eer, n_spoof, name, 75, 200).share for eer in (0.0002, 0.002)])
    assert share >= _LEAST
