"""Scores at a chosen resolution against PartialSpoof's rule written out, and the traps of
resolutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.det import eer_by_class
from bench.metrics.grid import (
    align_points,
    find_grid,
    point_items,
    segment_eer,
)
from bench.metrics.ranges import range_eer
from bench.metrics.timeline import frames_on_grid, make_frames, make_spoof_stretches, make_stretches
from bench.metrics.utterances import utterance_eer, utterance_items
from tests.errors import raises_code
from tests.metrics.drawn_frames import gridded, on_arrays
from tests.metrics.plain_localization import labels_on_grid, points_at, trial_eers

MS = 16


@given(gridded(), st.sampled_from([2, 4, 8, 16]))
def test_is_partial_spoofs_rule_written_out(made, wanted):
    own, found = made
    ours = align_points(*on_arrays(own, found), wanted * 0.005)
    labels, scores, codes = [], [], []
    for code, (spoof, frame_scores) in found.items():
        label, score = points_at(spoof, frame_scores, own, wanted)
        labels, scores, codes = labels + label, scores + score, codes + [code] * len(label)
    assert ours.is_spoof.tolist() == labels
    assert ours.score.tolist() == scores
    assert ours.utterance.tolist() == codes
    assert ours.frame == wanted * 80
    if len({*labels}) == 2:
        found_eer = segment_eer(*on_arrays(own, found), wanted * 0.005).eer
        assert round(found_eer, 10) in trial_eers(labels, scores)


@given(gridded(), st.sampled_from([2, 4, 8, 16]))
def test_how_often_and_by_how_much_the_lengths_differ(made, wanted):
    own, found = made
    surplus = align_points(*on_arrays(own, found), wanted * 0.005).surplus
    differences = [len(scores) - -(-len(spoof) // own) for spoof, scores in found.values()]
    assert surplus == (
        sum(d > 0 for d in differences),
        sum(d < 0 for d in differences),
        max(abs(d) for d in differences),
    )


@given(gridded())
def test_at_the_scores_own_resolution_it_is_the_eer_of_frames(made):
    scored, truth = on_arrays(*made)
    found = align_points(scored, truth, made[0] * 0.005)
    assume(len({*found.is_spoof.tolist()}) == 2)
    assert segment_eer(scored, truth, made[0] * 0.005).eer == pytest.approx(
        eer_by_class(found.score[~found.is_spoof], found.score[found.is_spoof]).eer, abs=1e-12
    )


@given(gridded())
def test_items_are_frames_of_their_utterance(made):
    found = align_points(*on_arrays(*made), made[0] * 0.005)
    items = point_items(found)
    np.testing.assert_array_equal(items.unit, found.utterance)
    np.testing.assert_array_equal(items.bonafide + items.spoof, 1.0)
    np.testing.assert_array_equal(items.spoof == 1, found.is_spoof)


@pytest.mark.rows
@given(gridded())
def test_utterances_are_judged_by_their_lowest_frame(made):
    own, found = made
    assume(all((len(scores) - 1) * own < len(spoof) for spoof, scores in found.values()))
    items = utterance_items(*on_arrays(own, found))
    assert items.score.tolist() == [min(scores) for _, scores in found.values()]
    assert items.spoof.tolist() == [float(any(spoof)) for spoof, _ in found.values()]
    assert items.unit.tolist() == list(found)


def test_frames_past_the_end_do_not_judge_an_utterance():
    truth = make_stretches([0, 1], [0, 0], [320, 320], [False, True])
    scored = frames_on_grid([2, 1], 320, [1.0, -9.0, 0.0])
    assert utterance_eer(scored, truth).eer == 0.0
    late = make_frames([0, 1], [0, 320], [320, 640], [1.0, 0.0])
    with raises_code("metric.frames-malformed"):
        utterance_items(late, truth)


def test_a_last_frame_may_be_short_and_no_other():
    assert find_grid(make_frames([0, 0, 1], [0, 320, 0], [320, 400, 320], [0.0] * 3)) == 320
    for start, end in (([0, 320], [300, 640]), ([0, 321], [320, 641]), ([320, 640], [640, 960])):
        with pytest.raises(BenchError, match=r"not on the grid of 20 ms frames .*range-based EER"):
            find_grid(make_frames([0, 0], start, end, [0.0, 0.0]))


def test_resolutions_that_do_not_divide_are_refused(subtests):
    cases = [
        (25, 0.01, 1, "scores of 25 ms frames cannot be judged at 10 ms"),
        (20, 0.03, 1, "scores of 20 ms frames cannot be judged at 30 ms"),
        (20, 0.02, 160, "labels of 160 ms frames cannot be judged at 20 ms"),
        (25, 0.025, 10, "labels of 10 ms frames cannot be judged at 25 ms"),
        (20, 0.0123456, 1, "resolution 0.0123456 s is not a whole number of samples"),
        (20, float("nan"), 1, "resolution nan s is not a whole number of samples"),
        (20, float("inf"), 1, "resolution inf s is not a whole number of samples"),
    ]
    for frame_ms, resolution_s, step_ms, message in cases:
        with subtests.test(message=message):
            scored = frames_on_grid([4], frame_ms * MS, np.zeros(4))
            truth = make_stretches([0], [0], [4 * frame_ms * MS], [True], step_ms * MS)
            with pytest.raises(BenchError, match=message):
                segment_eer(scored, truth, resolution_s)


def test_floored_labels_are_for_labels_in_seconds():
    scored = frames_on_grid([3], 320, np.zeros(3))
    truth = make_stretches([0, 0, 0], [0, 330, 650], [330, 650, 970], [False, True, False])
    assert align_points(scored, truth, 0.02, "any-spoof").is_spoof.tolist() == [False, True, True]
    assert align_points(scored, truth, 0.02, "floor").is_spoof.tolist() == [False, True, False]
    vectors = make_stretches([0, 0], [0, 320], [320, 640], [False, True], step=320)
    with raises_code("metric.resolution"):
        align_points(scored, vectors, 0.02, "floor")


def test_no_frame_at_all_is_no_figure():
    """Floored, an utterance shorter than a frame has none."""
    with raises_code("metric.one-class"):
        segment_eer(
            make_frames([0], [0], [320], [0.0]),
            make_stretches([0], [0], [319], [True]),
            0.02,
            "floor",
        )


@pytest.fixture(scope="module")
def scored_spoofs():
    """Noisy scores of 20 ms frames of utterances with spoof stretches of a quarter second."""
    rng = np.random.default_rng(0)
    n = 300
    lengths = rng.integers(24_000, 64_000, n)
    code = np.repeat(np.arange(n), 2)
    start = (rng.random(2 * n) * (lengths[code] - 4000)).astype(int)
    truth = make_spoof_stretches(lengths, code, start, start + 4000)
    counts = -(-lengths // 320)
    is_spoof = align_points(
        frames_on_grid(counts, 320, np.zeros(counts.sum())), truth, 0.02
    ).is_spoof
    scored = frames_on_grid(counts, 320, rng.normal(size=counts.sum()) - 2 * is_spoof)
    return scored, truth, lengths


def test_trap_19_one_score_file_has_another_figure_at_each_resolution(scored_spoofs):
    scored, truth, _ = scored_spoofs
    found = [segment_eer(scored, truth, s).eer for s in (0.01, 0.02, 0.16, 0.64)]
    found.append(range_eer(scored, truth).eer)
    assert len({round(value, 3) for value in found}) == 5


def test_trap_20_how_labels_merge_changes_the_figure_and_ours_is_any_spoof(scored_spoofs):
    scored, truth, lengths = scored_spoofs
    found = align_points(scored, truth, 0.16)
    by_rule = {}
    for rule in ("any-spoof", "any-bonafide", "majority"):
        labels = []
        for code, length in enumerate(lengths.tolist()):
            spoof = np.zeros(length // 80 + 1, dtype=bool)
            for at in np.flatnonzero((truth.utterance == code) & truth.is_spoof):
                spoof[truth.start[at] // 80 : -(-truth.end[at] // 80)] = True
            labels += labels_on_grid(spoof[: -(-length // 80)].tolist(), 32, rule)
        by_rule[rule] = np.array(labels)
    np.testing.assert_array_equal(found.is_spoof, by_rule["any-spoof"])
    figures = {
        eer_by_class(found.score[~is_spoof], found.score[is_spoof]).eer
        for is_spoof in by_rule.values()
    }
    assert len({round(value, 3) for value in figures}) == 3


def test_trap_21_of_105_and_103_frames_103_count_and_the_difference_is_said():
    truth = make_stretches(
        [0, 0, 1], [0, 16_000, 0], [16_000, 103 * 320, 32_000], [False, True, False]
    )
    scored = frames_on_grid([105, 98], 320, np.concatenate([np.ones(50), -np.ones(153)]))
    found = align_points(scored, truth, 0.02)
    assert np.bincount(found.utterance).tolist() == [103, 98]
    assert found.surplus == (1, 1, 2)
    coarse = align_points(scored, truth, 0.16)
    assert np.bincount(coarse.utterance).tolist() == [13, 13]
    assert coarse.surplus == found.surplus


def test_trap_22_boundaries_on_the_grid_stay_on_it():
    """int(0.58 / 0.02) is 28 in floats; 0.58 s is where frame 29 begins."""
    for frame in range(1, 1000):
        boundary = round(frame * 0.02 * 16_000)
        truth = make_stretches([0, 0], [0, boundary], [boundary, boundary + 320], [False, True])
        scored = frames_on_grid([frame + 1], 320, np.zeros(frame + 1))
        assert np.flatnonzero(align_points(scored, truth, 0.02).is_spoof).tolist() == [frame]


def counted_by(last: str, spoof: list[bool], wanted: int) -> int:
    """Frames of an utterance that count, one sample at a time."""
    frames_of = [spoof[at : at + wanted] for at in range(0, len(spoof), wanted)]
    short = len(frames_of[-1]) < wanted
    if last == "drop" and short and len(frames_of) > 1:
        return len(frames_of) - 1
    if last == "round" and 2 * len(frames_of[-1]) < wanted:
        return len(frames_of) - 1
    return len(frames_of)


@given(gridded(), st.sampled_from([2, 4, 8, 16]), st.sampled_from(["keep", "drop", "round"]))
def test_a_last_frame_that_the_utterance_ends_within_counts_by_the_rule_asked_for(
    made, wanted, last
):
    own, found = made
    ours = align_points(*on_arrays(own, found), wanted * 0.005, last=last)
    labels, scores, codes = [], [], []
    for code, (spoof, frame_scores) in found.items():
        label, score = points_at(spoof, frame_scores, own, wanted)
        n = min(len(label), counted_by(last, spoof, wanted))
        labels, scores, codes = labels + label[:n], scores + score[:n], codes + [code] * n
    assert ours.is_spoof.tolist() == labels
    assert ours.score.tolist() == scores
    assert ours.utterance.tolist() == codes


@pytest.mark.parametrize(
    ("last", "counts", "rate"),
    [("keep", [3, 2, 1], 1 / 2), ("drop", [2, 2, 1], 5 / 12), ("round", [3, 2, 0], 1 / 8)],
)
def test_the_rule_of_the_last_frame_decides_the_figure(last, counts, rate):
    """Utterances of 2.5, 2 and 0.25 frames of 640 ms."""
    truth = make_stretches(
        [0, 0, 1, 2], [0, 10_240, 0, 0], [10_240, 25_600, 20_480, 2_560], [True, False, False, True]
    )
    scored = frames_on_grid(
        [10, 8, 1], 2_560, [0.0] * 4 + [1.0] * 4 + [-1.0] * 2 + [2.0] * 8 + [3.0]
    )
    found = align_points(scored, truth, 0.64, last=last)
    assert [int((found.utterance == code).sum()) for code in range(3)] == counts
    assert segment_eer(scored, truth, 0.64, last=last).eer == pytest.approx(rate)
