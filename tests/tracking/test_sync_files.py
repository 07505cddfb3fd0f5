"""Files of runs that waited in the outbox: all arrive, or nothing is called sent."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from mlflow.tracking._tracking_service import utils

from bench.config import Config
from bench.tracking import run_files
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracking.outbox import FIGURES, everything, run_row, sent


@pytest.mark.rows
def test_what_is_finished_there_already_is_left_as_it_is_but_gets_its_files(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    with back.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    ((*there, kept),) = everything(back, entry)
    assert "folder" not in kept
    assert [of.state for of in sent(away, back)] == ["finished there already"]
    ((*after, now),) = everything(back, entry)
    assert after == there
    assert now == sorted([*kept, "folder"])
    assert away.waiting_names() == []


def again(config: Config, work):
    """Return the store of a moved or copied work folder as another process would open it."""
    utils._artifact_repos_cache.clear()
    return Store(replace(config, work=work))


def files_of(back: Store, entry: RunRecord):
    (run,) = back.search_runs(entry.table, entry.identity)
    return dict(run_files.list_artifact_files(back.client, run.info.run_id))


@pytest.mark.rows
@pytest.mark.parametrize("name", ["moved", "q?x 100%20#ä"])
def test_a_moved_outbox_is_sent_whole(away: Store, back: Store, entry: RunRecord, tmp_path, name):
    run_row(away, entry, tmp_path / "a.txt")
    kept = {"folder/a.txt", "figures.md", "figures.csv"}
    away._config.work.rename(tmp_path / name)
    moved = again(away._config, tmp_path / name)
    assert [of.state for of in sent(moved, back)] == ["sent"]
    assert files_of(back, entry).keys() == kept
    assert not list((tmp_path / name / "outbox").rglob("a.txt"))


def test_a_copied_outbox_is_sent_and_the_original_is_left(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    old, new = away._config.work, tmp_path / "copied"
    shutil.copytree(old, new)
    before = sorted(old.rglob("*"))
    assert [of.state for of in sent(again(away._config, new), back)] == ["sent"]
    assert sorted(old.rglob("*")) == before
    assert len(files_of(back, entry)) == 3
    assert [of.state for of in sent(again(away._config, old), back)] == ["finished there already"]
    assert len(files_of(back, entry)) == 3


@pytest.mark.rows
def test_a_run_whose_files_are_gone_is_not_sent(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    outbox, put_away = away._config.work / "outbox", tmp_path / "put away"
    shutil.move(outbox, put_away)
    (of,) = sent(away, back)
    assert not of.is_whole
    assert of.state.startswith(f"not sent: 3 of its 3 files are not in {outbox}/sal/table4/")
    assert back.search_runs(entry.table, entry.identity) == [], "nothing there passes for it"
    assert away.waiting_names()
    shutil.move(put_away, outbox)
    (lost,) = outbox.rglob("a.txt")
    lost.rename(tmp_path / "lost.txt")
    assert "1 of its 3 files" in sent(away, back)[0].state
    (tmp_path / "lost.txt").rename(lost)
    assert [of.state for of in sent(away, back)] == ["sent"]
    assert len(files_of(back, entry)) == 3


def test_records_of_before_files_were_counted_are_known_to_have_some(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    (run,) = away._access.outbox.search_table(entry.table, entry.identity)
    away._access.outbox.client.delete_tag(run.info.run_id, run_files.FILE_COUNT)
    shutil.move(away._config.work / "outbox", tmp_path / "put away")
    assert not sent(away, back)[0].is_whole
    shutil.move(tmp_path / "put away", away._config.work / "outbox")
    assert sent(away, back)[0].state == "sent"


@pytest.mark.rows
@pytest.mark.parametrize("how", ["drops", "cuts", "refuses"])
def test_what_does_not_arrive_is_not_sent(
    away: Store, back: Store, entry: RunRecord, tmp_path, monkeypatch, how
):
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
    assert away.waiting_names()
    assert list((away._config.work / "outbox").rglob("a.txt"))
    (run,) = back.search_runs(entry.table, entry.identity)
    assert run.info.status == "RUNNING", "it does not count as finished"
    monkeypatch.undo()
    assert [of.state for of in sent(away, back)] == ["sent"]
    assert files_of(back, entry)["folder/a.txt"] == 1


def test_what_a_killed_upload_left_is_not_sent(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    run_row(away, entry, tmp_path / "a.txt")
    (kept,) = (away._config.work / "outbox").rglob("a.txt")
    (kept.parent / ".artifact.uploading.x").write_text("half")
    assert [of.state for of in sent(away, back)] == ["sent"]
    assert len(files_of(back, entry)) == 3


def test_an_experiment_whose_name_leads_out_of_the_outbox_is_refused(
    away: Store, back: Store, entry: RunRecord, tmp_path
):
    outside = replace(entry, table="../../elsewhere")
    run_row(away, outside, tmp_path / "a.txt")
    with raises_code("tracking.outside-outbox"):
        sent(away, back)


@pytest.mark.slow
def test_a_moved_outbox_arrives_whole_at_a_real_server(
    server, config: Config, entry: RunRecord, tmp_path, said
):
    """../shared/cases/sync/moved-outbox.sh"""
    away = Store(replace(config, tracking=server.uri), said.append)
    run_row(away, entry, tmp_path / "a.txt")
    shutil.copytree(config.work, tmp_path / "copied")
    config.work.rename(tmp_path / "moved")
    server.start()
    moved = again(away._config, tmp_path / "moved")
    assert [of.state for of in moved.send_waiting()] == ["sent"]
    taken = {path.name for path in (tmp_path / "taken").rglob("*") if path.is_file()}
    assert taken == {"a.txt", "figures.md", "figures.csv"}
    (lost,) = (tmp_path / "taken").rglob("a.txt")
    lost.unlink()
    copied = again(away._config, tmp_path / "copied")
    assert [of.state for of in copied.send_waiting()] == ["finished there already"]
    assert list((tmp_path / "taken").rglob("a.txt")), "what it lacked has come"
    assert not list((tmp_path / "copied" / "outbox").rglob("a.txt"))
