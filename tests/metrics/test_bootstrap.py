"""Bootstrap intervals against resampling written out, and their invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.auc import auc
from bench.metrics.bootstrap import (
    LEVEL,
    compute_intervals,
    compute_replicates,
    percentile_interval,
)
from bench.metrics.det import eer_of, equal_error_rate
from bench.metrics.items import Items
from bench.metrics.measure import ScoreMetric, TandemMetric
from bench.metrics.plans import make_plan, plan_by_utterance
from bench.metrics.registry import select_metrics
from bench.metrics.resampling_groups import group_items
from bench.metrics.tally import count_scores
from bench.metrics.tdcf import Coefficients
from tests.errors import raises_code
from tests.metrics.plain_bootstrap import (
    made,
    percentiles,
    plain_cost,
    plain_crossed,
    plain_replicates,
)

EER = {"eer": equal_error_rate}


def drawn(items, measures, by=None, replicates=1000, seed=0, threads=None):
    """The percentile intervals alone: what `intervals` widens where errors are few."""
    met = group_items(by or plan_by_utterance(items.unit), [items.unit])
    found = compute_replicates([items], measures, met, replicates, seed, threads)
    return {
        name: percentile_interval(values, again)
        for name, values, again in zip(measures, found.values[0], found.redrawn, strict=True)
    }


def bounds(items, *args, **kwargs):
    return drawn(items, EER, *args, **kwargs)["eer"][:2]


def trials(seed, n=300, distinct=None):
    """One trial an utterance."""
    rng = np.random.default_rng(seed)
    spoof = (rng.random(n) < 0.6).astype(float)
    spoof[:2] = [0, 1]
    score = rng.normal(size=n) - 1.5 * spoof
    return Items(
        np.round(score * distinct / 8) if distinct else score, 1 - spoof, spoof, np.arange(n)
    )


@pytest.mark.rows
def test_eer_interval_is_that_of_written_out_replicates(subtests):
    for samples in [False, True]:
        for distinct in [None, 8, 2]:
            for n_units in [2, 30, 200]:
                with subtests.test(samples=samples, distinct=distinct, n_units=n_units):
                    items = made(1, n_units, distinct, samples=samples)
                    expected = percentiles(plain_replicates(*items, 40, 5))
                    assert bounds(Items(*items), None, 40, 5) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distinct", [None, 8])
def test_speakers_are_drawn_with_all_their_trials(distinct):
    """As `confidence_intervals` draws conditions: each with all its samples."""
    score, bonafide, spoof, speaker = made(2, 12, distinct)
    items = Items(score, bonafide, spoof, np.arange(len(score)))
    names = np.array([f"p{100 + i}" for i in speaker])
    expected = percentiles(plain_replicates(score, bonafide, spoof, speaker, 60, 3))
    found = bounds(items, make_plan("speaker", items.unit, names), 60, 3)
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distinct", [None, 8])
def test_speakers_and_attacks_are_drawn_apart(distinct):
    score, bonafide, spoof, speaker = made(3, 9, distinct)
    rng = np.random.default_rng(0)
    names = np.array([f"s{i}" for i in speaker])
    attack = np.where(spoof > 0, rng.choice(["A07", "A08", "A09"], len(score)), "")
    items = Items(score, bonafide, spoof, np.arange(len(score)))
    expected = percentiles(plain_crossed(score, bonafide, spoof, names, attack, 60, 3))
    by = make_plan("speaker+attack", items.unit, names, attack)
    assert bounds(items, by, 60, 3) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distinct", [None, 4])
def test_any_measure_sees_the_same_replicates(distinct):
    items = Items(*made(4, 40, distinct))
    slow = {"eer": equal_error_rate, "long": lambda counts: eer_of(counts).eer, "auc": auc}
    found = drawn(items, slow, None, 50)
    assert found["long"][:2] == pytest.approx(found["eer"][:2], abs=1e-12)

    def area(score, bonafide, spoof):
        over = (score[:, None] > score) + (score[:, None] == score) / 2
        return bonafide @ over @ spoof / bonafide.sum() / spoof.sum()

    expected = percentiles(plain_replicates(*items, 50, 0, area))
    assert found["auc"][:2] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("distinct", [None, 4])
@pytest.mark.parametrize("longest", [2, 9])
def test_every_metric_of_scores_is_that_of_written_out_replicates(distinct, longest):
    """Whatever short way it has: each drawn trial repeated, and the metric's definition."""
    items = Items(*made(7, 40, distinct, longest))
    metrics = select_metrics(ScoreMetric)
    measures = {name: metric.measure for name, metric in metrics.items()}
    measures["min_tdcf"] = select_metrics(TandemMetric)["min_tdcf"].make_measure(
        Coefficients(0.1, 0.8, 0.3)
    )
    met = group_items(plan_by_utterance(items.unit), [items.unit])
    found = compute_replicates([items], measures, met, 30, 2, draws="common").values[0]

    def compute_all(score, bonafide, spoof):
        counts = count_scores(score[bonafide > 0], score[spoof > 0])
        plain = {
            "eer": eer_of(counts).eer,
            "min_dcf": plain_cost(score, bonafide, spoof, 0, 1.9, 1),
            "min_tdcf": plain_cost(score, bonafide, spoof, 0.25, 2.0, 0.75),
        }
        return [plain.get(name, measure(counts)) for name, measure in measures.items()]

    expected = plain_replicates(*items, 30, 2, compute_all)
    assert pytest.approx(expected, abs=1e-12) == found.T


