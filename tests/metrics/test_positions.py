"""Errors by place and by distance against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.metrics.f1 import ARGMAX, decision_at
from bench.metrics.grid import align_points
from bench.metrics.positions import (
    POSITION_NAMES,
    distance_errors,
    position_errors,
)
from bench.metrics.ratios import group_ratios
from bench.metrics.timeline import frames_on_grid, make_stretches
from tests.errors import raises_code
from tests.metrics.drawn_frames import gridded, on_arrays
from tests.metrics.plain_localization import places


def counted(found):
    """Return [frames, errors] of each group."""
    ratios = group_ratios(found.names, found.group, found.wrong, found.unit)
    sums = zip(ratios.whole.sum(axis=0).tolist(), ratios.part.sum(axis=0).tolist(), strict=True)
    return dict(zip(found.names, map(list, sums), strict=True))


@given(gridded(), st.sampled_from([2, 4, 8, 16]), st.integers(-3, 3))
def test_errors_of_each_place_are_those_of_plain_loops(made, wanted, threshold):
    own, found = made
    judged = align_points(*on_arrays(own, found), wanted * 0.005)
    frames, errors = (dict.fromkeys(POSITION_NAMES, 0) for _ in range(2))
    for code in found:
        chosen = judged.utterance == code
        labels, scores = judged.is_spoof[chosen].tolist(), judged.score[chosen].tolist()
        for name, is_spoof, score in zip(places(labels), labels, scores, strict=True):
            frames[name] += 1
            errors[name] += (score <= threshold) != is_spoof
    rates = counted(position_errors(judged, decision_at(threshold)))
    assert rates == {name: [frames[name], errors[name]] for name in POSITION_NAMES}


@given(gridded(), st.sampled_from([2, 4, 8, 16]), st.integers(-3, 3))
def test_errors_at_each_distance_are_those_of_plain_loops(made, wanted, threshold):
    own, found = made
    scored, truth = on_arrays(own, found)
    judged = align_points(scored, truth, wanted * 0.005)
    expected = {}
    for code, (spoof, _) in found.items():
        boundaries = [5 * i for i in range(1, len(spoof)) if spoof[i] != spoof[i - 1]]
        chosen = judged.utterance == code
        rows = zip(judged.is_spoof[chosen].tolist(), judged.score[chosen].tolist(), strict=True)
        for i, (is_spoof, score) in enumerate(rows):
            centre = 5 * wanted * (i + 0.5)
            distance = min((abs(centre - b) for b in boundaries), default=None)
            where = (
                "without boundary"
                if distance is None
                else "below 10 ms"
                if distance < 10
                else "10 to 30 ms"
                if distance < 30
                else "30 ms and above"
            )
            count = expected.setdefault(f"{'spoof' if is_spoof else 'bonafide'} {where}", [0, 0])
            count[0] += 1
            count[1] += (score <= threshold) != is_spoof
    rates = counted(distance_errors(judged, truth, decision_at(threshold), [10, 30]))
    assert {name: counts for name, counts in rates.items() if counts[0]} == expected
    assert len(rates) == 8


def test_frames_keep_their_utterance():
    truth = make_stretches([3, 8], [0, 0], [640, 320], [True, False])
    scored = frames_on_grid([0, 0, 0, 2, 0, 0, 0, 0, 1], 320, [1.0, -1.0, -1.0])
    judged = align_points(scored, truth, 0.02)
    for found in (position_errors(judged, ARGMAX), distance_errors(judged, truth, ARGMAX)):
        assert found.unit.tolist() == [3, 3, 8]
        assert found.wrong.tolist() == [True, False, True]
        assert found.decision is ARGMAX


def test_bins_ascend(subtests):
    for edges_ms in [[], [0, 10], [20, 20], [20, 10]]:
        with subtests.test(edges_ms=edges_ms):
            truth = make_stretches([0], [0], [320], [True])
            judged = align_points(frames_on_grid([1], 320, [0.0]), truth, 0.02)
            with raises_code("metric.distance-bins"):
                distance_errors(judged, truth, ARGMAX, edges_ms)


def test_distances_are_measured_in_the_reference_of_the_frames():
    truth = make_stretches([0], [0], [320], [True])
    judged = align_points(frames_on_grid([1], 320, [0.0]), truth, 0.02)
    with raises_code("metric.trials-differ"):
        distance_errors(judged, truth._replace(utterance=np.array([1])), ARGMAX)
