"""Combined figures and their intervals: what must hold of any, and how often they cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.combined import Estimate, combine_estimates, combine_rounding, combine_values
from bench.metrics.exact import binomial_bounds
from tests.errors import raises_code

WIDTH = st.floats(0, 10)
PART = st.builds(
    lambda value, below, above: Estimate(value, value - below, value + above),
    st.floats(0, 100),
    WIDTH,
    WIDTH,
)
PARTS = st.lists(PART, min_size=1, max_size=5)


@given(PART)
def test_one_part_gives_itself(part):
    assert combine_estimates("mean", [part]) == pytest.approx(part)


@given(PARTS)
def test_a_mean_is_surer_than_its_parts_on_average_and_never_surer_than_the_widest_nth(parts):
    n = len(parts)
    found = combine_estimates("mean", parts)
    assert found.value == pytest.approx(sum(part.value for part in parts) / n)
    for side, widths in (
        (found.value - found.low, [part.value - part.low for part in parts]),
        (found.high - found.value, [part.high - part.value for part in parts]),
    ):
        assert max(widths) / n - 1e-9 <= side <= sum(widths) / n + 1e-9


@given(PARTS, st.randoms())
def test_the_order_of_parts_does_not_matter(parts, random):
    shuffled = random.sample(parts, len(parts))
    assert combine_estimates("mean", shuffled) == pytest.approx(combine_estimates("mean", parts))


@given(PART, PART)
def test_a_difference_has_no_sign(one, other):
    found = combine_estimates("difference", [one, other])
    assert found == pytest.approx(combine_estimates("difference", [other, one]))
    assert found.value == abs(one.value - other.value)
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high


@given(PART, PART)
def test_a_difference_that_stands_clear_of_0_is_as_wide_as_both_sides_in_quadrature(one, other):
    far = Estimate(*(bound + 200 for bound in one))
    found = combine_estimates("difference", [far, other])
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    assert found.low == pytest.approx(found.value - below)
    assert found.high == pytest.approx(found.value + above)


def test_a_figure_outside_its_own_interval_has_no_width_on_that_side():
    found = combine_estimates("mean", [Estimate(1.0, 1.2, 2.0), Estimate(3.0, 2.0, 3.0)])
    assert found == Estimate(2.0, 1.5, 2.5)


@given(st.lists(st.floats(-0.005, 0.005), min_size=2, max_size=2), st.floats(0, 9), st.floats(0, 9))
def test_rounding_is_as_much_as_the_figure_can_be_off(errors, one, other):
    for how in ("mean", "difference"):
        off = combine_values(how, [one + errors[0], other + errors[1]]) - combine_values(
            how, [one, other]
        )
        assert abs(off) <= combine_rounding(how, [0.005, 0.005]) + 1e-12
    assert combine_values("mean", [1.005, 2.005]) - 1.5 == pytest.approx(
        combine_rounding("mean", [0.005] * 2)
    )


def wilson(errors, n):
    """95 % intervals of rates, after Wilson (1927): lopsided where the rate is small."""
    rate, z = errors / n, 1.959964
    centre = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return rate, centre - half, centre + half


@pytest.mark.parametrize(
    ("how", "rates"),
    [
        ("mean", [0.02, 0.05, 0.1, 0.2]),
        ("mean", [0.03, 0.03]),
        ("difference", [0.02, 0.1]),
        ("difference", [0.05, 0.05]),
    ],
)
def test_the_interval_covers_as_often_as_it_says(how, rates):
    rng = np.random.default_rng(0)
    sizes = [300, 500, 400, 200]
    drawn = [
        np.stack(wilson(rng.binomial(n, rate, 4000), n), axis=1)
        for rate, n in zip(rates, sizes, strict=False)
    ]
    truth = combine_values(how, rates)
    covered = [
        found.low <= truth <= found.high
        for parts in zip(*(part.tolist() for part in drawn), strict=True)
        for found in [combine_estimates(how, [Estimate(*part) for part in parts])]
    ]
    assert 0.94 < np.mean(covered) < 0.965


def test_parts_near_zero_keep_their_coverage(subtests):
    """No part need have an error: with their exact bounds the combined figure still covers."""
    for how in ["mean", "difference"]:
        for rate in [0.00005, 0.0002, 0.001]:
            with subtests.test(how=how, rate=rate):
                rng = np.random.default_rng(1)
                rates, sizes = (rate, rate / 2), (7355, 1465)
                drawn = [rng.binomial(n, p, 2000) for n, p in zip(sizes, rates, strict=True)]
                parts = [
                    [
                        Estimate(*of)
                        for of in np.stack([wrong / n, *binomial_bounds(wrong, n)], axis=1).tolist()
                    ]
                    for wrong, n in zip(drawn, sizes, strict=True)
                ]
                found = [combine_estimates(how, pair) for pair in zip(*parts, strict=True)]
                truth = combine_values(how, rates)
                assert np.mean([of.low <= truth <= of.high for of in found]) > 0.95
                errorless = [of for of, wrong in zip(found, sum(drawn), strict=True) if not wrong]
                assert all(of.value == of.low == 0 < of.high < 0.003 for of in errorless)
                assert errorless or rate > 0.0002


def test_refuses_what_cannot_be_combined():
    with raises_code("metric.parts"):
        combine_values("mean", [])
    with raises_code("metric.parts"):
        combine_rounding("difference", [1.0, 2.0, 3.0])
