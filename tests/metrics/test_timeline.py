"""Scored frames and reference stretches: what is put in order, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.timeline import (
    count_within,
    frames_on_grid,
    make_frames,
    make_spoof_stretches,
    make_stretches,
    match_utterances,
    select_frames,
    select_stretches,
)
from tests.errors import raises_code
from tests.metrics.plain_localization import flat, utterances


@given(utterances(), st.randoms())
def test_frames_are_put_in_order(found, random):
    scored, _ = flat(found)
    order = list(range(len(scored.score)))
    random.shuffle(order)
    for ours, expected in zip(make_frames(*(of[order] for of in scored)), scored, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_frames_on_a_grid_are_frames():
    for ours, expected in zip(
        frames_on_grid([2, 0, 1], 320, [1.0, 2.0, 3.0]),
        make_frames([0, 0, 2], [0, 320, 0], [320, 640, 320], [1.0, 2.0, 3.0]),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, expected)


def test_frames_that_are_refused(subtests):
    cases = [
        (([], [], [], []), "no scored frame"),
        (([0], [0, 1], [1], [0.0]), "one length"),
        (([0], [0.0], [0.02], [0.0]), r"start: whole numbers are needed \(times in samples\)"),
        (([0], [-1], [1], [0.0]), "start: -1 is below 0"),
        (([-1], [0], [1], [0.0]), "utterance: -1 is below 0"),
        (([0, 0], [0, 1], [1, 2], [0.0, np.nan]), "score 1 is nan"),
        (([0], [0], [1], [np.inf]), "score 0 is inf"),
        (([3], [5], [5], [0.0]), "utterance 3, samples 5 to 5: a frame ends later"),
        (([3, 3], [0, 9], [10, 20], [0.0, 0.0]), "samples 9 to 20: it starts before .* at 10"),
        (([3, 3], [0, 0], [10, 10], [0.0, 0.0]), "each moment is scored once"),
    ]
    for arrays, message in cases:
        with subtests.test(message=message), pytest.raises(BenchError, match=message):
            make_frames(*arrays)


def test_frames_on_a_grid_are_as_many_as_their_scores():
    with raises_code("metric.lengths-differ"):
        frames_on_grid([2], 320, [1.0, 2.0, 3.0])


def test_references_that_are_refused(subtests):
    cases = [
        (([], [], [], []), "no reference stretch"),
        (([0], [0], [1], [True, False]), "one length"),
        (([0], [1], [2], [True]), "utterance 0, samples 1 to 2: .* follow one another from 0"),
        (([0, 0], [0, 5], [4, 9], [True, False]), "samples 5 to 9"),
        (([0, 0], [0, 3], [4, 9], [True, False]), "samples 3 to 9"),
        (([0, 0], [0, 4], [4, 4], [True, False]), "at least a sample"),
        (([1, 0], [0, 0], [4, 4], [True, False]), "order"),
    ]
    for arrays, message in cases:
        with subtests.test(arrays=arrays), pytest.raises(BenchError, match=message):
            make_stretches(*arrays)


def test_stretches_of_one_class_are_joined_within_an_utterance_only():
    joined = make_stretches([0, 0, 1], [0, 4, 0], [4, 9, 3], [True, True, True])
    assert joined.start.tolist() == [0, 0]
    assert joined.end.tolist() == [9, 3]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 11), st.integers(1, 12)), max_size=8))
def test_spoof_stretches_may_overlap(stretches):
    lengths = [12, 1, 20]
    spoof = [np.zeros(n, dtype=bool) for n in lengths]
    kept = []
    for code, start, end in stretches:
        stretch = (code, min(start, lengths[code] - 1), min(max(end, start + 1), lengths[code]))
        spoof[code][stretch[1] : stretch[2]] = True
        kept.append(stretch)
    truth = make_spoof_stretches(lengths, *np.array(kept, dtype=int).reshape(-1, 3).T)
    for code, n in enumerate(lengths):
        written = np.zeros(n, dtype=bool)
        for of, start, end, is_spoof in zip(*truth[:4], strict=True):
            if of == code:
                written[start:end] = is_spoof
        np.testing.assert_array_equal(written, spoof[code])
    changes = (np.diff(truth.utterance) != 0) | (truth.is_spoof[1:] != truth.is_spoof[:-1])
    assert changes.all()


def test_spoof_stretches_that_are_refused(subtests):
    cases = [
        (([10], [1], [0], [1]), "a stretch of utterance 1: there are 1 lengths"),
        (([10], [0], [5], [11]), "a spoof stretch from 5 to 11 in 10 samples"),
        (([10], [0], [5], [5]), "a spoof stretch from 5 to 5"),
        (([10, 0], [0], [5], [6]), "utterance 1 has no sample"),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments), pytest.raises(BenchError, match=message):
            make_spoof_stretches(*arguments)


def test_both_sides_have_the_same_utterances():
    scored = make_frames([1, 4], [0, 0], [5, 5], [0.0, 0.0])
    truth = make_stretches([1, 4, 6, 7], [0, 0, 0, 0], [5, 5, 5, 5], [True, False, True, True])
    with pytest.raises(BenchError, match=r"2 utterances have labels but no scored frame; .* is 6"):
        match_utterances(scored, truth)
    alone = make_stretches([4], [0], [5], [True])
    with pytest.raises(BenchError, match=r"1 utterances have scored frames but no labels; .* is 1"):
        match_utterances(scored, alone)
    with raises_code("metric.frames-malformed"):
        match_utterances(select_frames(scored, [9]), alone)
    with raises_code("metric.reference-malformed"):
        match_utterances(scored, select_stretches(truth, [9]))


def test_within_counts_each_run():
    assert count_within(np.array([2, 0, 3])).tolist() == [0, 1, 0, 1, 2]
