"""The bootstrap against a slow one that repeats utterances item by item, and its invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics import Interval, bootstrap_eer, bootstrap_f1, eer, frame_f1


def made(seed, n_groups=30, distinct=None):
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), rng.integers(1, 9, n_groups))
    is_spoof = rng.random(len(groups)) < 0.4
    scores = rng.normal(size=len(groups)) - 1.5 * is_spoof + rng.normal(size=n_groups)[groups]
    if distinct:
        scores = np.round(scores * distinct / 8)
    return scores, is_spoof, groups


def slow(scores, is_spoof, groups, replicates, seed, figure):
    """Every replicate written out: each drawn utterance's items, repeated as often as drawn."""
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    values = []
    while len(values) < replicates:
        drawn = names[rng.integers(0, len(names), len(names))]
        items = np.concatenate([np.flatnonzero(groups == name) for name in drawn])
        spoof = is_spoof[items]
        if spoof.any() and not spoof.all():
            values.append(figure(scores[items], spoof))
    return Interval(*np.quantile(values, [0.025, 0.975]))


@pytest.mark.parametrize("distinct", [None, 8, 2])
@pytest.mark.parametrize("n_groups", [2, 30, 400])
def test_eer_interval_is_that_of_written_out_replicates(n_groups, distinct):
    scores, is_spoof, groups = made(1, n_groups, distinct)
    expected = slow(scores, is_spoof, groups, 60, 5, lambda s, spoof: eer(s[~spoof], s[spoof]).eer)
    assert bootstrap_eer(scores, is_spoof, groups, 60, 5) == pytest.approx(expected, abs=1e-12)


def test_f1_intervals_are_those_of_written_out_replicates():
    scores, is_spoof, groups = made(2)
    found = bootstrap_f1(scores, is_spoof, groups, 60, 5, threshold=-0.5)
    for name in ("bonafide", "spoof"):
        expected = slow(
            scores,
            is_spoof,
            groups,
            60,
            5,
            lambda s, spoof, name=name: getattr(frame_f1(spoof, s, -0.5), name),
        )
        assert getattr(found, name) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.randoms())
def test_neither_the_order_of_items_nor_the_kind_of_name_matters(seed, random):
    scores, is_spoof, groups = made(seed, 6)
    expected = bootstrap_eer(scores, is_spoof, groups, 20)
    order = list(range(len(scores)))
    random.shuffle(order)
    names = np.array([f"utterance {group}" for group in groups])
    assert bootstrap_eer(scores[order], is_spoof[order], names[order], 20) == expected


def test_frames_of_one_utterance_stay_together():
    """Copies of a frame within its utterance carry no news, so the interval stays as wide."""
    scores, is_spoof, groups = made(3, 200)
    copied = [np.repeat(column, 20) for column in (scores, is_spoof, groups)]
    assert bootstrap_eer(*copied, 100) == bootstrap_eer(scores, is_spoof, groups, 100)
    as_if_independent = bootstrap_eer(copied[0], copied[1], np.arange(len(copied[0])), 100)
    once = bootstrap_eer(scores, is_spoof, groups, 100)
    assert np.diff(as_if_independent) < np.diff(once) / 2


def test_covers_the_true_rate_about_as_often_as_it_says():
    """Two normal classes at distance 2 have an EER of Phi(-1) = 0.1587."""
    rng = np.random.default_rng(11)
    covered = 0
    for _ in range(100):
        scores = np.concatenate([rng.normal(2, 1, 150), rng.normal(0, 1, 150)])
        low, high = bootstrap_eer(scores, np.arange(300) >= 150, np.arange(300), 200)
        covered += low <= 0.15866 <= high
    assert 88 <= covered <= 100


def test_one_seed_gives_one_interval():
    items = made(4)
    assert bootstrap_eer(*items, 50, 1) == bootstrap_eer(*items, 50, 1)
    assert bootstrap_eer(*items, 50, 1) != bootstrap_eer(*items, 50, 2)


def test_replicates_that_lack_a_class_are_drawn_again():
    assert bootstrap_eer([1.0, 0.0], [False, True], ["a", "b"], 100) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        (([1.0, 2.0], [True, True], [0, 1]), "no bonafide item"),
        (([1.0, 2.0], [False, False], [0, 1]), "no spoof item"),
        (([1.0, np.nan], [False, True], [0, 1]), "not finite"),
        (([1.0, 2.0], [False, True], [0]), "2, 2 and 1"),
    ],
)
def test_refuses_what_has_no_interval(items, message):
    for bootstrap in (bootstrap_eer, bootstrap_f1):
        with pytest.raises(BenchError, match=message):
            bootstrap(*items)
