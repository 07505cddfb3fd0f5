"""Errors by position, and which utterances a run shows, from score files whose answer is known."""

from __future__ import annotations

import shutil
from itertools import chain

import numpy as np
import pytest

from bench.analysis.position_errors import errors_by_position, position_shares
from bench.cards import table_cards
from bench.config import Config
from bench.data import corpora
from bench.evaluation import score_file
from bench.evaluation.score_frames import ScoreFrames, order_frames
from bench.metrics.grid import FramePoints, Surplus
from bench.reports.evaluation_plots import ranked_strips
from tests.errors import raises_code

pytestmark = pytest.mark.rows


def write(path, utterances, frame_s=0.16):
    """Write a score file: by name, labels and decisions as strings of `b` and `s`."""
    columns = {name: [] for name in score_file.COLUMNS}
    for name, (labels, decided) in utterances.items():
        for number, (label, made) in enumerate(zip(labels, decided, strict=True)):
            columns["utterance"].append(name)
            columns["speaker"].append("")
            columns["attack"].append("")
            columns["start_s"].append(number * frame_s)
            columns["end_s"].append((number + 1) * frame_s)
            columns["label"].append({"b": "bonafide", "s": "spoof"}[label])
            columns["score"].append(-7.0)  # decisions are by the logits
            columns["logit_bonafide"].append(1.0 if made == "b" else 0.0)
            columns["logit_spoof"].append(0.5)
    score_file.write_scores(path, columns)
    return path


FIRST = {"b1": ("bbbsssb", "bbbbssb"), "a1": ("ssss", "sbss")}


def test_frames_count_at_their_place_in_their_segment(tmp_path):
    path = write(tmp_path / "S0.parquet", FIRST)
    found = errors_by_position({"S0": path})
    # b1: start middle end, start middle end, unit; a1: start middle middle end.
    assert found.shares == pytest.approx([3 / 11, 4 / 11, 3 / 11, 1 / 11])
    (of,) = found.systems
    assert of.error == pytest.approx([1 / 3, 1 / 4, 0, 0])
    assert (of.low <= of.error).all()
    assert (of.error <= of.high).all()


def test_shares_follow_from_labels_alone(miniatures, tmp_path):
    """Without audio and without scores, as the shares of a score file of the same frames."""
    data = table_cards.resolve_row(table_cards.read_table("table4"), "S7", "smoke").evaluate[
        "partialspoof"
    ]
    mini = tmp_path / "mini"
    shutil.copytree(
        miniatures / "mini" / "partialspoof",
        mini / "partialspoof",
        ignore=shutil.ignore_patterns("*.wav"),
    )
    config = Config(work=tmp_path)
    found = position_shares(data, "smoke", config)
    assert found.systems == ()
    whole = corpora.read_corpus_split(
        "partialspoof", data.split, Config(work=miniatures), "smoke", 0.16
    )
    frames = {
        name: ("".join("bs"[int(of)] for of in spoof),) * 2
        for name, spoof in whole.timing.spoof.items()
    }
    scored = errors_by_position({"S0": write(tmp_path / "S0.parquet", frames)})
    assert found.shares == pytest.approx(scored.shares)
    assert found.shares.sum() == pytest.approx(1)
    with raises_code("analysis.no-frames"):
        position_shares(data.model_copy(update={"resolution_s": None}), "smoke", config)


def test_a_place_without_frames_has_no_rate(tmp_path):
    path = write(tmp_path / "S0.parquet", {"a": ("bbss", "bbss"), "b": ("bb", "bs")})
    (of,) = errors_by_position({"S0": path}).systems
    assert np.isnan([of.error[3], of.low[3], of.high[3]]).all()
    assert np.isnan([of.error[1]]).all()
    assert of.error[2] == pytest.approx(1 / 3)


def test_two_systems_are_judged_on_the_same_frames(tmp_path):
    one = write(tmp_path / "S0.parquet", FIRST)
    # The same in another order of utterances.
    other = write(tmp_path / "S7.parquet", dict(reversed(FIRST.items())))
    found = errors_by_position({"S0": one, "S7": other})
    assert [of.system for of in found.systems] == ["S0", "S7"]
    np.testing.assert_array_equal(found.systems[0].error, found.systems[1].error)
    changed = write(tmp_path / "X.parquet", {**FIRST, "a1": ("sssb", "sbss")})
    with raises_code("analysis.different-frames") as raised:
        errors_by_position({"S0": one, "X": changed})
    assert "X.parquet" in str(raised.value)
    assert "S0.parquet" in str(raised.value)


def test_what_is_no_grid_is_an_error(tmp_path):
    gap = write(tmp_path / "a.parquet", FIRST)
    table = score_file.read_scores(gap)
    with raises_code("analysis.not-on-a-grid"):
        order_frames(table.filter([*[True] * 2, False, *[True] * 8]), gap)
    whole = write(tmp_path / "b.parquet", {"a": ("b", "b"), "b": ("s", "b")})
    with raises_code("analysis.not-on-a-grid"):
        errors_by_position({"S0": whole})


def made_points(wrong, length=10):
    """Utterances of frames half bona fide, half spoof, so many of which are decided wrongly."""
    truth = np.tile(np.arange(length) >= length // 2, len(wrong))
    off = np.concatenate([np.arange(length) < n for n in wrong])
    score = np.where(truth ^ off, -1.0, 1.0)
    code = np.repeat(np.arange(len(wrong)), length)
    names = [f"u{i}" for i in range(len(wrong))]
    return ScoreFrames(names, FramePoints(code, truth, score, 320, Surplus(0, 0, 0)))


def shown(groups):
    return {name: [strip.name for strip in strips] for name, strips in groups.items()}


def test_the_best_the_middle_and_the_worst_are_shown():
    groups = ranked_strips(made_points([5, 0, 9, 3, 1, 8, 2, 7, 4, 6, 10]))
    assert shown(groups) == {
        "best": ["u1", "u4", "u6"],
        "median": ["u8", "u0", "u9"],
        "worst": ["u5", "u2", "u10"],
    }
    assert groups["median"][1].error_share == 0.5
    assert groups["best"][0].edges_s[[0, 1, -1]] == pytest.approx([0, 0.02, 0.2])


def test_none_is_shown_twice_where_there_are_few():
    for n in range(1, 12):
        names = [
            name for of in shown(ranked_strips(made_points([*range(n)]))).values() for name in of
        ]
        assert len(names) == len(set(names)) == min(n, 9)


def test_utterances_of_one_class_are_left_out_where_there_are_others():
    names, points = made_points([1, 2, 3])
    truth = points.is_spoof.copy()
    truth[:10] = False
    of = ScoreFrames(names, points._replace(is_spoof=truth))
    assert [*chain(*shown(ranked_strips(of)).values())] == ["u1", "u2"]
    alone = ScoreFrames(names, points._replace(is_spoof=np.zeros(30, dtype=bool)))
    assert len([*chain(*shown(ranked_strips(alone)).values())]) == 3
