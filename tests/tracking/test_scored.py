"""Judged score files of other systems: kept beside a table's own runs, told apart from them."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest

from bench.metrics.measured import MetricResult
from bench.tracking import run_files
from bench.tracking.run_record import RunRecord, ScoredFile
from bench.tracking.scored_record import ScoredRecord, record_of_file
from bench.tracking.scored_runs import REPLACED
from bench.tracking.store import Store
from tests.tracked_frames import scored_frame, table_frame


@pytest.mark.rows
def test_a_judged_file_stands_beside_the_tables_runs_and_not_among_them(
    store: Store, entry: RunRecord, scored: ScoredFile, tmp_path
):
    with store.begin_run(entry) as tracked:
        tracked.finish_run({"partialspoof.eer": MetricResult(0.035, 0.03, 0.04)})
    (tmp_path / "verdict.json").write_text("{}")
    (tmp_path / "s").write_text("a 1")
    run_id = store.keep_scored_file(
        scored, {"": [tmp_path / "verdict.json"], "scores/a": [tmp_path / "s"]}
    )
    assert table_frame(store, "sal/table4", "paper")["row"].tolist() == ["S5"]
    (kept,) = store.scored_records("sal/table4", "paper")
    assert (kept.system, kept.missing, kept.status) == ("BAM", 3, "FINISHED")
    assert kept.figures["partialspoof.eer"] == pytest.approx(3.61)
    run = store.client.get_run(run_id)
    assert run.data.tags["kind"] == "scored"
    assert "Scored, not trained here" in run.data.tags["mlflow.note.content"]
    assert sorted(dict(run_files.list_artifact_files(store.client, run_id))) == [
        "scores/a/s",
        "verdict.json",
    ]


@pytest.mark.rows
def test_the_same_file_judged_alike_is_kept_once(store: Store, scored: ScoredFile):
    first = store.keep_scored_file(scored, {})
    assert store.keep_scored_file(scored, {}) == first
    assert store.keep_scored_file(replace(scored, digest="other"), {}) != first
    assert store.keep_scored_file(replace(scored, settings={"missing": "0"}), {}) != first


def test_one_that_failed_half_way_is_kept_anew(store: Store, scored: ScoredFile, tmp_path):
    with pytest.raises(OSError, match=r"gone\.json"):
        store.keep_scored_file(scored, {"": [tmp_path / "gone.json"]})
    run_id = store.keep_scored_file(scored, {})
    states = scored_frame(store, "sal/table4", "paper").set_index("run_id")["status"]
    assert sorted(states) == ["FAILED", "FINISHED"]
    assert states[run_id] == "FINISHED"


def test_a_table_without_any_has_none(store: Store):
    assert scored_frame(store, "sal/table4", "paper").empty


def test_a_figure_without_an_interval_has_a_dash(store: Store, scored: ScoredFile):
    alone = replace(
        scored, figures={"inthewild.eer": MetricResult(0.2, float("nan"), float("nan"))}
    )
    run = store.client.get_run(store.keep_scored_file(alone, {}))
    assert "| inthewild.eer | 20.00 % | – |" in run.data.tags["mlflow.note.content"]


def other(scored: ScoredFile, evaluation, value, **changes):
    """The entry of the same system on another corpus, or of another file."""
    figures = {f"{evaluation}.eer": MetricResult(value, value - 0.01, value + 0.01)}
    changes = {"split": f"{evaluation}/eval", "digest": f"{value}", **changes}
    return replace(scored, evaluation=evaluation, corpus=evaluation, figures=figures, **changes)


def system_runs(store: Store):
    return store.search_runs("sal/table4", {"kind": "system"})


def test_a_system_on_several_corpora_is_one_run_with_a_part_for_each(
    store: Store, scored: ScoredFile
):
    parts = [store.keep_scored_file(other(scored, name, 0.1), {}) for name in ("had", "inthewild")]
    (system,) = system_runs(store)
    assert system.info.run_name == "BAM · scored"
    assert system.info.status == "FINISHED"
    assert system.data.tags["System"] == "BAM"
    assert system.data.metrics["had.eer"] == system.data.metrics["inthewild.eer"] == 10
    for part, name in zip(parts, ("had", "inthewild"), strict=True):
        run = store.client.get_run(part)
        assert run.data.tags["mlflow.parentRunId"] == system.info.run_id
        assert run.info.run_name == f"BAM · {name}"


def test_the_file_that_was_judged_last_stands_and_the_earlier_is_kept(
    store: Store, scored: ScoredFile
):
    first, second = other(scored, "had", 0.1), other(scored, "had", 0.2)
    ids = [store.keep_scored_file(of, {}) for of in (first, second)]

    def stands():
        (system,) = system_runs(store)
        tags = [store.client.get_run(of).data.tags.get(REPLACED) for of in ids]
        latest = scored_frame(store, "sal/table4", "paper")["run_id"].tolist()[-1]
        return system.data.metrics["had.eer"], tags, latest

    assert stands() == (20, [ids[1], None], ids[1])
    assert store.keep_scored_file(first, {}) == ids[0]
    assert stands() == (10, [None, ids[0]], ids[0])


def test_a_figure_that_no_file_has_any_more_is_none_of_the_systems(
    store: Store, scored: ScoredFile
):
    more = {"had.cllr": MetricResult(0.5, 0.4, 0.6), **other(scored, "had", 0.1).figures}
    store.keep_scored_file(replace(other(scored, "had", 0.1), figures=more), {})
    store.keep_scored_file(other(scored, "had", 0.2), {})
    (system,) = system_runs(store)
    assert math.isnan(system.data.metrics["had.cllr"])


def test_a_run_of_before_systems_were_rows_is_read(store: Store, scored: ScoredFile):
    """It names no evaluation, no way of reading, and is part of nothing."""
    run_id = store.keep_scored_file(scored, {})
    for name in ("evaluation", "mlflow.parentRunId"):
        store.client.delete_tag(run_id, name)
    (kept,) = scored_frame(store, "sal/table4", "paper").to_dict("records")
    assert (kept["evaluation"], kept["reading"]) == ("partialspoof", "{}")


def test_what_is_kept_is_what_a_store_without_mlflow_can_write(store: Store, scored: ScoredFile):
    record = record_of_file(scored, store.keep_scored_file(scored, {}), 1_764_000_000_000)
    again = ScoredRecord(**json.loads(json.dumps(asdict(record))))
    (kept,) = store.scored_records("sal/table4", "paper")
    assert again == replace(kept, ended_ms=record.ended_ms)


@pytest.mark.rows
def test_parts_that_waited_in_the_outbox_join_their_system(
    away: Store, back: Store, scored: ScoredFile
):
    back.keep_scored_file(other(scored, "had", 0.1), {})
    away.keep_scored_file(other(scored, "inthewild", 0.2), {})
    away._access.send_to(back._access.store, elsewhere=True)
    (system,) = system_runs(back)
    assert {name: system.data.metrics[f"{name}.eer"] for name in ("had", "inthewild")} == {
        "had": 10,
        "inthewild": 20,
    }
    for run in back.search_runs("sal/table4", {"kind": "scored"}):
        assert run.data.tags["mlflow.parentRunId"] == system.info.run_id
