"""The EER of weighted items against that of their whole tally, and of trials repeated as often as
they weigh."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bench.metrics.det import eer_by_class, eer_of
from bench.metrics.items import Items, count_items, items_eer
from tests.errors import raises_code

weights = st.integers(0, 4)
wide = st.one_of(
    st.integers(-3, 3).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(999.0, 999.5),
    st.sampled_from([-0.0, 0.0, 5e-324, -5e-324, np.inf, 1.7e308, -1.7e308]),
)


def made(rows):
    score, bonafide, spoof = (np.array(of, dtype=float) for of in zip(*rows, strict=True))
    assume(bonafide.any() and spoof.any())
    return Items(score, bonafide, spoof, np.arange(len(score)))


@given(st.lists(st.tuples(wide, st.integers(0, 3), st.integers(1, 3)), min_size=1))
@example([(-sys.float_info.max, 1, 1)])
def test_the_part_that_is_sorted_holds_the_eer_of_the_whole(rows):
    items = made(rows)
    whole = eer_of(count_items(items))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bench.metrics.items._MANY", 0)
        part = items_eer(items)
    assert part.eer == pytest.approx(whole.eer, abs=1e-12)
    assert part.threshold == whole.threshold


@given(st.lists(st.tuples(st.integers(-3, 3), weights, weights), min_size=1))
def test_a_weight_is_as_many_trials(rows):
    items = made(rows)
    bonafide, spoof = (
        np.repeat(items.score, of.astype(int)) for of in (items.bonafide, items.spoof)
    )
    assert items_eer(items).eer == pytest.approx(eer_by_class(bonafide, spoof).eer, abs=1e-12)


def test_many_items_are_judged_as_few_are():
    rng = np.random.default_rng(0)
    bonafide, spoof = np.round(rng.normal(1, 1, 60_000), 3), np.round(rng.normal(0, 1, 90_000), 3)
    is_spoof = np.arange(150_000) >= 60_000
    items = Items(
        np.concatenate([bonafide, spoof]), 1.0 - is_spoof, 1.0 * is_spoof, np.arange(150_000)
    )
    assert items_eer(items) == eer_by_class(bonafide, spoof)


def test_neither_class_may_be_absent():
    for bonafide, spoof, label in (([1.0], [0.0], "spoof"), ([0.0], [1.0], "bonafide")):
        items = Items(np.array([1.0]), np.array(bonafide), np.array(spoof), np.array([0]))
        for figure in (items_eer, count_items):
            with raises_code("metric.one-class") as error:
                figure(items)
            assert label in str(error.value)
