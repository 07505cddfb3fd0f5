"""Score files: what is written is read, what is wrong is named, figures come from them alone."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import f1_score

from bench.errors import BenchError
from bench.evaluation import score_file as scorefile
from bench.evaluation.row_evaluation import evaluate_file
from bench.metrics.bootstrap import compute_intervals
from bench.metrics.det import eer_by_class, equal_error_rate
from bench.metrics.items import Items
from tests.errors import raises_code


def made(n_utterances=40, seed=0):
    """Scores of made utterances of five frames; the first half is bona fide throughout."""
    rng = np.random.default_rng(seed)
    utterance = np.repeat(np.arange(n_utterances), 5)
    is_spoof = (utterance >= n_utterances // 2) & (rng.random(len(utterance)) < 0.6)
    is_spoof[-1] = True
    bonafide = (rng.normal(size=len(utterance)) - is_spoof).astype(np.float32)
    spoof = rng.normal(size=len(utterance)).astype(np.float32)
    start = np.tile(np.arange(5) * 0.16, n_utterances)
    return {
        "utterance": np.array([f"u{i}" for i in utterance]),
        "speaker": np.array(["s1"] * len(utterance)),
        "attack": np.where(is_spoof, "A07", ""),
        "start_s": start,
        "end_s": start + 0.16,
        "label": np.where(is_spoof, "spoof", "bonafide"),
        "score": bonafide - spoof,
        "logit_bonafide": bonafide,
        "logit_spoof": spoof,
    }


def test_what_is_written_is_read(tmp_path):
    columns = made()
    path = tmp_path / "deep" / "scores.parquet"
    scorefile.write_scores(path, columns)
    table = scorefile.read_scores(path)
    assert {name: table.schema.field(name).type for name in table.column_names} == scorefile.COLUMNS
    for name, values in columns.items():
        assert table[name].to_pylist() == values.tolist(), name
    assert [file.name for file in path.parent.iterdir()] == ["scores.parquet"]


def test_tables_in_chunks_with_their_own_dictionaries_are_one_file(tmp_path):
    columns = made()
    halves = []
    for part in (slice(0, 100), slice(100, None)):
        scorefile.write_scores(tmp_path / "half.parquet", {k: v[part] for k, v in columns.items()})
        halves.append(scorefile.read_scores(tmp_path / "half.parquet"))
    scorefile.write_scores(tmp_path / "s.parquet", pa.concat_tables(halves))
    scorefile.write_scores(tmp_path / "t.parquet", columns)
    one, other = (evaluate_file(tmp_path / name, 20) for name in ("s.parquet", "t.parquet"))
    assert one == other


def test_a_write_that_dies_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "scores.parquet"
    scorefile.write_scores(path, made(seed=1))
    before = path.read_bytes()
    full = patch.object(pq, "write_table", side_effect=OSError("No space left on device"))
    with full, pytest.raises(OSError, match="No space"):
        scorefile.write_scores(path, made(seed=2))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def changed(**columns):
    return {**made(), **columns}


def at(name, index, value):
    column = made()[name].astype(object)
    column[index] = value
    return changed(**{name: pa.array(column)})


def test_what_is_wrong_is_named_on_writing_and_on_reading(tmp_path_factory, subtests):
    cases = [
        ({k: v for k, v in made().items() if k != "label"}, "label: the column is missing"),
        ({k: v for k, v in made().items() if k != "logit_spoof"}, "logit_spoof: .* missing"),
        (changed(scores=made()["score"]), "scores: no such column; did you mean 'score'"),
        (at("score", 3, float("nan")), r"score: row 3 is nan \(1 of 200 are not finite"),
        (at("logit_spoof", 7, float("inf")), "logit_spoof: row 7 is inf"),
        (at("label", 5, "bona-fide"), "'bona-fide' is no class; did you mean 'bonafide'"),
        (at("utterance", 5, None), "utterance: 1 of 200 cells are empty"),
        (changed(score=np.array(["high"] * 200)), "score: is string, should be float"),
        (at("end_s", 6, 0.1), "row 6: a frame of 'u1' starts at 0.16 s and ends at 0.1 s"),
        (at("start_s", 6, 0.0), r"'u1' has two rows for the frame at 0.0 s \(1 such\)"),
        ({k: v[:0] for k, v in made().items()}, "there is no row"),
    ]
    for columns, message in cases:
        with subtests.test(message=message):
            tmp_path = tmp_path_factory.mktemp("case")
            path = tmp_path / "scores.parquet"
            with pytest.raises(BenchError, match=message):
                scorefile.write_scores(path, columns)
            assert not list(tmp_path.iterdir())
            pq.write_table(pa.table(columns), path)
            with pytest.raises(BenchError, match=message) as error:
                scorefile.read_scores(path)
            assert str(path) in str(error.value)


def test_files_that_are_none_are_named(tmp_path):
    with pytest.raises(BenchError, match=r"scores\.parquet: there is no such score file"):
        scorefile.read_scores(tmp_path / "scores.parquet")
    (tmp_path / "scores.parquet").write_text("utterance,score\n")
    with raises_code("scores.malformed"):
        scorefile.read_scores(tmp_path / "scores.parquet")


def test_figures_are_those_of_the_metrics(tmp_path):
    columns = made()
    path = tmp_path / "scores.parquet"
    scorefile.write_scores(path, columns)
    found = evaluate_file(path, replicates=50, seed=3)
    spoof = columns["label"] == "spoof"
    score = columns["score"]
    named = {"eer", "f1", "f1_spoof", "eer_bonafide_logit", "utterance_eer"}
    assert set(found) == {*named, "event_f1", "range_eer", "eer_320ms", "eer_640ms"}
    assert found["range_eer"].value == found["eer"].value, "by the file's labels, of equal frames"
    assert found["eer"].value == eer_by_class(score[~spoof], score[spoof]).eer
    # In the order of the utterances' names, in which the file's codes are.
    _, unit = np.unique(columns["utterance"], return_inverse=True)
    items = Items(score.astype(float), 1.0 - spoof, 1.0 * spoof, unit)
    bounds = compute_intervals(items, {"eer": equal_error_rate}, None, 50, 3)["eer"]
    assert (found["eer"].low, found["eer"].high) == bounds[:2]
    assert found["f1"].value == pytest.approx(f1_score(~spoof, score > 0))
    assert found["f1_spoof"].value == pytest.approx(f1_score(spoof, score <= 0))
    logit = columns["logit_bonafide"]
    assert found["eer_bonafide_logit"].value == eer_by_class(logit[~spoof], logit[spoof]).eer
    lowest = score.reshape(-1, 5).min(axis=1)
    any_spoof = spoof.reshape(-1, 5).any(axis=1)
    assert found["utterance_eer"].value == eer_by_class(lowest[~any_spoof], lowest[any_spoof]).eer
    for figure in found.values():
        assert 0 <= figure.low <= figure.value <= figure.high <= 1
    assert evaluate_file(scorefile.read_scores(path), replicates=50, seed=3) == found


def test_the_order_of_rows_does_not_matter(tmp_path):
    columns = made()
    order = np.random.default_rng(5).permutation(200)
    scorefile.write_scores(tmp_path / "a.parquet", columns)
    scorefile.write_scores(tmp_path / "b.parquet", {k: v[order] for k, v in columns.items()})
    one, other = (evaluate_file(tmp_path / name, 20) for name in ("a.parquet", "b.parquet"))
    assert one == other


def test_without_logits_the_score_decides(tmp_path):
    columns = {k: v for k, v in made().items() if not k.startswith("logit")}
    scorefile.write_scores(tmp_path / "scores.parquet", columns)
    found = evaluate_file(tmp_path / "scores.parquet", 20)
    assert "eer_bonafide_logit" not in found
    expected = f1_score(columns["label"] == "bonafide", columns["score"] > 0)
    assert found["f1"].value == pytest.approx(expected)


def test_the_larger_logit_decides_even_where_one_logit_is_the_score(tmp_path):
    columns = made()
    scorefile.write_scores(tmp_path / "a.parquet", columns)
    scorefile.write_scores(tmp_path / "b.parquet", {**columns, "score": columns["logit_bonafide"]})
    one, other = (evaluate_file(tmp_path / name, 20) for name in ("a.parquet", "b.parquet"))
    assert other["f1"] == one["f1"]
    assert other["eer"] == one["eer_bonafide_logit"]


def test_no_utterance_eer_where_every_utterance_has_spoof_frames(tmp_path):
    columns = made()
    columns["label"] = np.where(np.arange(200) % 5 == 0, "spoof", columns["label"])
    scorefile.write_scores(tmp_path / "scores.parquet", columns)
    assert "utterance_eer" not in evaluate_file(tmp_path / "scores.parquet", 20)


def test_one_class_has_no_figures(tmp_path):
    scorefile.write_scores(tmp_path / "scores.parquet", changed(label=np.array(["spoof"] * 200)))
    with raises_code("metric.one-class"):
        evaluate_file(tmp_path / "scores.parquet")


def test_a_resolution_at_which_a_class_has_no_frame_has_no_eer(tmp_path):
    columns = made(2)
    columns["label"] = np.tile(["spoof", "bonafide", "spoof", "bonafide", "spoof"], 2)
    scorefile.write_scores(tmp_path / "scores.parquet", columns)
    found = evaluate_file(tmp_path / "scores.parquet", 5)
    assert "eer" in found
    assert "eer_320ms" not in found
