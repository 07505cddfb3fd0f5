"""The functions for scores and labels give what the modules give."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score

from bench import metrics
from bench.metrics import api
from bench.metrics.auc import auc
from bench.metrics.dcf import DcfCosts, actual_dcf, minimum_dcf
from bench.metrics.det import eer_of, eer_official
from bench.metrics.measure import ScoreMetric
from bench.metrics.registry import select_metrics
from bench.metrics.tally import count_scores
from bench.metrics.tdcf import Coefficients, minimum_tdcf
from tests.errors import raises_code

RNG = np.random.default_rng(0)
LABELS = np.array(["bonafide", "spoof", "spoof"] * 40, dtype=object)
SCORES = np.round(RNG.normal(size=120) + (LABELS == "bonafide"), 1)
CLASSES = SCORES[LABELS == "bonafide"], SCORES[LABELS == "spoof"]
COUNTS = count_scores(*CLASSES)


def test_every_declared_function_is_there():
    for name in metrics.__all__:
        assert getattr(metrics, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="has no attribute 'eeer'"):
        metrics.eeer  # noqa: B018


def test_a_metric_is_that_of_its_module():
    costs, coefficients = DcfCosts(0.1, 1.0, 5.0), Coefficients(0.1, 0.8, 0.4)
    assert metrics.eer(SCORES, LABELS) == eer_of(COUNTS).eer
    assert metrics.min_dcf(SCORES, LABELS, costs) == minimum_dcf(COUNTS, costs).cost
    assert metrics.act_dcf(SCORES, LABELS) == actual_dcf(COUNTS).cost
    assert metrics.min_tdcf(SCORES, LABELS, coefficients) == minimum_tdcf(COUNTS, coefficients).cost
    assert metrics.compute_metric("auc", SCORES, LABELS) == auc(COUNTS)
    official = eer_official(*CLASSES).eer
    assert metrics.compute_metric("eer_official", SCORES, LABELS) == official
    assert metrics.eer_definitions(SCORES, LABELS)["official"] == official
    for name, metric in select_metrics(ScoreMetric).items():
        assert metrics.compute_metric(name, SCORES, LABELS) == metric.measure(COUNTS)


def test_decisions_are_those_of_scikit_learn():
    found = metrics.decision_metrics(SCORES, LABELS, 0.5)
    truth, decided = LABELS == "spoof", SCORES <= 0.5
    assert found["f1_spoof"] == pytest.approx(f1_score(truth, decided))
    assert found["f1"] == pytest.approx(f1_score(~truth, ~decided))


def test_the_order_of_trials_and_the_word_for_bona_fide_do_not_matter():
    order = RNG.permutation(120)
    words = np.where(LABELS == "bonafide", "genuine", "fake")
    assert metrics.eer(SCORES[order], words[order]) == metrics.eer(SCORES, LABELS)


def test_an_interval_draws_what_is_given():
    speakers = [f"p{i % 7}" for i in range(120)]
    attacks = np.where(LABELS == "spoof", "A07", "")
    plain = metrics.measure_scores("eer", SCORES, LABELS, replicates=99)
    by_speaker = metrics.measure_scores(
        "eer", SCORES, LABELS, speakers=speakers, attacks=attacks, replicates=99
    )
    assert (plain.plan, by_speaker.plan) == ("utterance", "speaker")
    assert plain.value == by_speaker.value == metrics.eer(SCORES, LABELS)
    assert plain.low < plain.value < plain.high
    assert (by_speaker.low, by_speaker.high) != (plain.low, plain.high)


def test_two_systems_are_compared_on_the_same_trials():
    worse = SCORES + RNG.normal(size=120) * 3
    difference = metrics.compare_scores("eer", worse, SCORES, LABELS, replicates=99)
    assert difference.value == metrics.eer(worse, LABELS) - metrics.eer(SCORES, LABELS)
    assert difference.low < difference.value < difference.high
    assert metrics.compare_scores("auc", SCORES, SCORES, LABELS, replicates=99).p_value == 1.0


def test_frames_are_evaluated_by_time():
    """Two utterances of 1 s, the second spoof from 0.4 s on, and scores of every 20 ms."""
    truth = metrics.make_spoof_stretches([16_000, 16_000], [1], [6_400], [16_000])
    score = np.concatenate([np.full(50, 2.0), np.full(20, 1.0), np.full(30, -1.0)])
    frames = metrics.frames_on_grid([50, 50], 320, score)
    assert metrics.segment_eer(frames, truth, 0.02).eer == 0.0
    assert metrics.range_eer(frames, truth).eer == 0.0
    assert metrics.utterance_eer(frames, truth).eer == 0.0


def test_mistakes_are_named():
    with raises_code("metric.label") as error:
        metrics.eer([1.0, 0.0], [1, 0])
    assert "'1' is not a label (2 such)" in str(error.value)
    with raises_code("metric.lengths-differ"):
        metrics.eer([1.0], LABELS)
    with raises_code("metric.one-class"):
        metrics.eer([1.0, 2.0], ["spoof", "spoof"])
    with raises_code("metric.unknown") as error:
        metrics.compute_metric("aux", SCORES, LABELS)
    assert "did you mean 'auc'?" in str(error.value)