def test_a_tally_holds_what_was_drawn_and_nothing_else():
    items = trials(5, 50, distinct=8)
    seen = []
    drawn(items, {"seen": lambda counts: float(len(seen)) if seen.append(counts) else 0.0}, None, 9)
    for counts in seen:
        assert (np.diff(counts.score) > 0).all()
        assert (counts.bonafide + counts.spoof > 0).all()
        assert counts.bonafide.sum() + counts.spoof.sum() == 50


@pytest.mark.parametrize("n_units", [30, 300])
def test_the_number_of_threads_changes_nothing(n_units):
    for items in (Items(*made(6, n_units)), trials(6)):
        one, two = (drawn(items, {**EER, "auc": auc}, None, 150, 1, threads) for threads in (1, 2))
        assert one == two


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.randoms(use_true_random=False), st.booleans())
def test_the_order_of_items_does_not_matter(seed, random, one_each):
    items = trials(seed, 20, 8) if one_each else Items(*made(seed, 6, 8))
    order = list(range(len(items.score)))
    random.shuffle(order)
    again = Items(*(of[order] for of in items))
    measures = {**EER, "auc": auc}
    found, expected = (compute_intervals(of, measures, None, 20) for of in (again, items))
    for name in measures:
        assert found[name] == pytest.approx(expected[name], nan_ok=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 8]))
def test_scores_count_only_by_their_order_and_weights_only_by_their_shares(seed, distinct):
    items = Items(*made(seed, 8, distinct))
    expected = bounds(items, None, 20)
    stretched = items._replace(score=np.exp(items.score / 4))
    assert bounds(stretched, None, 20) == expected
    heavier = items._replace(bonafide=items.bonafide * 4, spoof=items.spoof * 2)
    assert bounds(heavier, None, 20) == pytest.approx(expected, abs=1e-12)
    mirrored = Items(-items.score, items.spoof, items.bonafide, items.unit)
    assert compute_intervals(mirrored, {"auc": auc}, None, 20)["auc"][:2] == pytest.approx(
        compute_intervals(items, {"auc": auc}, None, 20)["auc"][:2], abs=1e-12
    )


def test_what_hangs_together_stays_together():
    """Copies of a frame within its utterance carry no news, so the interval stays as wide."""
    items = Items(*made(3, 200))
    copied = Items(*(np.repeat(of, 20) for of in items))
    once = bounds(items, None, 100)
    assert bounds(copied, None, 100) == once
    independent = copied._replace(unit=np.arange(len(copied.unit)))
    assert np.diff(bounds(independent, None, 100)) < np.diff(once) / 2
    by_speaker = make_plan("speaker", independent.unit, copied.unit)
    assert bounds(independent, by_speaker, 100) == once


def test_covers_the_true_rate_about_as_often_as_it_says():
    """Two normal classes at distance 2 have an EER of Phi(-1) = 0.1587."""
    rng = np.random.default_rng(11)
    spoof = np.repeat([0.0, 1.0], 150)
    covered = 0
    for _ in range(100):
        items = Items(rng.normal(2, 1, 300) - 2 * spoof, 1 - spoof, spoof, np.arange(300))
        low, high = bounds(items, None, 200)
        covered += low <= 0.15866 <= high
    assert 88 <= covered <= 100


