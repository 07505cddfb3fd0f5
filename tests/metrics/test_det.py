"""The equal error rate against slow references, its invariants, and a real score file."""

from __future__ import annotations

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.det import (
    det_points,
    det_points_of,
    eer_by_class,
    eer_of,
    eer_official,
    find_closest,
    ties_at_eer,
)
from bench.metrics.tally import ScoreCounts, count_scores
from tests.benchmarks.official_metrics import official_eer
from tests.errors import raises_code

few_values = st.lists(st.integers(-4, 4), min_size=1, max_size=25)
trials = st.lists(st.integers(-1000, 1000), min_size=1, max_size=25)


def candidates(bonafide, spoof):
    """Every threshold's (gap, mean of rates) in exact arithmetic, by counting trial by trial."""
    thresholds = [min([*bonafide, *spoof]) - 1, *sorted({*bonafide, *spoof})]
    rates = [
        (
            Fraction(sum(s <= t for s in bonafide), len(bonafide)),
            Fraction(sum(s > t for s in spoof), len(spoof)),
        )
        for t in thresholds
    ]
    return [(abs(frr - far), (frr + far) / 2) for frr, far in rates]


def closest_means(bonafide, spoof):
    found = candidates(bonafide, spoof)
    least = min(gap for gap, _ in found)
    return [mean for gap, mean in found if gap == least]


@given(trials, trials)
def test_is_the_mean_of_the_closest_rates_counted_one_by_one(bonafide, spoof):
    means = [float(mean) for mean in closest_means(bonafide, spoof)]
    assert min(abs(eer_by_class(bonafide, spoof).eer - mean) for mean in means) < 1e-12


@given(st.sets(st.integers(-1000, 1000), min_size=2, max_size=50), st.data())
def test_agrees_with_the_official_formula_without_ties(values, data):
    scores = data.draw(st.permutations(sorted(values)))
    cut = data.draw(st.integers(1, len(scores) - 1))
    assert eer_by_class(scores[:cut], scores[cut:]).eer == official_eer(scores[:cut], scores[cut:])


def test_ties_between_the_classes_are_where_the_official_formula_goes_wrong():
    assert official_eer([1.0, 1.0], [1.0, 1.0]) == 1.0
    assert eer_by_class([1.0, 1.0], [1.0, 1.0]).eer == 0.5


@given(few_values, few_values)
def test_the_official_formula_is_there_as_a_second_one(bonafide, spoof):
    found = eer_official(bonafide, spoof)
    assert found.eer == official_eer(bonafide, spoof)
    assert found.threshold in {min([*bonafide, *spoof]) - 0.001, *bonafide, *spoof}


@given(few_values, few_values)
def test_the_two_formulas_differ_only_where_ties_straddle_the_rates_crossing(bonafide, spoof):
    ties = ties_at_eer(count_scores(bonafide, spoof))
    if ties is None:
        assert eer_by_class(bonafide, spoof).eer == official_eer(bonafide, spoof)
    else:
        assert (ties.bonafide, ties.spoof) == (bonafide.count(ties.score), spoof.count(ties.score))
        assert ties.bonafide + ties.spoof > 1


def test_ties_elsewhere_are_none_of_its_business():
    assert ties_at_eer(count_scores([0.0, 2.0, 3.0, 4.0, 5.0], [0.0, 0.0, 2.5, 2.6])) is None
    assert ties_at_eer(count_scores([1.0, 1.0, 2.0], [0.0, 1.0])) == (1.0, 2.0, 1.0)
    assert ties_at_eer(count_scores([1.0, 1.0], [0.0, 2.0])) == (1.0, 2.0, 0.0)


weights = st.lists(st.integers(0, 3), min_size=1, max_size=25)


@given(weights, st.data())
def test_a_weight_is_so_many_trials(bonafide, data):
    k = len(bonafide)
    spoof = data.draw(st.lists(st.integers(0, 3), min_size=k, max_size=k))
    assume(any(bonafide) and any(spoof))
    counts = ScoreCounts(np.arange(k) / 7, np.array(bonafide, float), np.array(spoof, float))
    repeated = [np.repeat(counts.score, w) for w in (bonafide, spoof)]
    assert eer_of(counts).eer == eer_by_class(*repeated).eer
    scaled = ScoreCounts(counts.score, counts.bonafide / 4, counts.spoof * 8)
    assert eer_of(scaled) == eer_of(counts)


@given(few_values, few_values)
def test_agrees_with_looking_at_every_point(bonafide, spoof):
    counts = count_scores(bonafide, spoof)
    points = det_points_of(counts)
    rate, at = find_closest(points.miss_rate, points.false_alarm_rate)
    assert eer_of(counts) == (rate, points.threshold[at])


