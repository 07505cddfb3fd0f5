"""Metrics of regions against samples counted one by one, cases by hand and invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.f1 import decide_bonafide
from bench.metrics.measure import MixedMetric, RegionMetric
from bench.metrics.measured import measure_weighed
from bench.metrics.paired import compare_weighed
from bench.metrics.plans import Resampling, make_factors, plan_by_utterance
from bench.metrics.proposals import weigh_ap, weigh_ar
from bench.metrics.ratios import decision_ratios
from bench.metrics.region_time import (
    weigh_boundary_f1,
    weigh_duration_f1,
    weigh_mean_iou,
    weigh_sentence_accuracy,
)
from bench.metrics.regions import (
    pair_regions,
    weigh_event_f1,
    weigh_event_precision,
    weigh_event_recall,
)
from bench.metrics.registry import select_metrics
from bench.metrics.timeline import frames_on_grid, make_stretches
from bench.metrics.weighed import mix_weighed
from tests.metrics import plain_regions as plain
from tests.metrics.plain_localization import Utterance, utterances

with_spoof = utterances().filter(lambda found: any(any(made.spoof) for made in found.values()))
ious = st.integers(50, 99)
few = settings(max_examples=20)
"""The plain loops are slow."""


def close(value):
    return pytest.approx(value, nan_ok=True, abs=1e-12)


@few
@given(utterances(), st.integers(-4, 4))
def test_regions_are_runs_of_samples(found, threshold):
    pairs = plain.pairs_of(found, threshold)
    expected = [
        (number, plain.SCALE * min(region), plain.SCALE * (max(region) + 1))
        for number, made in enumerate(found.values())
        for region in plain.runs(plain.decided_flags(made, threshold))
    ]
    begin = pairs.begin[pairs.decided.utterance]
    columns = (pairs.decided.utterance, pairs.decided.start - begin, pairs.decided.end - begin)
    assert [*zip(*(column.tolist() for column in columns), strict=True)] == expected
    confidences = [
        float(plain.confidence(made, region))
        for made in found.values()
        for region in plain.runs(plain.decided_flags(made, threshold))
    ]
    assert pairs.confidence == pytest.approx(confidences)


@few
@given(with_spoof, ious)
def test_events_are_matched_as_by_the_best_assignment(found, iou):
    matches, n_decided, n_true = plain.event_counts(found, iou)
    pairs = plain.pairs_of(found)
    assert weigh_event_precision(pairs, iou).value == close(
        matches / n_decided if n_decided else np.nan
    )
    assert weigh_event_recall(pairs, iou).value == close(matches / n_true)
    assert weigh_event_f1(pairs, iou).value == close(2 * matches / (n_decided + n_true))


@few
@given(with_spoof, ious)
def test_ap_is_the_area_under_precision_by_recall(found, iou):
    assert weigh_ap(plain.pairs_of(found), iou).value == close(plain.average_precision(found, iou))


@few
@given(with_spoof, ious)
def test_ap_is_that_of_the_scripts_plus_what_they_leave_out(found, iou):
    regions = plain.ranked(found, iou)
    if len({each for each, _ in regions}) < len(regions):
        return  # the scripts count ties in the order of their list
    total = sum(len(plain.runs(made.spoof)) for made in found.values())
    hits = np.cumsum([hit for _, hit in regions])
    best = max(hits / np.arange(1, len(hits) + 1), default=0.0)
    first = (regions[0][1] if regions else 0) / total
    script = plain.average_precision(found, iou, script=True)
    assert weigh_ap(plain.pairs_of(found), iou).value == close(script + first * best)


@few
@given(with_spoof, st.integers(1, 4))
def test_ar_is_the_mean_recall_over_ious(found, n):
    assert weigh_ar(plain.pairs_of(found), n).value == close(plain.average_recall(found, n))


@few
@given(utterances(), st.integers(1, 12))
def test_boundaries_are_matched_as_by_the_best_assignment(found, tolerance):
    value = weigh_boundary_f1(plain.pairs_of(found), tolerance).value
    assert value == close(plain.boundary_f1(found, tolerance))


@few
@given(utterances())
def test_time_is_that_of_samples_counted_one_by_one(found):
    pairs = plain.pairs_of(found)
    accuracy, f1, score = plain.add_score(found)
    assert weigh_mean_iou(pairs, 0).value == close(plain.mean_iou(found))
    parts = weigh_sentence_accuracy(pairs, 0), weigh_duration_f1(pairs, 0)
    assert [part.value for part in parts] == [close(accuracy), close(f1)]
    assert mix_weighed([*zip((0.3, 0.7), parts, strict=True)]).value == close(score)


METRICS = select_metrics(RegionMetric)


def decided_rightly(found):
    return {
        code: Utterance(
            made.spoof, [(i, i + 1, -1.0 if flag else 1.0) for i, flag in enumerate(made.spoof)]
        )
        for code, made in found.items()
    }


@few
@given(with_spoof, st.data())
def test_a_weight_is_so_many_copies_of_an_utterance(found, data):
    weights = np.array([data.draw(st.integers(0, 3)) for _ in found], dtype=float)
    copies = [made for made, n in zip(found.values(), weights, strict=True) for _ in range(int(n))]
    if not copies:
        return
    pairs, repeated = plain.pairs_of(found), plain.pairs_of(dict(enumerate(copies)))
    for metric in METRICS.values():
        weighed = metric.weigh(pairs, metric.at).compute(weights[None])[0]
        assert weighed == close(metric.weigh(repeated, metric.at).value), metric.name


@few
@given(with_spoof)
def test_right_decisions_have_the_best_value_of_every_metric(found):
    pairs = plain.pairs_of(decided_rightly(found))
    for metric in METRICS.values():
        assert metric.weigh(pairs, metric.at).value in (close(1.0), close(np.nan)), metric.name
        assert not metric.weigh(pairs, metric.at).wrong.any()


@few
@given(with_spoof)
def test_metrics_lie_between_0_and_1_and_are_monotone_in_their_setting(found):
    pairs = plain.pairs_of(found)
    for metric in METRICS.values():
        value = metric.weigh(pairs, metric.at).value
        assert np.isnan(value) or 0 <= value <= 1 + 1e-12
    for weigh, sign in ((weigh_event_f1, -1), (weigh_ap, -1)):
        values = [weigh(pairs, iou).value for iou in (50, 65, 80, 95)]
        assert (sign * np.diff(values) >= -1e-12).all()
    for weigh in (weigh_ar, weigh_boundary_f1):
        values = [weigh(pairs, at).value for at in (1, 2, 5, 10, 100)]
        assert np.isnan(values).all() or (np.diff(values) >= -1e-12).all()


@few
@given(with_spoof, st.permutations(range(4)))
def test_neither_codes_nor_the_scale_of_scores_matter(found, codes):
    other = {
        codes[number]: Utterance(made.spoof, [(a, b, 8 * score) for a, b, score in made.frames])
        for number, made in enumerate(found.values())
    }
    one, changed = plain.pairs_of(found), plain.pairs_of(dict(sorted(other.items())))
    for metric in METRICS.values():
        assert metric.weigh(one, metric.at).value == close(metric.weigh(changed, metric.at).value)


def cut(spoof, step=320):
    """An utterance's labels from the classes of its frames."""
    at = np.arange(len(spoof)) * step
    return make_stretches(np.zeros(len(spoof), dtype=int), at, at + step, spoof)


