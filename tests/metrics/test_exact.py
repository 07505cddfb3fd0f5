"""Exact bounds against scipy's binomial test, and figures that few errors carry."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.metrics.bootstrap import compute_intervals, compute_replicates, percentile_interval
from bench.metrics.det import det_points_of, eer_of, equal_error_rate
from bench.metrics.exact import FEW, binomial_bounds, bound_curves, effective_count
from bench.metrics.items import Items, count_items, items_eer, make_items
from bench.metrics.measure import ScoreMetric
from bench.metrics.plans import make_plan, plan_by_utterance
from bench.metrics.registry import select_metrics
from bench.metrics.resampling_groups import group_items
from bench.metrics.tally import count_scores

MEASURES = {name: metric.measure for name, metric in select_metrics(ScoreMetric).items()}
SCORES = st.lists(st.integers(-6, 6).map(float), min_size=1, max_size=30)


def separate(n_bonafide, n_spoof, missed=0, accepted=0):
    """Trials of two classes that are apart but for so many of each, far on the wrong side."""
    rng = np.random.default_rng(n_bonafide + n_spoof)
    bonafide, spoof = rng.uniform(1, 2, n_bonafide), rng.uniform(-2, -1, n_spoof)
    bonafide[:missed] -= 9
    spoof[:accepted] += 9
    is_spoof = np.repeat([False, True], [n_bonafide, n_spoof])
    return make_items(np.concatenate([bonafide, spoof]), is_spoof, np.arange(len(is_spoof)))


def plain_interval(items, by=None, replicates=100):
    met = group_items(by or plan_by_utterance(items.unit), [items.unit])
    found = compute_replicates([items], {"eer": equal_error_rate}, met, replicates, 0)
    return percentile_interval(found.values[0, 0])


@given(st.data(), st.integers(1, 10_000), st.sampled_from([0.9, 0.95, 0.99]))
def test_bounds_are_those_of_the_exact_binomial_test(data, n, level):
    wrong = data.draw(st.integers(0, n))
    expected = stats.binomtest(wrong, n).proportion_ci(level, method="exact")
    found = binomial_bounds(np.array([wrong]), n, level)
    assert (found.low[0], found.high[0]) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_bounds_of_any_share_of_errors_hold_it_and_close_in_with_more_trials(n, rate):
    found = binomial_bounds(np.array([rate * n]), n)
    assert found.low[0] <= rate + 1e-9
    assert rate - 1e-9 <= found.high[0]
    assert found.high[0] - found.low[0] > 0
    more = binomial_bounds(np.array([2 * rate * n]), 2 * n)
    assert more.high[0] - more.low[0] <= found.high[0] - found.low[0] + 1e-12


def test_no_error_leaves_three_or_four_open():
    """The rule of three is of one side; of two, it is ln(0.025) = -3.69."""
    assert binomial_bounds(np.zeros(1), 7355).high[0] * 7355 == pytest.approx(3.69, abs=0.01)


@given(st.lists(st.floats(0.1, 9), min_size=1, max_size=20))
def test_weights_are_worth_at_most_their_number(weights):
    found = effective_count(np.array(weights))
    assert 1 - 1e-9 <= found <= len(weights) + 1e-9
    assert effective_count(np.ones(len(weights))) == pytest.approx(len(weights))
    assert effective_count(np.array([*weights, 0.0])) == pytest.approx(found)


@given(SCORES, SCORES)
def test_curves_are_the_bounds_of_both_rates_at_every_threshold(bonafide, spoof):
    counts = count_scores(bonafide, spoof)
    expected = [
        binomial_bounds(n * rate, n)
        for n, rate in (
            (len(bonafide), det_points_of(counts).miss_rate),
            (len(spoof), det_points_of(counts).false_alarm_rate),
        )
    ]
    for side, curve in zip(
        ("low", "high"), bound_curves(counts, len(bonafide), len(spoof)), strict=True
    ):
        assert (curve.bonafide >= 0).all()
        assert (curve.spoof >= 0).all()
        found = det_points_of(curve)
        # The first point rejects nothing and the last everything: what is beyond what was seen.
        assert found.miss_rate[1:-1] == pytest.approx(getattr(expected[0], side), abs=1e-9)
        assert found.false_alarm_rate[1:-1] == pytest.approx(getattr(expected[1], side), abs=1e-9)


@pytest.mark.parametrize("n", [50, 7355, 138_688])
def test_bounds_between_computed_ones_are_close(n):
    """Above 300 errors, straight lines join a few hundred bounds."""
    wrong = np.unique(np.geomspace(301, n - 1, 40).round()) if n > 300 else np.arange(n)
    score = np.arange(n, dtype=float)
    found = det_points_of(bound_curves(count_scores(score, [-1.0]), n, 1)[1]).miss_rate
    exact = binomial_bounds(wrong, n).high
    assert found[2 + wrong.astype(int)] == pytest.approx(exact, rel=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(12, 300), st.integers(12, 300), st.integers(0, 5), st.integers(0, 5))
def test_the_interval_holds_the_figure_and_is_never_a_point(n_bonafide, n_spoof, missed, accepted):
    items = separate(n_bonafide, n_spoof, missed, accepted)
    found = compute_intervals(items, MEASURES, None, 30)
    counts = count_items(items)
    for name, measure in MEASURES.items():
        low, high = found[name][:2]
        assert found[name].few
        assert low <= measure(counts) <= high
        assert high - low > 0.001
    wrong = items_eer(items).threshold
    assert found["eer"].missed == (items.score[:n_bonafide] <= wrong).sum()
    assert found["eer"].accepted == (items.score[n_bonafide:] > wrong).sum()
    assert found["auc"][5:7] == (n_bonafide, n_spoof)
    assert np.isnan(found["auc"].missed)


def test_more_trials_without_an_error_leave_less_open():
    widths = {
        name: [
            bound.high - bound.low
            for n in (60, 200, 1465, 4914)
            for bound in [compute_intervals(separate(7355, n), MEASURES, None, 10)[name]]
        ]
        for name in ("eer", "min_dcf", "min_cllr", "auc")
    }
    for found in widths.values():
        assert all(more < less for less, more in pairwise(found))
    assert widths["eer"][-1] == pytest.approx(0.00075, abs=0.00002)


def test_where_errors_are_many_the_interval_is_that_of_the_percentiles():
    rng = np.random.default_rng(3)
    spoof = np.repeat([0.0, 1.0], 400)
    items = Items(rng.normal(size=800) - 3 * spoof, 1 - spoof, spoof, np.arange(800))
    found = compute_intervals(items, {"eer": equal_error_rate}, None, 100)["eer"]
    assert min(found.missed, found.accepted) >= FEW
    assert not found.few
    assert found[:2] == plain_interval(items)[:2]


def test_speakers_and_attacks_are_no_reason_to_be_surer():
    """Exact bounds take trials to be independent; draws of speakers may be wider, and count too."""
    items = separate(300, 300)
    speaker = make_plan("speaker", items.unit, items.unit % 7)
    assert plain_interval(items, speaker)[:2] == (0, 0)
    by_speaker, by_utterance = (
        compute_intervals(items, {"eer": equal_error_rate}, by, 50)["eer"] for by in (speaker, None)
    )
    assert by_speaker[:2] == by_utterance[:2]
    assert by_speaker.high == eer_of(bound_curves(count_items(items), 300, 300)[1]).eer


def test_frames_of_one_utterance_are_one_trial():
    items = separate(120, 120, missed=3)
    frames = Items(*(np.repeat(of, 40) for of in items))
    once, often = (
        compute_intervals(of, {"eer": equal_error_rate}, None, 50)["eer"] for of in (items, frames)
    )
    assert often.high == pytest.approx(once.high, abs=1e-9)
    assert often.few
    assert (often.missed, often.bonafide) == (40 * once.missed, 4800)
    # The same share of errors, spread over all utterances, is not few.
    score = np.where(np.arange(4800) % 40 < 2, -frames.score[:4800], frames.score[:4800])
    spread = frames._replace(
        score=np.append(
            score, np.where(np.arange(4800) % 40 < 2, -frames.score[4800:], frames.score[4800:])
        )
    )
    assert not compute_intervals(spread, {"eer": equal_error_rate}, None, 50)["eer"].few


def test_parts_of_items_weigh_as_much_as_their_time():
    """Ranges: an item is partly bona fide and partly spoof, in samples."""
    items = separate(40, 40, missed=1)
    heavier = items._replace(bonafide=items.bonafide * 320, spoof=items.spoof * 320)
    one, other = (
        compute_intervals(of, {"eer": equal_error_rate}, None, 50)["eer"] for of in (items, heavier)
    )
    assert one[:2] == pytest.approx(other[:2], abs=1e-9)
    assert one[3:] == other[3:]
