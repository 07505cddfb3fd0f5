"""Error rates by where frames are, from a score file alone."""

from __future__ import annotations

import numpy as np
import pytest

from bench.errors import BenchError
from bench.evaluation import score_file as scores
from bench.evaluation.draws import REPLICATES
from bench.evaluation.frame_errors import compute_position_errors
from bench.metrics.f1 import decide_bonafide

FRAME_S = 0.16


def written(path, labels, logit, attack="A01", start_s=0.0):
    """A score file of one utterance a list of labels (`b` or `s` a frame)."""
    number = np.repeat(np.arange(len(labels)), [len(of) for of in labels])
    place = np.concatenate([np.arange(len(of)) for of in labels])
    spoof = np.array([one == "s" for of in labels for one in of])
    names = np.array([f"u{n}" for n in range(len(labels))], dtype=object)
    columns = {
        "utterance": names[number],
        "speaker": np.array([f"p{n % 3}" for n in number], dtype=object),
        "attack": np.where(spoof, attack, "").astype(object),
        "start_s": start_s + place * FRAME_S,
        "end_s": start_s + (place + 1) * FRAME_S,
        "label": np.where(spoof, "spoof", "bonafide").astype(object),
        "score": np.asarray(logit, dtype=np.float32),
    }
    scores.write_scores(path, columns)
    return path


def rates(found):
    return dict(zip(found.names, zip(found.errors, found.frames, strict=True), strict=True))


def test_errors_are_counted_by_place_and_by_distance(tmp_path):
    """`bbbss`: the second frame, and the last, are decided wrongly."""
    path = written(tmp_path / "s.parquet", ["bbbss", "bbb", "b"], [1, -1, 1, -1, 1, 1, 1, 1, 1])
    known = rates(compute_position_errors(path))
    assert known["bonafide-middle"] == (1, 2)
    assert known["bonafide-start"] == (0, 2)
    assert known["bonafide-unit"] == (0, 1)
    assert known["spoof-end"] == (1, 1)
    assert known["bonafide 160 to 320 ms"] == (1, 1), "0.24 s from the boundary"
    assert known["spoof 160 to 320 ms"] == (1, 1)
    assert known["bonafide without boundary"] == (0, 4)
    assert "spoof-middle" not in known, "there is no such frame"


def test_systems_on_the_same_trials_are_drawn_alike(tmp_path):
    labels = ["bbbss" if n % 2 else "bbbbb" for n in range(30)]
    rng = np.random.default_rng(0)
    one, other = (
        compute_position_errors(written(tmp_path / f"{n}.parquet", labels, rng.normal(size=150)))
        for n in range(2)
    )
    assert one.trials == other.trials
    assert one.replicates.shape == (REPLICATES, len(one.names))
    again = compute_position_errors(tmp_path / "0.parquet")
    np.testing.assert_array_equal(one.replicates, again.replicates)
    inside = (one.low <= one.values) & (one.values <= one.high)
    assert inside.all()
    elsewhere = compute_position_errors(
        written(tmp_path / "2.parquet", labels[::-1], rng.normal(size=150))
    )
    assert elsewhere.trials != one.trials


def test_all_frames_are_counted_once_in_each_way(tmp_path):
    labels = ["bsssbbbbssb" * 3, "ssss", "bbbbbbbbb"] * 4
    n = sum(map(len, labels))
    logit = np.random.default_rng(1).normal(size=n)
    found = compute_position_errors(written(tmp_path / "s.parquet", labels, logit))
    spoof = np.array([one == "s" for of in labels for one in of])
    wrong = int((decide_bonafide(logit) == spoof).sum())
    by_place = ["-" in name for name in found.names]
    for way in (np.array(by_place), ~np.array(by_place)):
        assert found.frames[way].sum() == n
        assert found.errors[way].sum() == wrong


def test_frames_on_no_grid_have_no_place(tmp_path):
    path = written(tmp_path / "s.parquet", ["bs", "bb"], [1, -1, 1, 1], start_s=0.05)
    with pytest.raises(BenchError, match=r"grid|from 0"):
        compute_position_errors(path)
