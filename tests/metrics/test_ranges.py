"""The range-based EER against samples counted one by one, PartialSpoof's bisection, closed forms
and invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.items import Items, count_items, items_eer
from bench.metrics.ranges import range_eer, weigh_ranges
from bench.metrics.timeline import frames_on_grid, make_frames, make_stretches
from tests.errors import raises_code
from tests.metrics.plain_localization import (
    Utterance,
    bisected_range_eer,
    both_classes,
    flat,
    range_eers,
    sample_errors,
    utterances,
)


@given(utterances().filter(both_classes))
def test_is_that_of_samples_counted_one_by_one(found):
    assert round(range_eer(*flat(found)).eer, 10) in range_eers(found)


@given(utterances(), st.integers(-4, 4))
def test_items_weigh_the_errors_at_any_threshold(found, threshold):
    items = weigh_ranges(*flat(found)).items
    decided_spoof = items.score <= threshold
    assert sample_errors(found, threshold) == (
        items.bonafide[decided_spoof].sum(),
        items.spoof[~decided_spoof].sum(),
    )


@given(utterances())
def test_each_utterance_weighs_its_own_samples(found):
    counted = weigh_ranges(*flat(found))
    unit = counted.items.unit
    for code, made in found.items():
        assert counted.items.spoof[unit == code].sum() == sum(made.spoof)
        assert counted.items.bonafide[unit == code].sum() == len(made.spoof) - sum(made.spoof)
    covered = [
        min(end, len(made.spoof)) - min(start, len(made.spoof))
        for made in found.values()
        for start, end, _ in made.frames
    ]
    in_frames = sum(end - start for made in found.values() for start, end, _ in made.frames)
    assert counted.uncovered == sum(len(made.spoof) for made in found.values()) - sum(covered)
    assert counted.beyond == in_frames - sum(covered)
    assert (counted.items.bonafide + counted.items.spoof > 0).all()


@pytest.mark.rows
@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_agrees_with_partial_spoofs_bisection_within_its_tolerance(seed):
    """On scores without ties one sample parts two thresholds at most, so the bisection ends within
    one frame's weight of the exact point, as its percentiles interpolate between scores."""
    rng = np.random.default_rng(seed)
    found = {}
    for code in range(12):
        spoof = np.repeat(rng.random(6) < 0.5, rng.integers(20, 60, 6)).tolist()
        scores = rng.normal(size=-(-len(spoof) // 4))
        scores -= [1.5 * np.mean(spoof[4 * i : 4 * i + 4]) for i in range(len(scores))]
        found[code] = Utterance(
            spoof, [(4 * i, 4 * i + 4, float(score)) for i, score in enumerate(scores)]
        )
    spoof = sum(sum(made.spoof) for made in found.values())
    bonafide = sum(len(made.spoof) for made in found.values()) - spoof
    assert range_eer(*flat(found)).eer == pytest.approx(
        bisected_range_eer(found), abs=4 / min(spoof, bonafide)
    )


@given(utterances().filter(both_classes))
def test_only_the_order_of_scores_matters(found):
    scored, truth = flat(found)
    mapped = scored._replace(score=np.exp(scored.score / 2))
    assert range_eer(mapped, truth).eer == range_eer(scored, truth).eer


@given(utterances().filter(both_classes), st.integers(2, 7))
def test_cutting_frames_changes_nothing(found, pieces):
    cut = {
        code: made._replace(
            frames=[
                (at, min(at + pieces, end), score)
                for start, end, score in made.frames
                for at in range(start, end, pieces)
            ]
        )
        for code, made in found.items()
    }
    assert range_eer(*flat(cut)) == range_eer(*flat(found))


@given(utterances().filter(both_classes), st.integers(2, 5))
def test_a_finer_clock_changes_nothing(found, factor):
    scored, truth = flat(found)
    faster = [of._replace(start=of.start * factor, end=of.end * factor) for of in (scored, truth)]
    assert range_eer(*faster).eer == pytest.approx(range_eer(scored, truth).eer, abs=1e-12)


@given(utterances().filter(both_classes))
def test_drawing_every_utterance_twice_changes_nothing(found):
    items = weigh_ranges(*flat(found)).items
    assert items_eer(Items(*np.tile(items, 2))).eer == pytest.approx(
        items_eer(items).eer, abs=1e-12
    )


def test_constant_scores_give_one_half():
    truth = make_stretches([0, 0], [0, 100], [100, 1000], [False, True])
    assert range_eer(frames_on_grid([10], 100, np.ones(10)), truth).eer == 0.5


def test_right_labels_on_a_grid_err_by_what_the_grid_cannot_follow(subtests):
    """A boundary `offset` samples into a frame that is decided spoof (any-spoof): that much bona
    fide time is lost, and no spoof time."""
    for offset in range(0, 320, 40):
        with subtests.test(offset=offset):
            boundary = 3200 + offset
            truth = make_stretches([0, 0], [0, boundary], [boundary, 9600], [False, True])
            score = np.where(np.arange(30) >= boundary // 320, -1.0, 1.0)
            found = range_eer(frames_on_grid([30], 320, score), truth).eer
            assert found == pytest.approx(offset / boundary / 2)


def test_time_without_a_score_is_decided_bona_fide():
    """The first 40 of 100 spoof samples have no frame: they are accepted at every threshold."""
    truth = make_stretches([0, 1], [0, 0], [100, 100], [True, False])
    scored = make_frames([0, 1], [40, 0], [100, 100], [-1.0, 1.0])
    assert range_eer(scored, truth).eer == pytest.approx(0.2)
    items = weigh_ranges(scored, truth).items
    assert count_items(items).spoof.tolist() == [60.0, 0.0, 40.0]
    assert count_items(items).score.tolist() == [-1.0, 1.0, np.inf]


def test_time_after_the_end_does_not_count():
    truth = make_stretches([0, 1], [0, 0], [100, 100], [True, False])
    scored = make_frames([0, 0, 1], [0, 100, 0], [100, 200, 160], [-1.0, 9.0, 1.0])
    assert range_eer(scored, truth).eer == 0.0
    assert (weigh_ranges(scored, truth).uncovered, weigh_ranges(scored, truth).beyond) == (0, 160)


def test_needs_both_classes():
    scored = make_frames([0], [0], [100], [1.0])
    with raises_code("metric.one-class"):
        range_eer(scored, make_stretches([0], [0], [100], [False]))
    with raises_code("metric.one-class"):
        range_eer(scored, make_stretches([0], [0], [100], [True]))
