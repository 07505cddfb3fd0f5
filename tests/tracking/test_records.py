"""Judged score files kept without MLflow: read as a store's, and sent to one once."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pandas as pd
import pytest

from bench.config import Config
from bench.errors import BenchError
from bench.metrics.measured import MetricResult
from bench.tracking import file_store, run_artifacts
from bench.tracking.run_record import ScoredFile
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import scored_frame, table_frame


@pytest.fixture
def scored(scored: ScoredFile):
    return replace(
        scored,
        table="cross/detection",
        system="MyDet",
        split="asvspoof2019la/eval",
        evaluation="asvspoof2019la",
        corpus="",
        cells={},
        figures={
            "asvspoof2019la.eer": MetricResult(0.0361, 0.035, 0.0372, plan="speaker+attack"),
            "asvspoof2019la.auc": MetricResult(0.9, math.nan, math.nan),
        },
    )


@pytest.fixture
def own(config: Config):
    return file_store.FileStore(config)


@pytest.fixture
def verdict(tmp_path):
    path = tmp_path / "verdict.json"
    path.write_text("{}")
    return path


def test_a_record_is_read_as_a_stores_run_is(own, store: Store, scored: ScoredFile, verdict):
    run_id = own.keep_scored_file(scored, {"": [verdict]})
    store.keep_scored_file(scored, {"": [verdict]})
    ours, mlflows = (scored_frame(of, "cross/detection", "paper") for of in (own, store))
    assert ours["run_id"].tolist() == [run_id]
    unequal = ["run_id", "ended"]
    pd.testing.assert_frame_equal(ours.drop(columns=unequal), mlflows.drop(columns=unequal))
    assert table_frame(own, "cross/detection", "paper").empty
    assert scored_frame(own, "cross/detection", "smoke").empty
    assert scored_frame(own, "sal/table4", "paper").empty


def test_what_is_kept_with_a_record_is_found_as_a_runs_files_are(
    own, config: Config, scored: ScoredFile, verdict, tmp_path
):
    scores = tmp_path / "scores.parquet"
    scores.write_bytes(b"scores")
    files = {"": [verdict], "scores/asvspoof2019la": [scores]}
    run_id = own.keep_scored_file(scored, files)
    with run_artifacts.open_score_file(own, run_id, "asvspoof2019la") as found:
        assert found is not None
        assert found.read_bytes() == b"scores"
    with run_artifacts.open_score_file(own, run_id, "had") as found:
        assert found is None
    (record,) = file_store.read_records(file_store.records_folder(config))
    assert {folder: [of.name for of in paths] for folder, paths in record.files.items()} == {
        folder: [of.name for of in paths] for folder, paths in files.items()
    }


def test_the_same_file_judged_alike_is_one_record(own, scored: ScoredFile, verdict):
    first = own.keep_scored_file(scored, {"": [verdict]})
    assert own.keep_scored_file(scored, {"": [verdict]}) == first
    assert own.keep_scored_file(replace(scored, digest="other"), {"": [verdict]}) != first
    assert len(scored_frame(own, "cross/detection", "paper")) == 2


def test_one_that_cannot_be_kept_whole_is_not_there(own, scored: ScoredFile, tmp_path):
    with pytest.raises(OSError, match=r"gone\.json"):
        own.keep_scored_file(scored, {"": [tmp_path / "gone.json"]})
    assert scored_frame(own, "cross/detection", "paper").empty


@pytest.mark.parametrize("how", ["synchronise", "scored"])
def test_a_store_takes_records_in_once(
    own, store: Store, config: Config, scored: ScoredFile, verdict, how
):
    own.keep_scored_file(scored, {"": [verdict]})
    assert store.waiting_names() == ["cross/detection: MyDet, asvspoof2019la/eval"]
    if how == "synchronise":
        assert [of.state for of in store.send_waiting()] == ["sent"]
        assert store.send_waiting() == []
    found = scored_frame(store, "cross/detection", "paper")
    assert found["system"].tolist() == ["MyDet"]
    assert [of.path for of in store.client.list_artifacts(found["run_id"][0])] == ["verdict.json"]
    assert store.waiting_names() == []
    assert [*store.page_addresses()] == ["cross/detection"]
    assert not [*file_store.records_folder(config).iterdir()]


def test_a_record_that_is_sent_keeps_its_time(
    own, store: Store, config: Config, scored: ScoredFile, verdict
):
    own.keep_scored_file(scored, {"": [verdict]})
    (record,) = file_store.read_records(file_store.records_folder(config))
    store.keep_scored_file(replace(scored, digest="judged later"), {"": [verdict]})
    store.send_waiting()
    found = scored_frame(store, "cross/detection", "paper")
    assert found["scores"].tolist() == ["feedbeef", "judged later"]
    assert found["ended"][0] == pd.Timestamp(record.judged_ms, unit="ms", tz="UTC")


def test_a_record_of_what_the_store_has_is_not_kept_twice(
    own, store: Store, scored: ScoredFile, verdict
):
    store.keep_scored_file(scored, {"": [verdict]})
    own.keep_scored_file(scored, {"": [verdict]})
    assert len(scored_frame(store, "cross/detection", "paper")) == 1


def test_a_store_that_cannot_be_written_is_read_without_them(
    own, store: Store, scored: ScoredFile, verdict, capsys
):
    own.keep_scored_file(scored, {"": [verdict]})

    def refuse(*_):
        raise BenchError("file.unwritable", "cannot be written")

    store._take_records = refuse
    assert scored_frame(store, "cross/detection", "paper").empty
    said = capsys.readouterr().err
    assert said == "1 evaluated score files wait for `bench sync`: cannot be written\n"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"judged_ms": 1, "entry": {"table": 1}}'])
def test_a_record_that_is_none_is_named(own, config: Config, scored: ScoredFile, verdict, text):
    place = (
        file_store.records_folder(config)
        / own.keep_scored_file(scored, {"": [verdict]})
        / "record.json"
    )
    place.write_text(text)
    with raises_code("tracking.bad-record") as raised:
        scored_frame(own, "cross/detection", "paper")
    assert str(place) in str(raised.value)


def test_what_was_judged_is_said_in_full(own, config: Config, scored: ScoredFile, verdict):
    run_id = own.keep_scored_file(scored, {"": [verdict]})
    content = json.loads((file_store.records_folder(config) / run_id / "record.json").read_text())
    assert content["entry"]["settings"] == dict(scored.settings)
