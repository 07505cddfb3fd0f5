"""Judged score files of other systems: kept beside a table's own runs, told apart from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.metrics.scores import Figure
from bench.tracking.entry import ScoredEntry
from bench.tracking.frame import SCORED


@pytest.fixture
def scored():
    return ScoredEntry(
        table="sal/table4",
        system="BAM",
        form="paper",
        split="partialspoof/eval",
        fingerprint="0123456789abcdef",
        digest="feedbeef",
        commit="18096a9",
        settings={"columns": "id 1, score 2", "missing": "3"},
        figures={"partialspoof.eer": Figure(0.0361, 0.035, 0.0372)},
    )


def test_a_judged_file_stands_beside_the_tables_runs_and_not_among_them(
    store, entry, scored, tmp_path
):
    with store.begin(entry) as tracked:
        tracked.finish({"partialspoof.eer": Figure(0.035, 0.03, 0.04)})
    (tmp_path / "verdict.json").write_text("{}")
    run_id = store.keep_scored(scored, [tmp_path / "verdict.json"])
    assert store.frame("sal/table4", "paper")["row"].tolist() == ["S5"]
    found = store.scored("sal/table4", "paper")
    assert tuple(found.columns[: len(SCORED)]) == SCORED
    (kept,) = found.to_dict("records")
    assert kept["system"] == "BAM"
    assert kept["missing"] == 3
    assert kept["status"] == "FINISHED"
    assert kept["partialspoof.eer"] == pytest.approx(3.61)
    run = store.client.get_run(run_id)
    assert run.data.tags["kind"] == "scored"
    assert "Scored, not trained here" in run.data.tags["mlflow.note.content"]
    assert [file.path for file in store.client.list_artifacts(run_id)] == ["verdict.json"]


def test_the_same_file_judged_alike_is_kept_once(store, scored):
    first = store.keep_scored(scored, [])
    assert store.keep_scored(scored, []) == first
    assert store.keep_scored(replace(scored, digest="other"), []) != first
    assert store.keep_scored(replace(scored, settings={"missing": "0"}), []) != first


def test_one_that_failed_half_way_is_kept_anew(store, scored, tmp_path):
    with pytest.raises(OSError, match=r"gone\.json"):
        store.keep_scored(scored, [tmp_path / "gone.json"])
    run_id = store.keep_scored(scored, [])
    states = store.scored("sal/table4", "paper").set_index("run_id")["status"]
    assert sorted(states) == ["FAILED", "FINISHED"]
    assert states[run_id] == "FINISHED"


def test_a_table_without_any_has_none(store):
    assert store.scored("sal/table4", "paper").empty


def test_a_figure_without_an_interval_has_a_dash(store, scored):
    alone = replace(scored, figures={"inthewild.eer": Figure(0.2, float("nan"), float("nan"))})
    run = store.client.get_run(store.keep_scored(alone, []))
    assert "| inthewild.eer | 20.00 % | – |" in run.data.tags["mlflow.note.content"]
