"""Thresholds from score files, with the error rates that they have there."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from bench.evaluation import score_file
from bench.evaluation.row_evaluation import evaluate_file
from bench.runner.operating_points import find_eer_point
from tests.errors import raises_code


def table(frames: int, utterances: int = 40, classes: int = 2) -> pa.Table:
    generator = np.random.default_rng(5)
    count = frames * utterances
    spoof = np.repeat(np.arange(utterances) % classes == 1, frames)
    if frames > 1:
        spoof &= np.arange(count) % frames > 0
    start = np.tile(np.arange(frames) * 0.02, utterances)
    return pa.table(
        {
            "utterance": np.repeat([f"u{i:02d}" for i in range(utterances)], frames),
            "speaker": [""] * count,
            "attack": [""] * count,
            "start_s": start,
            "end_s": start + 0.02,
            "label": np.where(spoof, "spoof", "bonafide"),
            "score": (generator.normal(size=count) - 1.5 * spoof).astype(np.float32),
        }
    )


@pytest.mark.parametrize("frames", [1, 6])
def test_rates_are_those_around_the_eer(frames, tmp_path):
    score_file.write_scores(tmp_path / "s.parquet", table(frames))
    scored = score_file.read_scores(tmp_path / "s.parquet")
    point = find_eer_point(scored, "here", of_frames=frames > 1)
    eer = evaluate_file(scored, 0)["eer"].value
    assert point.rates is not None
    mean = (point.rates.bonafide_missed + point.rates.spoof_accepted) / 2
    assert mean == pytest.approx(eer)
    score, label = np.array(scored["score"]), np.array(scored["label"].to_pylist())
    assert point.rates.bonafide_missed == np.mean(score[label == "bonafide"] <= point.threshold)
    assert point.rates.spoof + point.rates.bonafide == scored.num_rows
    if frames == 1:
        assert point.utterance_rates is None
        return
    lowest = score.reshape(-1, frames).min(axis=1)
    has_spoof = (label.reshape(-1, frames) == "spoof").any(axis=1)
    assert point.utterance_rates is not None
    assert point.utterance_rates.bonafide == (~has_spoof).sum()
    missed = np.mean(lowest[~has_spoof] <= point.threshold)
    assert point.utterance_rates.bonafide_missed == missed
    accepted = np.mean(lowest[has_spoof] > point.threshold)
    assert point.utterance_rates.spoof_accepted == accepted


def test_one_class_has_no_eer(tmp_path):
    score_file.write_scores(tmp_path / "s.parquet", table(1, classes=1))
    with raises_code("metric.one-class"):
        find_eer_point(score_file.read_scores(tmp_path / "s.parquet"), "", of_frames=False)
