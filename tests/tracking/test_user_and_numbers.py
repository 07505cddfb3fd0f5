"""What MLflow's pages show of a run: whose it is, and the paper's number beside ours, rounded."""

from __future__ import annotations

import getpass
import json
import zlib
from base64 import b64decode
from dataclasses import replace

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.tracking import mlflow_views, ui_server
from bench.tracking.mlflow_store import MEANT_FOR, USER, user_name
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.tracking.outbox import run_row, sent

FIGURES = {"partialspoof.eer": MetricResult(0.036123456, 0.0350, 0.0372)}


@pytest.mark.parametrize("error", [KeyError, OSError, ImportError])
def test_a_user_whom_the_system_does_not_know_has_a_number(error, monkeypatch):
    def refuse():
        raise error("no such user")

    monkeypatch.setattr(getpass, "getuser", refuse)
    monkeypatch.setattr("os.getuid", lambda: 4711)
    assert user_name() == "user 4711"


def test_every_kind_of_run_says_whose_it_is(store: Store, entry: RunRecord, monkeypatch):
    monkeypatch.setattr("bench.tracking.mlflow_store.user_name", lambda: "alice")
    for kind in ("row", "stage", "trial"):
        with store.begin_run(replace(entry, kind=kind)) as tracked:
            tracked.finish_run({})
    study = store.ensure_run(entry.table, "study", {"kind": "study", "study": "s"}, {})
    runs = store.search_runs(entry.table, {})
    assert study in {run.info.run_id for run in runs}
    assert [run.data.tags[USER] for run in runs] == ["alice"] * 4


def test_what_is_sent_is_its_makers_and_not_the_senders(
    away: Store, back: Store, entry: RunRecord, tmp_path, monkeypatch
):
    monkeypatch.setattr("bench.tracking.mlflow_store.user_name", lambda: "alice")
    run_row(away, entry, tmp_path / "a.txt")
    (waiting,) = away.search_runs(entry.table, entry.identity)
    assert waiting.data.tags[MEANT_FOR] == away.uri
    monkeypatch.setattr("bench.tracking.mlflow_store.user_name", lambda: "bob")
    sent(away, back)
    (run,) = back.search_runs(entry.table, entry.identity)
    assert run.data.tags[USER] == "alice"
    assert MEANT_FOR not in run.data.tags


def test_a_store_gets_nothing_that_was_recorded_for_another(
    away: Store, entry: RunRecord, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    config = replace(away._config, tracking=None)
    other = type(away)(config)
    (refused,) = other.send_waiting()
    assert not refused.is_whole
    assert f"recorded for {away.uri}, and {other.uri} is configured" in refused.state
    with other.begin_run(entry) as tracked:  # which sends what waits for it
        tracked.finish_run(FIGURES)
    assert other.waiting_names(), "it still waits for its own store"
    assert [of.is_whole for of in other.send_waiting(elsewhere=True)] == [True]
    assert other.waiting_names() == []


def test_a_password_is_in_no_record(config: Config, entry: RunRecord, tmp_path):
    uri = "postgresql://bob:s3cr3t@127.0.0.1:9/d"
    store = Store(replace(config, tracking=uri), lambda text: None)
    run_row(store, entry, tmp_path / "a.txt")
    (run,) = store.search_runs(entry.table, entry.identity)
    assert run.data.tags[MEANT_FOR] == "postgresql://bob:***@127.0.0.1:9/d"
    assert b"s3cr3t" not in (config.work / "outbox.db").read_bytes()


def test_the_view_has_the_papers_number_beside_ours_rounded(store: Store, entry: RunRecord):
    table = table_cards.read_table("sal/table4")
    store.present_table(table)
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    (run,) = store.search_runs(entry.table, entry.identity)
    assert run.data.tags["partialspoof.eer paper"] == "3.50"
    assert run.data.tags["partialspoof.eer ours"] == "3.61"
    tags = mlflow_views.experiment_tags(table, "1")
    packed = json.loads(tags["mlflow.sharedViewState.paper"])["state"]
    state = json.loads(zlib.decompress(b64decode(packed.removeprefix("deflate;"))))
    first = state["columnOrder"].index("tags.`partialspoof.eer paper`")
    assert state["columnOrder"][first + 1] == "tags.`partialspoof.eer ours`"
    for column in state["selectedColumns"]:
        kind, _, name = column.partition(".")
        assert kind == "tags" or name == "`hours`", "MLflow prints all digits of a metric"


def test_runs_of_an_earlier_version_get_what_the_view_shows(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    for name in ("paper", "ours"):
        store.client.delete_tag(tracked.run_id, f"partialspoof.eer {name}")
    ui_server.present_tables(store)
    tags = store.client.get_run(tracked.run_id).data.tags
    assert tags["partialspoof.eer paper"] == "3.50"
    assert tags["partialspoof.eer ours"] == "3.61"
