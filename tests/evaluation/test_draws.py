"""Replicates of score files that were drawn apart are those of a paired bootstrap."""

from __future__ import annotations

import numpy as np
import pytest

from bench.evaluation import score_file as scores
from bench.evaluation.draws import NOT_DRAWN, REPLICATES, draw_replicates, unpack_arrays
from bench.metrics.auc import auc
from bench.metrics.bootstrap import compute_replicates
from bench.metrics.det import equal_error_rate
from bench.metrics.ratios import replicate_ratios
from bench.metrics.resampling_groups import group_items
from tests.evaluation.score_columns import columns


def plan_of(path):
    table = scores.read_scores(path)
    items = scores.pool_items(table)
    return scores.file_factors(table).make_plan(items.unit, items.spoof)


@pytest.fixture
def file(tmp_path):
    def write(name, order=None, **how):
        found = columns(**how)
        if order is not None:
            found = {key: values[order] for key, values in found.items()}
        scores.write_scores(tmp_path / name, found)
        return tmp_path / name

    return write


@pytest.mark.parametrize(("frames", "speakers"), [(1, 1), (8, 1), (1, 5), (8, 5)])
def test_drawn_apart_is_drawn_together(file, frames, speakers):
    how = {"frames": frames, "speakers": speakers}
    paths = [file(f"{seed}.parquet", seed=seed, **how) for seed in (1, 2)]
    assert plan_of(paths[0]).name == ("attack" if speakers == 1 else "speaker+attack")
    apart = [draw_replicates(path, ["eer", "auc"]) for path in paths]
    (trials,) = {of.trials for found in apart for of in found.values()}
    items = [scores.pool_items(scores.read_scores(path)) for path in paths]
    met = group_items(plan_of(paths[0]), [of.unit for of in items])
    measures = {"eer": equal_error_rate, "auc": auc}
    together = compute_replicates(items, measures, met, REPLICATES, int(trials, 16)).values
    for of_system, found in zip(together, apart, strict=True):
        for values, name in zip(of_system, measures, strict=True):
            np.testing.assert_allclose(found[name].values, values, atol=1e-12)


def test_f1_sees_the_same_utterances(file):
    path = file("a.parquet", frames=8, seed=1)
    found = draw_replicates(path, ["f1", "eer"])
    assert found["f1"].trials == found["eer"].trials
    ratios = scores.count_decisions(scores.read_scores(path)).select_ratios(("f1",))
    met = group_items(plan_of(path), [ratios.unit])
    values = replicate_ratios([ratios], met, REPLICATES, int(found["f1"].trials, 16))
    np.testing.assert_array_equal(found["f1"].values, values[0, :, 0])
    assert abs(found["f1"].values.mean() - ratios.values["f1"]) < 0.01


def test_the_order_of_rows_is_nothing(file):
    shuffled = np.random.default_rng(0).permutation(320)
    one = draw_replicates(file("a.parquet", frames=8, seed=1), ["eer"])["eer"]
    other = draw_replicates(file("b.parquet", frames=8, seed=1, order=shuffled), ["eer"])["eer"]
    assert one.trials == other.trials
    np.testing.assert_array_equal(one.values, other.values)


def test_an_attack_is_held_against_all_that_is_bona_fide(file):
    found = draw_replicates(
        file("a.parquet", frames=1, seed=1), ["eer", "A07.eer", "A08-x.eer", "A07.f1"]
    )
    assert len({found[name].trials for name in ("eer", "A07.eer", "A08-x.eer")}) == 3
    assert found["A07.f1"] is NOT_DRAWN
    data = columns(frames=1, seed=1)
    kept = np.isin(data["attack"], ["", "A07"])
    alone = file("b.parquet", frames=1, seed=1, order=np.flatnonzero(kept))
    np.testing.assert_array_equal(
        found["A07.eer"].values, draw_replicates(alone, ["eer"])["eer"].values
    )


def test_other_utterances_and_other_labels_are_other_trials(file):
    usual = draw_replicates(file("a.parquet", frames=1, seed=1), ["eer"])["eer"]
    fewer = draw_replicates(file("b.parquet", frames=1, seed=1, utterances=36), ["eer"])["eer"]
    path = file("c.parquet", frames=1, seed=1)
    turned = scores.read_scores(path).to_pydict()
    turned["label"] = ["spoof", "bonafide", *turned["label"][2:]]
    scores.write_scores(path, turned)
    assert len({usual.trials, fewer.trials, draw_replicates(path, ["eer"])["eer"].trials}) == 3


def test_what_a_score_file_does_not_hold_cannot_be_drawn(file):
    path = file("a.parquet", frames=1, seed=1)
    found = draw_replicates(path, ["min_tdcf", "alaw.eer", "A07.alaw.eer", "utterance_eer"])
    assert {*map(id, found.values())} == {id(NOT_DRAWN)}


def test_speakers_and_attacks_are_drawn_whole(file):
    """Where speakers differ, a system's figure varies more than its utterances would say."""
    data = columns(frames=1, seed=1, utterances=400, speakers=10)
    hard = np.array([int(name[1:]) for name in data["speaker"]])
    data["score"] = data["logit_bonafide"] = (data["score"] + 0.3 * hard).astype(np.float32)
    path = file("a.parquet", frames=1, seed=1)
    scores.write_scores(path, data)
    by_speaker = draw_replicates(path, ["eer"])["eer"]
    scores.write_scores(path, data | {"speaker": np.full(400, ""), "attack": np.full(400, "")})
    by_utterance = draw_replicates(path, ["eer"])["eer"]
    assert by_speaker.trials != by_utterance.trials
    assert by_speaker.values.std() > 1.2 * by_utterance.values.std()


def test_other_speakers_or_attacks_are_other_draws(file):
    usual = file("a.parquet", frames=1, seed=1, speakers=4)
    known = draw_replicates(usual, ["eer"])["eer"].trials
    for column in ("speaker", "attack"):
        data = columns(frames=1, seed=1, speakers=4)
        values = data[column].copy()
        values[[2, 6]] = values[[7, 3]]
        scores.write_scores(usual, data | {column: values})
        assert draw_replicates(usual, ["eer"])["eer"].trials != known


def test_the_bona_fide_logit_is_drawn_like_the_score(file):
    path = file("a.parquet", frames=1, seed=1)
    found = draw_replicates(path, ["eer", "eer_bonafide_logit", "cllr_bonafide_logit"])
    assert len({of.trials for of in found.values()}) == 1
    # The spoof logit is 0, so that the score is the logit.
    np.testing.assert_array_equal(found["eer_bonafide_logit"].values, found["eer"].values)


def test_what_is_packed_is_unpacked(file, tmp_path):
    found = draw_replicates(file("a.parquet", frames=8, seed=1), ["eer", "f1", "cllr", "alaw.eer"])
    assert found["cllr"].mistakes is None
    for one in found.values():
        np.savez(tmp_path / "one.npz", **one.pack_arrays())
        with np.load(tmp_path / "one.npz") as arrays:
            back = unpack_arrays(arrays)
        assert back.trials == one.trials
        np.testing.assert_array_equal(back.values, one.values)
        for field, kept in zip(one.mistakes or (), back.mistakes or (), strict=True):
            np.testing.assert_array_equal(field, kept)