def test_the_f1_of_frames_hides_a_region_that_is_decided_in_pieces():
    spoof = np.array([False] * 10 + [True] * 30 + [False] * 10)
    score = np.where(spoof, -1.0, 1.0)
    score[[17, 25, 32]] = 1.0
    scored = frames_on_grid([50], 320, score)
    f1 = decision_ratios(spoof, ~decide_bonafide(score), np.zeros(50, dtype=int)).values["f1_spoof"]
    pairs = pair_regions(scored, cut(spoof))
    assert f1 == pytest.approx(2 * 27 / (27 + 30))
    assert len(pairs.decided.start) == 4
    assert weigh_event_f1(pairs, 50).value == 0
    assert weigh_duration_f1(pairs, 0).value == pytest.approx(f1)
    assert weigh_mean_iou(pairs, 0).value == 0.9
    assert weigh_boundary_f1(pairs, 20).value == pytest.approx(2 * 2 / (8 + 2))


def test_an_iou_of_exactly_the_threshold_is_no_match():
    pairs = pair_regions(
        frames_on_grid([4], 320, [-1.0, -1.0, 1.0, 1.0]), cut([True, *[False] * 3])
    )
    assert weigh_event_f1(pairs, 50).value == 0
    half = pair_regions(frames_on_grid([4], 319, [-1.0, -1.0, 1.0, 1.0]), cut([True, *[False] * 3]))
    assert weigh_event_f1(half, 50).value == 1