def test_a_class_without_weight_has_no_rate(subtests):
    for label in ["bonafide", "spoof"]:
        for figure in [eer_of, det_points_of, ties_at_eer]:
            with subtests.test(label=label, figure=figure):
                counts = count_scores([1.0, 2.0], [0.0])._replace(**{label: np.zeros(3)})
                with raises_code("metric.one-class"):
                    figure(counts)


@given(few_values, few_values, st.randoms())
def test_ignores_the_order_of_trials(bonafide, spoof, random):
    before = eer_by_class(bonafide, spoof)
    random.shuffle(bonafide)
    random.shuffle(spoof)
    assert eer_by_class(bonafide, spoof) == before


@given(few_values, few_values)
def test_only_the_order_of_scores_matters(bonafide, spoof):
    mapped = eer_by_class(np.exp(np.array(bonafide) / 2.0), np.exp(np.array(spoof) / 2.0))
    assert mapped.eer == eer_by_class(bonafide, spoof).eer


@given(few_values, few_values)
def test_swapping_the_classes_and_the_sign_changes_nothing(bonafide, spoof):
    assume(len(set(closest_means(bonafide, spoof))) == 1)
    mirrored = eer_by_class([-s for s in spoof], [-s for s in bonafide])
    assert mirrored.eer == pytest.approx(eer_by_class(bonafide, spoof).eer, abs=1e-12)


@given(few_values, few_values, st.integers(2, 5))
def test_repeating_every_trial_changes_nothing(bonafide, spoof, times):
    assert eer_by_class(bonafide * times, spoof * times).eer == pytest.approx(
        eer_by_class(bonafide, spoof).eer, abs=1e-12
    )


@given(st.integers(1, 9), st.integers(1, 9), st.floats(-1e6, 1e6))
def test_constant_scores_give_one_half(n, m, score):
    assert eer_by_class([score] * n, [score] * m).eer == 0.5


@given(trials, st.integers(1, 100))
def test_separable_classes_give_zero_and_reversed_ones_give_one(scores, gap):
    above = [s - min(scores) + max(scores) + gap for s in scores]
    assert eer_by_class(above, scores).eer == 0.0
    assert eer_by_class(scores, above).eer == 1.0


@given(few_values, few_values)
def test_the_threshold_reaches_the_rate(bonafide, spoof):
    rate, threshold = eer_by_class(bonafide, spoof)
    missed = np.mean(np.array(bonafide) <= threshold)
    accepted = np.mean(np.array(spoof) > threshold)
    assert (missed + accepted) / 2 == pytest.approx(rate, abs=1e-12)


@given(few_values, few_values)
def test_det_points_are_the_rates_at_each_distinct_score(bonafide, spoof):
    points = det_points(bonafide, spoof)
    assert list(points.threshold[1:]) == sorted({*bonafide, *spoof})
    assert points.threshold[0] < min([*bonafide, *spoof])
    for miss, alarm, threshold in zip(*points, strict=True):
        assert miss == pytest.approx(np.mean(np.array(bonafide) <= threshold))
        assert alarm == pytest.approx(np.mean(np.array(spoof) > threshold))


def test_refuses_what_has_no_rate(subtests):
    cases = [
        ([], [1.0], "no bonafide trial"),
        ([1.0], [], "no spoof trial"),
        ([1.0], [0.0, np.nan], "spoof score 1 is nan"),
        ([np.inf, 1.0], [0.0], "bonafide score 0 is inf"),
    ]
    for bonafide, spoof, message in cases:
        with subtests.test(message=message), pytest.raises(BenchError, match=message):
            eer_by_class(bonafide, spoof)


def aasist(official: Path):
    folder = official / "asvspoof2019_la/scores"
    with (folder / "AASIST-L_eval.txt").open() as lines:
        rows = list(csv.reader(lines, delimiter=" "))
    said = (folder / "AASIST-L_official_t-DCF_EER.txt").read_text()
    return rows, {
        line.split("=")[0].split()[-1]: float(line.split("=")[1].split("%")[0])
        for line in said.splitlines()
        if "EER" in line and "=" in line
    }


@pytest.mark.rows
def test_aasist_l_on_asvspoof_2019_la_as_the_organisers_compute_it(official):
    rows, said = aasist(official)
    bonafide = [float(score) for *_, key, score in rows if key == "bonafide"]
    assert len(said) == 14
    for name, expected in said.items():
        spoof = [
            float(score)
            for _, attack, key, score in rows
            if key == "spoof" and name in ("EER", attack)
        ]
        assert 100 * eer_by_class(bonafide, spoof).eer == pytest.approx(expected, abs=1e-8), name
