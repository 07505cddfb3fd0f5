"""Checks of frame scores against the labels: coverage frame by frame, resolution, polarity."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bench.evaluation.checks import check_frames, check_utterances
from bench.evaluation.forms import ScoreFile
from bench.metrics.timeline import make_stretches
from tests.errors import raises_code

FRAME = 320
COUNT = 60
LONG = 50


@pytest.fixture
def keys():
    return pd.DataFrame(
        {
            "utterance": [f"u{i}" for i in range(COUNT)],
            "label": np.where(np.arange(COUNT) % 3 == 0, "bonafide", "spoof"),
        }
    )


@pytest.fixture
def truth(keys):
    """The middle of spoof utterances is spoof; all have 50 frames and a half."""
    rows = []
    end = LONG * FRAME + FRAME // 2
    for i, label in enumerate(keys["label"]):
        if label == "bonafide":
            rows.append((i, 0, end, False))
        else:
            edges = (0, 10 * FRAME, 30 * FRAME, end)
            rows += [(i, a, b, k == 1) for k, (a, b) in enumerate(pairwise(edges))]
    return make_stretches(*(np.array(column) for column in zip(*rows, strict=True)))


def made(keys, frame=FRAME, count=LONG, seed=0):
    """Rows `id, start, score`, higher for bona fide."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, label in enumerate(keys["label"]):
        for k in range(count):
            middle = (k + 0.5) * frame
            spoof = label == "spoof" and 10 * FRAME <= middle < 30 * FRAME
            rows.append((f"u{i}", k * frame, rng.normal() - 2 * spoof))
    return rows


def scorefile(rows, frame=FRAME, bonafide=None):
    ids, start, score = zip(*rows, strict=True)
    encoded = pa.array(ids, pa.string()).dictionary_encode()
    first = np.array(start, dtype=np.int64)
    return ScoreFile(
        Path("made.txt"),
        encoded.dictionary,
        encoded.indices.to_numpy().astype(np.int64),
        np.array(score),
        "made",
        bonafide=bonafide,
        start=first,
        end=first + frame,
    )


def codes(checked):
    return [(finding.severity, finding.code) for finding in checked.findings]


def test_good_frames_are_laid_out_by_the_keys(keys, truth):
    rows = made(keys)
    checked = check_frames(scorefile(rows), keys, truth)
    assert checked.findings == ()
    assert checked.present.all()
    assert checked.frames.utterance.tolist() == np.repeat(np.arange(COUNT), LONG).tolist()
    assert checked.frames.score.tolist() == [score for _, _, score in rows]
    assert checked.score[5] == min(score for name, _, score in rows if name == "u5")


def test_order_does_not_matter_and_is_said(keys, truth):
    rows = made(keys)
    shuffled = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    checked = check_frames(scorefile(shuffled), keys, truth)
    assert {code for _, code in codes(checked)} <= {"scores.unordered"}
    straight = check_frames(scorefile(rows), keys, truth)
    for one, other in zip(checked.frames, straight.frames, strict=True):
        np.testing.assert_array_equal(one, other)


def test_frames_backward(keys, truth):
    checked = check_frames(scorefile(made(keys)[::-1]), keys, truth)
    assert codes(checked) == [("note", "scores.unordered")]


def test_missing_and_unknown_utterances(keys, truth):
    rows = [row for row in made(keys) if row[0] != "u7"] + [("x", 0, 1.0)]
    checked = check_frames(scorefile(rows), keys, truth)
    assert codes(checked) == [("warning", "scores.unknown-ids"), ("error", "scores.missing")]
    checked = check_frames(scorefile(rows), keys, truth, allow_missing=True)
    assert codes(checked) == [("warning", "scores.unknown-ids"), ("warning", "scores.missing")]
    assert 7 not in checked.frames.utterance
    assert np.isnan(checked.score[7])


def test_nothing_in_common(keys, truth):
    checked = check_frames(scorefile([("x", 0, 1.0), ("x", 320, 2.0)]), keys, truth)
    assert codes(checked) == [("error", "scores.unknown-ids")]
    assert checked.frames is None


def test_repeated_frames(keys, truth):
    rows = made(keys)
    checked = check_frames(scorefile(rows * 2), keys, truth)
    assert ("warning", "scores.duplicated") in codes(checked)
    assert "everything 2 times" in str(checked.findings)
    assert len(checked.frames.score) == len(rows)
    again = [(name, start, score + 1) for name, start, score in rows[:3]]
    checked = check_frames(scorefile(rows + again), keys, truth)
    assert ("error", "scores.duplicated") in codes(checked)
    assert checked.frames is None