@pytest.mark.rows
def test_covers_the_rate_of_new_speakers_only_when_speakers_are_drawn():
    """Each of 30 speakers shifts all of their 40 trials; the rate over all speakers is
    Phi(-1 / sqrt(2))."""
    rng = np.random.default_rng(12)
    speaker = np.repeat(np.arange(30), 40)
    spoof = np.tile([0.0, 1.0], 600)
    by_speaker = make_plan("speaker", np.arange(1200), speaker)
    hits = {"utterance": 0, "speaker": 0}
    for _ in range(60):
        shift = rng.normal(size=(30, 2))[speaker, spoof.astype(int)]
        score = rng.normal(size=1200) + shift - 2 * spoof
        items = Items(score, 1 - spoof, spoof, np.arange(1200))
        for name, by in (("utterance", None), ("speaker", by_speaker)):
            low, high = bounds(items, by, 120)
            hits[name] += low <= 0.23975 <= high
    assert hits["utterance"] < 40
    assert hits["speaker"] >= 51


def test_one_seed_gives_one_interval_and_more_replicates_begin_with_the_same():
    items = Items(*made(4))
    assert bounds(items, None, 50, 1) == bounds(items, None, 50, 1)
    assert bounds(items, None, 50, 1) != bounds(items, None, 50, 2)
    seen = {count: [] for count in (5, 70)}
    for count, values in seen.items():
        watch = {"auc": lambda counts, values=values: values.append(auc(counts)) or values[-1]}
        drawn(items, watch, None, count, threads=1)
    assert seen[70][:5] == seen[5]


def test_replicates_that_lack_a_class_are_drawn_again_and_counted():
    pair = Items(np.array([1.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.arange(2))
    for measures in (EER, {"auc": auc}):
        ((low, high, again, *_),) = drawn(pair, measures, None, 400).values()
        assert low == high
        assert 300 < again < 500  # half of all draws take one trial twice
    assert compute_intervals(trials(1), EER, None, 100)["eer"].redrawn == 0


def test_time_that_no_frame_covers_is_accepted_at_every_threshold():
    score = np.array([np.inf, 1.0, 0.0, 2.0, np.inf, -1.0])
    items = Items(
        score, np.array([3.0, 1, 0, 4, 0, 0]), np.array([0.0, 0, 2, 0, 1, 5]), np.arange(6)
    )
    expected = percentiles(plain_replicates(*items, 60, 0))
    assert bounds(items, None, 60) == pytest.approx(expected, abs=1e-12)


def test_the_level_is_what_the_names_say():
    assert LEVEL == 0.95


ONES = np.ones(2)
HALVES = np.array([1.0, 0.0])


def test_refuses_what_has_no_interval(subtests):
    cases = [
        (Items(ONES, ONES * 0, ONES, np.arange(2)), "no bonafide item"),
        (Items(ONES, ONES, ONES * 0, np.arange(2)), "no spoof item"),
        (Items(HALVES * np.nan, HALVES, 1 - HALVES, np.arange(2)), "2 scores are not numbers"),
        (Items(ONES, HALVES, 1 - HALVES, np.zeros(2, dtype=int)), "there are not two utterances"),
    ]
    for items, message in cases:
        with subtests.test(message=message), pytest.raises(BenchError, match=message):
            compute_intervals(items, EER)


def test_a_measure_without_a_value_is_named():
    with pytest.raises(BenchError, match="no interval of cost is defined: it is nan in 7 of 7"):
        compute_intervals(trials(0), {"auc": auc, "cost": lambda counts: float("nan")}, None, 7)
    with raises_code("metric.replicates"):
        compute_intervals(trials(0), EER, None, 0)
    with raises_code("metric.replicates"):
        compute_intervals(trials(0), EER, None, 5, -1)


def test_refuses_spoofs_that_no_draw_of_attacks_can_reach():
    items = trials(0, 20)
    speaker, attack = np.arange(20) % 4, np.where(items.spoof > 0, "A01", "").astype(object)
    attack[np.flatnonzero(items.spoof)[:3]] = ""
    with pytest.raises(BenchError, match=r"there are spoofs without an attack \(3\)"):
        compute_intervals(items, EER, make_plan("speaker+attack", items.unit, speaker, attack))
