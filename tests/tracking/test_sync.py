"""A tracking server that is away: nothing is lost, and all of it is sent on, once."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from bench.config import Config
from bench.jobs import process
from bench.tracking import client as mlflow_client
from bench.tracking.run_record import RunRecord, ScoredFile
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import scored_frame, table_frame
from tests.tracking.outbox import FIGURES, everything, run_row, sent


@pytest.mark.rows
def test_a_run_goes_on_where_no_server_listens_and_is_known_there(
    away: Store, entry: RunRecord, said, tmp_path
):
    assert not away.find_finished(entry)
    run_row(away, entry, tmp_path / "a.txt")
    assert away.find_finished(entry)
    assert away.waiting_names() == ["sal/table4: S5 · seed 666"]
    assert "does not answer" in said[0]
    assert "bench sync" in said[0]
    with raises_code("row.already-finished"):
        away.begin_run(entry)
    with raises_code("tracking.no-answer"):
        table_frame(away, "sal/table4", "paper")
    with raises_code("tracking.no-answer"):
        away.send_waiting()


@pytest.mark.rows
def test_a_run_is_sent_whole_and_once(away: Store, back: Store, entry: RunRecord, tmp_path):
    run_row(away, entry, tmp_path / "a.txt")
    (before,) = everything(away, entry)
    assert sent(away, back) == [("sal/table4: S5 · seed 666", "sent", True)]
    (after,) = everything(back, entry)
    skipped = {"process", "mlflow.runName", "meant_for"}
    for kept, now in zip(before, after, strict=True):
        if isinstance(kept, dict):
            kept = {key: value for key, value in kept.items() if key not in skipped}
            now = {key: value for key, value in now.items() if key not in skipped}
        assert kept == now
    assert away.waiting_names() == []
    assert not list((away._config.work / "outbox").rglob("a.txt")), "no room is taken twice"
    assert sent(away, back) == []
    assert everything(back, entry) == [after]
    assert len(table_frame(back, "sal/table4", "paper")) == 1


@pytest.mark.slow
def test_a_sending_that_is_killed_anywhere_goes_on(
    away: Store, back: Store, entry: RunRecord, tmp_path, monkeypatch
):
    run_row(away, entry, tmp_path / "a.txt")
    (whole,) = everything(away, entry)

    class Killed(BaseException):
        pass

    calls = 0
    for name in ("log_batch", "log_inputs", "log_artifact", "set_terminated"):
        real = getattr(back.client, name)

        def killed(*given, real=real, **more):
            nonlocal calls
            calls += 1
            if calls in stops:
                raise Killed
            return real(*given, **more)

        monkeypatch.setattr(back.client, name, killed)
    stops = set(range(1, 200, 3))
    for _ in range(100):
        try:
            sent(away, back)
            break
        except Killed:
            assert away.waiting_names()
    (after,) = everything(back, entry)
    assert after[3] == whole[3], "every point of every curve, once"
    assert after[4:] == whole[4:]
    assert after[0] == whole[0]


@pytest.mark.rows
def test_a_run_begun_before_the_server_went_away_stays_one(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    begun = back.begin_run(entry)
    begun.log_epoch({"train.loss": 0.9}, 0)
    begun._monitor.finish()
    gone = replace(process.this_process(), pid=2**22 + 1, started="1")
    back.client.set_tag(begun.run_id, "process", str(gone))
    run_row(away, replace(entry, commit="80d8f57"), tmp_path / "a.txt")
    sent(away, back)
    ((info, _, tags, history, _, _),) = everything(back, entry)
    assert info[1] == "FINISHED"
    assert [point[:2] for point in history["train.loss"]] == [(0, 0.9), (1, 0.7), (2, 0.5)]
    assert tags["commit"] == "18096a9, 80d8f57"


@pytest.mark.rows
def test_a_run_that_is_still_recorded_is_left_to_its_process(
    away: Store, back: Store, entry: RunRecord
):
    with away.begin_run(entry) as tracked:
        assert [of.state for of in sent(away, back)] == ["still running"]
        tracked.finish_run(FIGURES)
    assert [of.state for of in sent(away, back)] == ["sent"]


@pytest.mark.rows
def test_a_run_whose_process_died_is_sent_as_failed_and_goes_on_there(
    away: Store, back: Store, entry: RunRecord
):
    tracked = away.begin_run(entry)
    tracked.log_epoch({"train.loss": 0.9}, 1)
    tracked._monitor.finish()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = replace(process.this_process(), pid=child.pid)
    away.client.set_tag(tracked.run_id, "process", str(dead))
    sent(away, back)
    (run,) = back.search_runs(entry.table, entry.identity)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].endswith("died")
    with back.begin_run(entry) as again:
        assert again.begun_before
        again.log_epoch({"train.loss": 0.9}, 1)
        again.finish_run(FIGURES)
    points = back.client.get_metric_history(run.info.run_id, "train.loss")
    assert [point.step for point in points] == [1]


@pytest.mark.rows
def test_parts_keep_their_parents(away: Store, back: Store, entry: RunRecord, tmp_path):
    outer = away.begin_run(entry)
    stage = replace(entry, kind="stage", parent=outer.run_id)
    run_row(away, stage, tmp_path / "a.txt")
    begun_there = replace(entry, kind="stage", seed=7, parent=outer.run_id)
    run_row(back, begun_there, tmp_path / "a.txt")
    outer.finish_run(FIGURES)
    sent(away, back)
    (row,) = back.search_runs(entry.table, entry.identity)
    for part in (stage, begun_there):
        (run,) = back.search_runs(entry.table, part.identity)
        assert run.data.tags["mlflow.parentRunId"] == row.info.run_id


@pytest.mark.rows
def test_judged_score_files_and_how_tables_are_shown_are_sent(
    away: Store, back: Store, scored: ScoredFile
):
    from bench.cards import table_cards

    away.present_table(table_cards.read_table("sal/table4"))
    away.keep_scored_file(scored, {})
    sent(away, back)
    assert scored_frame(back, "sal/table4", "paper")["system"].tolist() == ["BAM"]
    assert list(back.page_addresses()) == ["sal/table4"]


def test_errors_that_a_server_means_are_no_absence():
    from mlflow.exceptions import MlflowException, RestException

    assert mlflow_client.is_unreachable(MlflowException("API request failed with exception"))
    assert mlflow_client.is_unreachable(RestException({"error_code": "TEMPORARILY_UNAVAILABLE"}))
    refused = RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "no"})
    assert not mlflow_client.is_unreachable(refused)
    assert not mlflow_client.is_unreachable(ValueError())


@pytest.mark.slow
def test_a_server_that_goes_away_in_the_middle_and_comes_back(
    server, config: Config, entry: RunRecord, tmp_path, monkeypatch, said
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    own = replace(config, tracking=server.uri)
    (tmp_path / "a.txt").write_text("a")
    server.start()
    store = Store(own, said.append)
    with store.begin_run(entry) as tracked:
        tracked.log_epoch({"train.loss": 0.9}, 1)
        server.stop()
        tracked.log_epoch({"train.loss": 0.8}, 2)
        tracked.log_epoch({"train.loss": 0.7}, 3)
        tracked.add_artifact(tmp_path / "a.txt", "folder")
        server.start()
        tracked.log_epoch({"train.loss": 0.6}, 4)
        tracked.finish_run(FIGURES)
    assert len(said) == 1
    assert store.find_finished(entry), "though the server has not got it yet"
    other = replace(entry, seed=777)
    with store.begin_run(other) as tracked:
        tracked.finish_run(FIGURES)
    assert table_frame(store, "sal/table4", "paper").set_index("seed")["status"].to_dict() == {
        666: "RUNNING",
        777: "FINISHED",
    }
    assert [of.state for of in store.send_waiting()] == ["sent"]
    assert store.send_waiting() == []
    frame = table_frame(store, "sal/table4", "paper").set_index("seed")
    assert frame["status"].tolist() == ["FINISHED", "FINISHED"]
    (run,) = store.search_runs(entry.table, entry.identity)
    points = store.client.get_metric_history(run.info.run_id, "train.loss")
    curve = [(point.step, point.value) for point in points]
    assert curve == [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)]
    assert list((tmp_path / "taken").rglob("a.txt"))
    # Begun while it was away and stopped: goes on at the server, in one run.
    third = replace(entry, seed=888)
    server.stop()
    begun = store.begin_run(third)
    begun.log_epoch({"train.loss": 0.9}, 1)
    begun.__exit__(RuntimeError, RuntimeError("power"), None)
    server.start()
    with store.begin_run(third) as tracked:
        assert tracked.begun_before
        tracked.log_epoch({"train.loss": 0.9}, 1)
        tracked.log_epoch({"train.loss": 0.8}, 2)
        tracked.finish_run(FIGURES)
    (run,) = store.search_runs(third.table, third.identity)
    points = store.client.get_metric_history(run.info.run_id, "train.loss")
    assert [point.step for point in points] == [1, 2]
    assert store.waiting_names() == []