def test_overlapping_frames(keys, truth):
    """Starts of 20 ms frames, said to be 160 ms long."""
    checked = check_frames(scorefile(made(keys), frame=8 * FRAME), keys, truth)
    assert codes(checked) == [("error", "scores.overlapping")]
    assert "u0 at 0.02 s" in checked.findings[0].examples


@pytest.mark.parametrize("ratio", [8, 0.125])
def test_trap_19_another_resolution(keys, truth, ratio):
    """Arrays of 20 ms frames, read as 160 ms or 2.5 ms."""
    frame = int(FRAME * ratio)
    rows = [(name, int(start * ratio), score) for name, start, score in made(keys)]
    checked = check_frames(scorefile(rows, frame=frame), keys, truth)
    assert ("error", "scores.resolution") in codes(checked)


def test_trap_21_frames_too_many_or_few(keys, truth):
    """One frame more or less than the labels have is usual; two are counted."""
    rows = [row for row in made(keys) if not (row[0] == "u3" and row[1] >= 47 * FRAME)]
    rows += [("u5", LONG * FRAME, 0.0)]
    rows += [("u6", k * FRAME, 0.0) for k in range(LONG, 55)]
    checked = check_frames(scorefile(rows), keys, truth)
    (finding,) = checked.findings
    assert (finding.severity, finding.code, finding.count) == ("warning", "scores.frame-count", 2)
    assert finding.examples == ("u3 has 47, not 51", "u6 has 55, not 51")


def test_trap_1_inverted_frames(keys, truth):
    rows = [(name, start, -score) for name, start, score in made(keys)]
    checked = check_frames(scorefile(rows), keys, truth)
    assert codes(checked) == [("error", "scores.inverted")]
    assert codes(check_frames(scorefile(rows), keys, truth, as_is=True)) == [
        ("warning", "scores.inverted")
    ]
    turned = check_frames(scorefile(rows), keys, truth, negate=True)
    assert turned.findings == ()
    assert turned.frames.score.tolist() == [-score for _, _, score in rows]


def test_a_bona_fide_utterance_with_spoof_frames_by_the_file(keys, truth):
    rows = made(keys)
    labels = np.ones(len(rows), dtype=bool)
    labels[3 * LONG + 4] = False
    checked = check_frames(scorefile(rows, bonafide=labels), keys, truth)
    assert codes(checked) == [("error", "scores.label-conflict")]
    assert checked.findings[0].examples == ("u3",)


def test_constant_and_not_finite_frames(keys, truth):
    rows = [(name, start, 0.0) for name, start, _ in made(keys)]
    assert codes(check_frames(scorefile(rows), keys, truth)) == [("error", "scores.constant")]
    rows[5] = (rows[5][0], rows[5][1], np.nan)
    rows[6] = (rows[6][0], rows[6][1], 1.0)
    assert ("error", "scores.not-finite") in codes(check_frames(scorefile(rows), keys, truth))


def test_starts_in_another_unit(keys, truth):
    """Milliseconds taken for indices: frame 1 is at 20, so at 0.4 s."""
    rows = [(u, 20 * start, score) for u, start, score in made(keys)]
    checked = check_frames(scorefile(rows), keys, truth)
    assert ("error", "scores.resolution") in codes(checked)
    assert any("in another unit" in finding.message for finding in checked.findings)


@pytest.mark.parametrize("shift", [FRAME, FRAME // 2])
def test_frames_counted_from_one_or_by_their_middles(keys, truth, shift):
    rows = [(u, start + shift, score) for u, start, score in made(keys)]
    checked = check_frames(scorefile(rows), keys, truth)
    assert codes(checked) == [("warning", "scores.late-start")]


@pytest.mark.parametrize(
    ("threshold", "said"), [(-100.0, "decided bona fide"), (100.0, "decided spoof")]
)
def test_one_decision_for_all_frames(keys, truth, threshold, said):
    checked = check_frames(scorefile(made(keys)), keys, truth, threshold=threshold)
    assert codes(checked) == [("warning", "scores.one-decision")]
    assert said in checked.findings[0].message


def test_utterances_by_their_lowest_frame(keys):
    checked = check_utterances(scorefile(made(keys)), keys)
    assert ("note", "scores.lowest-frame") in codes(checked)
    assert checked.present.all()


def test_scores_of_utterances_are_no_frames(keys, truth):
    found = scorefile(made(keys))
    whole = ScoreFile(found.path, found.names, found.row, found.score, "")
    with raises_code("scores.not-frames"):
        check_frames(whole, keys, truth)
