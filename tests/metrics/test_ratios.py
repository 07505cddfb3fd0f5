"""Figures at a fixed threshold: values against the figures themselves, intervals against resampling
written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.f1 import ARGMAX, decide, frame_figures
from bench.metrics.plans import plan
from bench.metrics.ratios import Ratios, decision_ratios, group_ratios, ratio_intervals
from tests.metrics.plain_bootstrap import made, percentiles, plain_draw, plain_replicates


def decided(seed, n_units=25):
    score, _, spoof, unit = made(seed, n_units)
    return spoof > 0, ~decide(score), unit, score


@given(st.integers(0, 2**32 - 1))
def test_values_are_those_of_the_frames(seed):
    is_spoof, decided_spoof, unit, score = decided(seed)
    figures = frame_figures(is_spoof, score, ARGMAX)
    expected = {
        f"{name}{of}": value
        for of, one in (("", figures.bonafide), ("_spoof", figures.spoof))
        for name, value in one._asdict().items()
    }
    found = decision_ratios(is_spoof, decided_spoof, unit).values
    assert found == pytest.approx(expected, nan_ok=True)


def test_f1_intervals_are_those_of_written_out_replicates():
    is_spoof, decided_spoof, unit, score = decided(2)
    found = ratio_intervals(decision_ratios(is_spoof, decided_spoof, unit), None, 60, 5)
    for name, of in (("f1", "bonafide"), ("f1_spoof", "spoof")):

        def figure(scores, _, spoof, of=of):
            return getattr(frame_figures(spoof > 0, scores), of).f1

        values = plain_replicates(score, 1.0 - is_spoof, 1.0 * is_spoof, unit, 60, 5, figure)
        assert found[name][:2] == pytest.approx(percentiles(values), abs=1e-12)


def test_error_rates_by_group_are_resampled_by_utterance_or_speaker():
    is_spoof, decided_spoof, unit, _ = decided(3)
    wrong = is_spoof != decided_spoof
    ratios = group_ratios(["bonafide", "spoof"], 1 * is_spoof, wrong, unit)
    assert ratios.values["spoof"] == wrong[is_spoof].mean()
    speaker = np.arange(25) // 5
    for by, level in ((None, unit), (plan("speaker", range(25), speaker), speaker[unit])):
        found = ratio_intervals(ratios, by, 40, 1)
        values = []
        for number in range(40):
            drawn = plain_draw(np.random.default_rng([1, number]), sorted({*level}))
            items = np.concatenate([np.flatnonzero(level == name) for name in drawn])
            values.append(wrong[items][is_spoof[items]].mean())
        assert found["spoof"][:2] == pytest.approx(percentiles(values), abs=1e-12)


def test_draws_without_the_figure_are_left_out_and_counted():
    ratios = Ratios(("rate",), np.arange(2), np.array([[1.0], [0]]), np.array([[2.0], [0]]))
    low, high, again = ratio_intervals(ratios, None, 400)["rate"]
    assert (low, high) == (0.5, 0.5)
    assert 70 < again < 130
    nothing = ratios._replace(whole=ratios.part * 0)
    assert np.isnan(nothing.values["rate"])
    with pytest.raises(BenchError, match="rate is not defined"):
        ratio_intervals(nothing)
