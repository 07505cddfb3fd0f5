"""A tracking server that is away: nothing is lost, and all of it is sent on, once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils

from bench.errors import BenchError
from bench.metrics.scores import Figure
from bench.tracking import client as mlflow_client
from bench.tracking import files, process, sync
from bench.tracking.entry import DatasetUse, ScoredEntry
from bench.tracking.store import Store
from tests.tracking.serving import Server, free_port

FIGURES = {"partialspoof.eer": Figure(0.0361, 0.0350, 0.0372)}


@pytest.fixture
def said():
    return []


@pytest.fixture
def away(config, empty_database, said):
    """A store on a port where nothing listens, its outbox made already: that takes seconds."""
    shutil.copy(empty_database, config.work / "outbox.db")
    uri = f"http://127.0.0.1:{free_port()}"
    return Store(replace(config, tracking=uri), said.append)


@pytest.fixture
def back(config, tmp_path):
    """What a server would be that answers again: a store of another folder of this machine."""
    place = tmp_path / "server"
    place.mkdir()
    shutil.copy(config.work / "mlflow.db", place)
    return Store(replace(config, work=place))


def run_row(store, entry, path):
    path.write_text("a")
    with store.begin(entry) as tracked:
        tracked.inputs([DatasetUse("partialspoof/train", "0123456789abcdef", "train")])
        tracked.log({"train.loss": 0.7}, 1)
        tracked.log({"train.loss": 0.5}, 2)
        tracked.artifact(path, "folder")
        tracked.finish(FIGURES)


def everything(store, entry):
    """Return all that a store holds of the runs of `entry`, without ids and places."""
    found = []
    for run in store.search(entry.table, entry.identity):
        history = {
            name: [
                (point.step, point.value, point.timestamp)
                for point in store.client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
            if not name.startswith("system/")
        }
        inputs = [(of.dataset.name, of.dataset.digest) for of in run.inputs.dataset_inputs]
        files = [file.path for file in store.client.list_artifacts(run.info.run_id)]
        info = (run.info.run_name, run.info.status, run.info.start_time, run.info.end_time)
        found.append((info, run.data.params, run.data.tags, history, inputs, sorted(files)))
    return found


def sent(outbox_of, to):
    return list(sync.send(outbox_of._outbox, to._own))


def test_a_run_goes_on_where_no_server_listens_and_is_known_there(away, entry, said, tmp_path):
    assert not away.finished(entry)
    run_row(away, entry, tmp_path / "a.txt")
    assert away.finished(entry)
    assert away.waiting() == ["sal/table4: S5 · seed 666"]
    assert "does not answer" in said[0]
    assert "bench sync" in said[0]
    with pytest.raises(BenchError, match="is finished already"):
        away.begin(entry)
    with pytest.raises(BenchError, match="does not answer"):
        away.frame("sal/table4", "paper")
    with pytest.raises(BenchError, match="does not answer"):
        away.synchronise()


def test_a_run_is_sent_whole_and_once(away, back, entry, tmp_path):
    run_row(away, entry, tmp_path / "a.txt")
    (before,) = everything(away, entry)
    assert sent(away, back) == [("sal/table4: S5 · seed 666", "sent", True)]
    (after,) = everything(back, entry)
    skipped = {"process", "mlflow.runName"}
    for kept, now in zip(before, after, strict=True):
        if isinstance(kept, dict):
            kept = {key: value for key, value in kept.items() if key not in skipped}
            now = {key: value for key, value in now.items() if key not in skipped}
        assert kept == now
    assert away.waiting() == []
    assert not list((away._config.work / "outbox").rglob("a.txt")), "no room is taken twice"
    assert sent(away, back) == []
    assert everything(back, entry) == [after]
    assert len(back.frame("sal/table4", "paper")) == 1


def test_a_sending_that_is_killed_anywhere_goes_on(away, back, entry, tmp_path, monkeypatch):
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
            assert away.waiting()
    (after,) = everything(back, entry)
    assert after[3] == whole[3], "every point of every curve, once"
    assert after[4:] == whole[4:]
    assert after[0] == whole[0]


def test_a_run_begun_before_the_server_went_away_stays_one(away, back, entry, tmp_path):
    begun = back.begin(entry)
    begun.log({"train.loss": 0.9}, 0)
    begun._monitor.finish()
    gone = replace(process.here(), pid=2**22 + 1, started="1")
    back.client.set_tag(begun.run_id, "process", str(gone))
    run_row(away, replace(entry, commit="80d8f57"), tmp_path / "a.txt")
    sent(away, back)
    ((info, _, tags, history, _, _),) = everything(back, entry)
    assert info[1] == "FINISHED"
    assert [point[:2] for point in history["train.loss"]] == [(0, 0.9), (1, 0.7), (2, 0.5)]
    assert tags["commit"] == "18096a9, 80d8f57"


def test_what_is_finished_there_already_is_left_as_it_is_but_gets_its_files(
    away, back, entry, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    with back.begin(entry) as tracked:
        tracked.finish(FIGURES)
    ((*there, kept),) = everything(back, entry)
    assert "folder" not in kept
    assert [of.state for of in sent(away, back)] == ["finished there already"]
    ((*after, now),) = everything(back, entry)
    assert after == there
    assert now == sorted([*kept, "folder"])
    assert away.waiting() == []


def again(config, work):
    """Return the store of a moved or copied work folder as another process would open it."""
    utils._artifact_repos_cache.clear()
    return Store(replace(config, work=work))


def files_of(back, entry):
    (run,) = back.search(entry.table, entry.identity)
    return dict(files.listed(back.client, run.info.run_id))


@pytest.mark.parametrize("name", ["moved", "q?x 100%20#ä"])
def test_a_moved_outbox_is_sent_whole(away, back, entry, tmp_path, name):
    run_row(away, entry, tmp_path / "a.txt")
    kept = {"folder/a.txt", "figures.md", "figures.csv"}
    away._config.work.rename(tmp_path / name)
    moved = again(away._config, tmp_path / name)
    assert [of.state for of in sent(moved, back)] == ["sent"]
    assert files_of(back, entry).keys() == kept
    assert not list((tmp_path / name / "outbox").rglob("a.txt"))


def test_a_copied_outbox_is_sent_and_the_original_is_left(away, back, entry, tmp_path):
    run_row(away, entry, tmp_path / "a.txt")
    old, new = away._config.work, tmp_path / "copied"
    shutil.copytree(old, new)
    before = sorted(old.rglob("*"))
    assert [of.state for of in sent(again(away._config, new), back)] == ["sent"]
    assert sorted(old.rglob("*")) == before
    assert len(files_of(back, entry)) == 3
    assert [of.state for of in sent(again(away._config, old), back)] == ["finished there already"]
    assert len(files_of(back, entry)) == 3


def test_a_run_whose_files_are_gone_is_not_sent(away, back, entry, tmp_path):
    run_row(away, entry, tmp_path / "a.txt")
    outbox, put_away = away._config.work / "outbox", tmp_path / "put away"
    shutil.move(outbox, put_away)
    (of,) = sent(away, back)
    assert not of.is_whole
    assert of.state.startswith(f"not sent: 3 of its 3 files are not in {outbox}/sal/table4/")
    assert back.search(entry.table, entry.identity) == [], "nothing there passes for it"
    assert away.waiting()
    shutil.move(put_away, outbox)
    (lost,) = outbox.rglob("a.txt")
    lost.rename(tmp_path / "lost.txt")
    assert "1 of its 3 files" in sent(away, back)[0].state
    (tmp_path / "lost.txt").rename(lost)
    assert [of.state for of in sent(away, back)] == ["sent"]
    assert len(files_of(back, entry)) == 3


def test_records_of_before_files_were_counted_are_known_to_have_some(away, back, entry, tmp_path):
    run_row(away, entry, tmp_path / "a.txt")
    (run,) = away._outbox.search(entry.table, entry.identity)
    away._outbox.client.delete_tag(run.info.run_id, files.COUNT)
    shutil.move(away._config.work / "outbox", tmp_path / "put away")
    assert not sent(away, back)[0].is_whole
    shutil.move(tmp_path / "put away", away._config.work / "outbox")
    assert sent(away, back)[0].state == "sent"


@pytest.mark.parametrize("how", ["drops", "cuts", "refuses"])
def test_what_does_not_arrive_is_not_sent(away, back, entry, tmp_path, monkeypatch, how):
    run_row(away, entry, tmp_path / "a.txt")
    real = back.client.log_artifact

    def log_artifact(run_id, path, folder=None):
        if how == "refuses":
            raise ValueError("no such bucket")
        if how == "drops":
            return
        (tmp_path / "cut").mkdir(exist_ok=True)
        cut = tmp_path / "cut" / Path(path).name
        cut.write_bytes(Path(path).read_bytes()[:-1])
        real(run_id, str(cut), folder)

    monkeypatch.setattr(back.client, "log_artifact", log_artifact)
    (of,) = sent(away, back)
    assert not of.is_whole
    assert ("no such bucket" if how == "refuses" else "3 of its 3 files did not arrive") in of.state
    assert away.waiting()
    assert list((away._config.work / "outbox").rglob("a.txt"))
    (run,) = back.search(entry.table, entry.identity)
    assert run.info.status == "RUNNING", "it does not count as finished"
    monkeypatch.undo()
    assert [of.state for of in sent(away, back)] == ["sent"]
    assert files_of(back, entry)["folder/a.txt"] == 1


def test_what_a_killed_upload_left_is_not_sent(away, back, entry, tmp_path):
    run_row(away, entry, tmp_path / "a.txt")
    (kept,) = (away._config.work / "outbox").rglob("a.txt")
    (kept.parent / ".artifact.uploading.x").write_text("half")
    assert [of.state for of in sent(away, back)] == ["sent"]
    assert len(files_of(back, entry)) == 3


def test_an_experiment_whose_name_leads_out_of_the_outbox_is_refused(away, back, entry, tmp_path):
    outside = replace(entry, table="../../elsewhere")
    run_row(away, outside, tmp_path / "a.txt")
    with pytest.raises(BenchError, match="is not below"):
        sent(away, back)


def test_a_run_that_is_still_recorded_is_left_to_its_process(away, back, entry):
    with away.begin(entry) as tracked:
        assert [of.state for of in sent(away, back)] == ["still running"]
        tracked.finish(FIGURES)
    assert [of.state for of in sent(away, back)] == ["sent"]


def test_a_run_whose_process_died_is_sent_as_failed_and_goes_on_there(away, back, entry):
    tracked = away.begin(entry)
    tracked.log({"train.loss": 0.9}, 1)
    tracked._monitor.finish()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    dead = replace(process.here(), pid=child.pid)
    away.client.set_tag(tracked.run_id, "process", str(dead))
    sent(away, back)
    (run,) = back.search(entry.table, entry.identity)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].endswith("died")
    with back.begin(entry) as again:
        assert again.begun_before
        again.log({"train.loss": 0.9}, 1)
        again.finish(FIGURES)
    points = back.client.get_metric_history(run.info.run_id, "train.loss")
    assert [point.step for point in points] == [1]


def test_parts_keep_their_parents(away, back, entry, tmp_path):
    outer = away.begin(entry)
    stage = replace(entry, kind="stage", parent=outer.run_id)
    run_row(away, stage, tmp_path / "a.txt")
    begun_there = replace(entry, kind="stage", seed=7, parent=outer.run_id)
    run_row(back, begun_there, tmp_path / "a.txt")
    outer.finish(FIGURES)
    sent(away, back)
    (row,) = back.search(entry.table, entry.identity)
    for part in (stage, begun_there):
        (run,) = back.search(entry.table, part.identity)
        assert run.data.tags["mlflow.parentRunId"] == row.info.run_id


def test_judged_score_files_and_how_tables_are_shown_are_sent(away, back, tmp_path):
    from bench import cards

    scored = ScoredEntry(
        table="sal/table4",
        system="BAM",
        form="paper",
        split="partialspoof/eval",
        fingerprint="0123456789abcdef",
        digest="feedbeef",
        commit="18096a9",
        settings={"columns": "id 1, score 2"},
        figures=FIGURES,
    )
    away.present(cards.table("sal/table4"))
    away.keep_scored(scored, [])
    sent(away, back)
    assert back.scored("sal/table4", "paper")["system"].tolist() == ["BAM"]
    assert list(back.pages()) == ["sal/table4"]


def test_errors_that_a_server_means_are_no_absence():
    from mlflow.exceptions import MlflowException, RestException

    assert mlflow_client.unreachable(MlflowException("API request failed with exception"))
    assert mlflow_client.unreachable(RestException({"error_code": "TEMPORARILY_UNAVAILABLE"}))
    refused = RestException({"error_code": "INVALID_PARAMETER_VALUE", "message": "no"})
    assert not mlflow_client.unreachable(refused)
    assert not mlflow_client.unreachable(ValueError())


@pytest.fixture
def server(config, tmp_path):
    shutil.copy(config.work / "mlflow.db", tmp_path)
    serving = Server(tmp_path)
    yield serving
    serving.stop()


@pytest.mark.slow
def test_a_server_that_goes_away_in_the_middle_and_comes_back(
    server, config, entry, tmp_path, monkeypatch, empty_database, said
):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    shutil.copy(empty_database, config.work / "outbox.db")
    own = replace(config, tracking=server.uri)
    (tmp_path / "a.txt").write_text("a")
    server.start()
    store = Store(own, said.append)
    with store.begin(entry) as tracked:
        tracked.log({"train.loss": 0.9}, 1)
        server.stop()
        tracked.log({"train.loss": 0.8}, 2)
        tracked.log({"train.loss": 0.7}, 3)
        tracked.artifact(tmp_path / "a.txt", "folder")
        server.start()
        tracked.log({"train.loss": 0.6}, 4)
        tracked.finish(FIGURES)
    assert len(said) == 1
    assert store.finished(entry), "though the server has not got it yet"
    other = replace(entry, seed=777)
    with store.begin(other) as tracked:
        tracked.finish(FIGURES)
    assert store.frame("sal/table4", "paper").set_index("seed")["status"].to_dict() == {
        666: "RUNNING",
        777: "FINISHED",
    }
    assert [of.state for of in store.synchronise()] == ["sent"]
    assert store.synchronise() == []
    frame = store.frame("sal/table4", "paper").set_index("seed")
    assert frame["status"].tolist() == ["FINISHED", "FINISHED"]
    (run,) = store.search(entry.table, entry.identity)
    points = store.client.get_metric_history(run.info.run_id, "train.loss")
    curve = [(point.step, point.value) for point in points]
    assert curve == [(1, 0.9), (2, 0.8), (3, 0.7), (4, 0.6)]
    assert list((tmp_path / "taken").rglob("a.txt"))
    # Begun while it was away and stopped: goes on at the server, in one run.
    third = replace(entry, seed=888)
    server.stop()
    begun = store.begin(third)
    begun.log({"train.loss": 0.9}, 1)
    begun.__exit__(RuntimeError, RuntimeError("power"), None)
    server.start()
    with store.begin(third) as tracked:
        assert tracked.begun_before
        tracked.log({"train.loss": 0.9}, 1)
        tracked.log({"train.loss": 0.8}, 2)
        tracked.finish(FIGURES)
    (run,) = store.search(third.table, third.identity)
    points = store.client.get_metric_history(run.info.run_id, "train.loss")
    assert [point.step for point in points] == [1, 2]
    assert store.waiting() == []


@pytest.mark.slow
def test_a_moved_outbox_arrives_whole_at_a_real_server(
    server, config, entry, tmp_path, empty_database, said
):
    """../shared/cases/sync/moved-outbox.sh"""
    shutil.copy(empty_database, config.work / "outbox.db")
    away = Store(replace(config, tracking=server.uri), said.append)
    run_row(away, entry, tmp_path / "a.txt")
    shutil.copytree(config.work, tmp_path / "copied")
    config.work.rename(tmp_path / "moved")
    server.start()
    moved = again(away._config, tmp_path / "moved")
    assert [of.state for of in moved.synchronise()] == ["sent"]
    taken = {path.name for path in (tmp_path / "taken").rglob("*") if path.is_file()}
    assert taken == {"a.txt", "figures.md", "figures.csv"}
    (lost,) = (tmp_path / "taken").rglob("a.txt")
    lost.unlink()
    copied = again(away._config, tmp_path / "copied")
    assert [of.state for of in copied.synchronise()] == ["finished there already"]
    assert list((tmp_path / "taken").rglob("a.txt")), "what it lacked has come"
    assert not list((tmp_path / "copied" / "outbox").rglob("a.txt"))
