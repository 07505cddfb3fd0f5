"""How fast the metrics are: `pytest tests/benchmarks/bench_metrics.py` (needs pytest-benchmark)."""

from __future__ import annotations

import numpy as np
import pytest

from bench.metrics import bootstrap_eer, bootstrap_f1, eer


@pytest.fixture(scope="module")
def items():
    """A million frames of 20,000 utterances."""
    rng = np.random.default_rng(0)
    utterance = np.repeat(np.arange(20_000), 50)
    is_spoof = rng.random(len(utterance)) < 0.3
    return (rng.normal(size=len(utterance)) - 2 * is_spoof).astype(np.float32), is_spoof, utterance


def test_eer(benchmark, items):
    score, is_spoof, _ = items
    assert 0.15 < benchmark(eer, score[~is_spoof], score[is_spoof]).eer < 0.17


@pytest.mark.parametrize("bootstrap", [bootstrap_eer, bootstrap_f1])
def test_thousand_replicates(benchmark, items, bootstrap):
    assert benchmark.pedantic(bootstrap, args=items, rounds=3)