def test_ap_by_hand():
    """Three spoof regions in three utterances; the most confident of four decided ones is wrong."""
    truth = make_stretches(
        [0, 0, 1, 1, 2, 2, 3],
        [0, 320, 0, 320, 0, 320, 0],
        [320, 640, 320, 640, 320, 640, 640],
        [True, False, True, False, True, False, False],
    )
    scored = frames_on_grid([2] * 4, 320, [-3.0, 1.0, -2.0, 1.0, 1.0, 1.0, 1.0, -4.0])
    pairs = pair_regions(scored, truth)
    # ranks: wrong, right, right: precision 1/2 at recall 1/3 and 2/3 at 2/3, which counts for both
    assert weigh_ap(pairs, 50).value == pytest.approx(2 / 3 * 2 / 3)
    assert weigh_ar(pairs, 100).value == pytest.approx(2 / 3)
    tied = pair_regions(
        frames_on_grid([2] * 4, 320, [-3.0, 1.0, -3.0, 1.0, 1.0, 1.0, 1.0, -3.0]), truth
    )
    assert weigh_ap(tied, 50).value == pytest.approx(2 / 3 * 2 / 3)


def test_the_best_score_of_add_2023_follows_from_its_parts():
    """Yi et al. print 0.6713 for a sentence accuracy of 82.23 % and an F1 of 60.66 %."""
    mixed = select_metrics(MixedMetric)["add2023"]
    values = {"sentence_accuracy": 0.8223, "duration_f1": 0.6066}
    assert sum(share * values[name] for name, share in mixed.parts) == pytest.approx(
        0.6713, abs=5e-5
    )


def many(seed, n=60):
    rng = np.random.default_rng(seed)
    found = {}
    for code in range(n):
        spoof = np.repeat(rng.random(5) < 0.5, rng.integers(3, 9, 5)).tolist()
        noise = rng.normal(size=len(spoof))
        found[code] = Utterance(
            spoof, [(i, i + 1, float(noise[i] + 1.5 - 3 * flag)) for i, flag in enumerate(spoof)]
        )
    return found


def test_intervals_cover_the_value_and_those_of_a_perfect_system_are_exact():
    resampling = Resampling(make_factors(np.arange(60)), "utterance", 60, 0)
    pairs = plain.pairs_of(many(0))
    metrics = {name: metric.weigh(pairs, metric.at) for name, metric in METRICS.items()}
    for name, result in measure_weighed(metrics, pairs.unit, pairs.n_true, resampling).items():
        assert result.low < result.value <= result.high, name
        assert (result.utterance_low, result.utterance_high) == (result.low, result.high)
    perfect = {
        code: Utterance(
            made.spoof, [(i, i + 1, 1.0 - 2 * flag) for i, flag in enumerate(made.spoof)]
        )
        for code, made in many(1).items()
    }
    pairs = plain.pairs_of(perfect)
    metrics = {name: metric.weigh(pairs, metric.at) for name, metric in METRICS.items()}
    for name, result in measure_weighed(metrics, pairs.unit, pairs.n_true, resampling).items():
        assert 0.8 < result.low < 1.0, name
        assert result.high == 1.0


def test_a_system_does_not_differ_from_itself_and_a_good_one_does_from_a_bad_one():
    good, bad = plain.pairs_of(many(0)), plain.pairs_of(many(0), threshold=3.0)
    sides = [
        {name: metric.weigh(pairs, metric.at) for name, metric in METRICS.items()}
        for pairs in (good, bad)
    ]
    plan = plan_by_utterance(good.unit)
    for name, same in compare_weighed(sides[0], sides[0], good.unit, plan, 60).items():
        assert (same.value, same.p_value) == (0.0, 1.0), name
    differences = compare_weighed(sides[0], sides[1], good.unit, plan, 60)
    for name, difference in differences.items():
        expected = sides[0][name].value - sides[1][name].value
        assert difference.value == pytest.approx(expected), name
    assert differences["event_f1"].p_value < 0.01
