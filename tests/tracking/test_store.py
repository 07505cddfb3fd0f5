"""The tracking store: what is kept of a run, how it ends, and how it goes on after it died."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import pandas as pd
import pytest

from bench.config import Config
from bench.jobs import process
from bench.metrics.measured import MetricResult
from bench.tracking.run_record import DatasetUse, RunRecord
from bench.tracking.store import Store
from tests.errors import raises_code
from tests.tracked_frames import table_frame
from tests.tracking.histories import FIGURES, curve


def run_of(store: Store, tracked):
    return store.client.get_run(tracked.run_id)


def held_by(store: Store, entry: RunRecord, holder):
    """Return an open run of `entry` as another process leaves it that is killed."""
    tracked = store.begin_run(entry)
    if tracked._monitor is not None:
        tracked._monitor.finish()  # its thread would have died with the process
    store.client.set_tag(tracked.run_id, "process", str(holder))
    return tracked


def dead_process():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return replace(process.this_process(), pid=child.pid)


@pytest.mark.rows
def test_importing_the_package_does_not_import_mlflow():
    code = (
        "import sys, bench.tracking.store, bench.tracking.ui_server; print('mlflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_finished_run_holds_everything(store: Store, entry: RunRecord, tmp_path):
    (tmp_path / "run.toml").write_text("form = 'paper'\n")
    with store.begin_run(entry) as tracked:
        assert not tracked.begun_before
        assert not store.find_finished(entry)
        tracked.log_datasets([DatasetUse("partialspoof/train", "0123456789abcdef", "train")])
        tracked.log_epoch({"train.loss": 0.7, "dev.eer": 0.2}, 0)
        tracked.log_epoch({"train.loss": 0.5, "dev.eer": 0.1}, 1)
        tracked.add_artifact(tmp_path / "run.toml")
        tracked.add_artifact(tmp_path / "run.toml", "scores")
        tracked.finish_run(FIGURES)
    assert store.find_finished(entry)
    run = run_of(store, tracked)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "S5 · seed 666"
    assert (
        run.data.tags.items()
        >= {
            **entry.identity,
            "paper": "sal",
            "form": "paper",
            "commit": "18096a9",
            "device": "NVIDIA H200",
        }.items()
    )
    assert "| partialspoof.eer | 3.50 | 3.61 |" in run.data.tags["mlflow.note.content"]
    assert run.data.params == {key: str(value) for key, value in entry.run.flat_settings().items()}
    assert run.data.metrics["partialspoof.eer"] == pytest.approx(3.61)
    assert run.data.metrics["partialspoof.eer.low"] == pytest.approx(3.50)
    assert run.data.metrics["partialspoof.f1.high"] == pytest.approx(96.60)
    assert curve(store, tracked, "train.loss") == [(0, 0.7), (1, 0.5)]
    assert curve(store, tracked, "dev.eer") == [(0, 20.0), (1, 10.0)]
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("partialspoof/train", "0123456789abcdef")
    assert {(tag.key, tag.value) for tag in used.tags} == {("mlflow.data.context", "train")}
    kept = {file.path for file in store.client.list_artifacts(tracked.run_id)}
    assert kept == {"run.toml", "scores", "figures.md", "figures.csv"}


def test_artifacts_lie_in_the_configured_folder(
    store: Store, config: Config, entry: RunRecord, tmp_path
):
    (tmp_path / "a.txt").write_text("a")
    with store.begin_run(entry) as tracked:
        tracked.add_artifact(tmp_path / "a.txt")
        tracked.finish_run({})
    (found,) = config.artifact_root.rglob("a.txt")
    assert found.read_text() == "a"


@pytest.mark.rows
def test_any_number_of_figures_is_kept(store: Store, entry: RunRecord):
    """MLflow takes a thousand at a time; 2021 DF has figures of more than a hundred attacks."""
    figures = {f"a.A{i}.eer": MetricResult(0.01, 0.0, 0.02) for i in range(400)}
    with store.begin_run(entry) as tracked:
        tracked.finish_run(figures)
    assert len(run_of(store, tracked).data.metrics) >= 1200


def test_a_missing_artifact_is_named(store: Store, entry: RunRecord, tmp_path):
    with store.begin_run(entry) as tracked:
        with raises_code("file.missing") as raised:
            tracked.add_artifact(tmp_path / "gone.txt")
        assert "gone.txt" in str(raised.value)
        tracked.finish_run({})


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        (RuntimeError("CUDA out of memory " + "x" * 1000), "FAILED", "RuntimeError: CUDA out of"),
        (KeyboardInterrupt(), "KILLED", "KeyboardInterrupt"),
        (SystemExit(1), "KILLED", "SystemExit: 1"),
    ],
)
def test_a_run_that_dies_is_marked_and_its_error_goes_on(
    store: Store, entry: RunRecord, error, status, failure
):
    with pytest.raises(type(error)), store.begin_run(entry) as tracked:
        raise error
    run = run_of(store, tracked)
    assert run.info.status == status
    assert run.data.tags["failure"].startswith(failure)
    assert len(run.data.tags["failure"]) <= 500
    assert not store.find_finished(entry)


def test_a_run_left_without_figures_has_failed(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        pass
    run = run_of(store, tracked)
    assert run.info.status == "FAILED"
    assert "before its results" in run.data.tags["failure"]


@pytest.mark.rows
def test_it_goes_on_in_the_same_run_with_the_curve_of_an_uninterrupted_one(
    store: Store, entry: RunRecord, monkeypatch
):
    first = store.begin_run(entry)
    for step in range(4):
        first.log_epoch({"train.loss": 1 / (step + 1)}, step)
    first.log_epoch({"dev.eer": 0.5}, 3)
    with pytest.raises(RuntimeError), first:
        raise RuntimeError("power")
    monkeypatch.setattr(
        "bench.tracking.run_lifecycle.describe_environment", lambda: "python 3.11.7, torch 9.9"
    )
    with store.begin_run(replace(entry, commit="80d8f57")) as second:
        assert second.begun_before
        assert second.run_id == first.run_id
        assert run_of(store, second).info.status == "RUNNING"
        assert "failure" not in run_of(store, second).data.tags
        for step in range(2, 6):  # the checkpoint was of step 1
            second.log_epoch({"train.loss": 1 / (step + 1), "dev.eer": 0.5 / (step + 1)}, step)
        second.log_datasets([DatasetUse("partialspoof/train", "01", "train")])
        second.log_datasets([DatasetUse("partialspoof/train", "01", "train")])
        second.finish_run(FIGURES)
    assert curve(store, second, "train.loss") == [(s, 1 / (s + 1)) for s in range(6)]
    assert [step for step, _ in curve(store, second, "dev.eer")] == [3, 4, 5]
    run = run_of(store, second)
    assert run.info.status == "FINISHED"
    assert run.data.tags["commit"] == "18096a9, 80d8f57"
    assert run.data.tags["device"] == "NVIDIA H200"
    assert run.data.tags["environment"].startswith("python 3.")
    assert run.data.tags["environment"].endswith(", torch 9.9")
    (kept,) = table_frame(store, "sal/table4", "paper")["environment"]
    assert kept == run.data.tags["environment"]
    assert len(run.inputs.dataset_inputs) == 1
    assert len(table_frame(store, "sal/table4", "paper")) == 1


def test_hours_add_up_over_processes(store: Store, entry: RunRecord, monkeypatch):
    clock = iter(range(0, 10**6, 1800))
    monkeypatch.setattr("bench.tracking.tracked_run.time.monotonic", lambda: next(clock))
    with pytest.raises(RuntimeError), store.begin_run(entry) as first:
        raise RuntimeError
    before = run_of(store, first).data.metrics["hours"]
    assert before == pytest.approx(0.5)
    with store.begin_run(entry) as second:
        second.log_epoch({"train.loss": 1.0}, 0)
        second.finish_run({})
    assert run_of(store, second).data.metrics["hours"] == pytest.approx(before + 1.0)


@pytest.mark.rows
def test_other_settings_seed_or_data_are_another_run(
    store: Store, entry: RunRecord, smoke_entry: RunRecord
):
    others = [
        entry,
        replace(entry, seed=777),
        replace(entry, fingerprints={"partialspoof/train": "changed"}),
        smoke_entry,
    ]
    ids = set()
    for other in others:
        assert not store.find_finished(other)
        with store.begin_run(other) as tracked:
            tracked.finish_run(FIGURES)
        ids.add(tracked.run_id)
    assert len(ids) == len(others)


def test_a_finished_run_is_not_begun_again(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    with raises_code("row.already-finished"):
        store.begin_run(entry)


def test_a_run_that_is_open_is_not_opened_twice(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        with raises_code("row.busy") as raised:
            store.begin_run(entry)
        assert "this very process" in str(raised.value)
        tracked.finish_run(FIGURES)


def test_a_run_of_another_machine_is_taken_over_but_never_swept(store: Store, entry: RunRecord):
    tracked = held_by(store, entry, process.Process("elsewhere.example", 1, "1"))
    assert store.fail_dead_runs() == []
    with store.begin_run(entry) as taken:
        assert taken.run_id == tracked.run_id
        taken.finish_run(FIGURES)


def test_system_metrics_are_kept_where_psutil_is_installed(
    store: Store, entry: RunRecord, monkeypatch
):
    pytest.importorskip("psutil", reason="psutil is not installed")
    monkeypatch.setattr("bench.tracking.client._SAMPLING_S", 0.01)
    store.require_writable()  # which holds the store's file, by a thread of its own
    before = threading.active_count()
    with store.begin_run(entry) as tracked:
        for _ in range(1000):
            if any(name.startswith("system/") for name in run_of(store, tracked).data.metrics):
                break
            threading.Event().wait(0.01)
        tracked.finish_run({})
    metrics = run_of(store, tracked).data.metrics
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100
    assert threading.active_count() == before


def test_a_run_without_system_metrics_says_so(store: Store, entry: RunRecord, monkeypatch):
    monkeypatch.setattr("bench.tracking.client.importlib.util.find_spec", lambda _: None)
    with store.begin_run(entry) as tracked:
        tracked.finish_run({})
    assert "psutil" in run_of(store, tracked).data.tags["system_metrics"]


def test_long_settings_are_cut(store: Store, entry: RunRecord, monkeypatch):
    settings = {f"key{i}": i for i in range(250)} | {"long": "x" * 10_000}
    monkeypatch.setattr(type(entry.run), "flat_settings", lambda _: settings)
    with store.begin_run(entry) as tracked:
        tracked.finish_run({})
    params = run_of(store, tracked).data.params
    assert len(params) == 251
    assert params["long"] == "x" * 499 + "…"


def test_a_diverged_loss_is_kept_as_it_is(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        tracked.log_epoch({"train.loss": float("nan")}, 0)
        tracked.finish_run({})
    ((step, value),) = curve(store, tracked, "train.loss")
    assert step == 0
    assert value != value


@pytest.mark.rows
def test_frame_is_tidy(store: Store, entry: RunRecord, smoke_entry: RunRecord):
    columns = {*table_frame(store, "sal/table4", "paper").columns}
    with store.begin_run(entry) as tracked:
        tracked.log_epoch({"dev.eer": 0.5}, 0)
        tracked.finish_run(FIGURES)
    with pytest.raises(RuntimeError), store.begin_run(replace(entry, seed=777)):
        raise RuntimeError("disk")
    with store.begin_run(smoke_entry) as tracked:
        tracked.finish_run(FIGURES)
    frame = table_frame(store, "sal/table4", "paper")
    assert frame["seed"].tolist() == [666, 777]
    assert frame["status"].tolist() == ["FINISHED", "FAILED"]
    assert frame["failure"].tolist() == ["", "RuntimeError: disk"]
    assert frame["partialspoof.eer"].tolist()[0] == pytest.approx(3.61)
    assert pd.isna(frame["partialspoof.eer"][1])
    assert {*frame.columns} - columns == {
        "plan.partialspoof",
        *(f"{name}{suffix}" for name in FIGURES for suffix in ("", ".low", ".high")),
    }
    assert frame["plan.partialspoof"].tolist() == ["utterance", ""]
    assert set(frame["kept_epoch"]) == {""}
    assert (frame["ended"] >= frame["begun"]).all()
    assert str(frame["begun"].dt.tz) == "UTC"
    (smoke,) = table_frame(store, "sal/table4", "smoke").itertuples()
    assert (smoke.form, smoke.signature) == ("smoke", smoke_entry.run.signature)


@pytest.mark.rows
def test_every_page_of_runs_is_read(store: Store, entry: RunRecord, monkeypatch):
    search = store.client.search_runs
    monkeypatch.setattr(store.client, "search_runs", lambda *a, **k: search(*a, **k, max_results=2))
    for seed in range(5):
        with store.begin_run(replace(entry, seed=seed)) as tracked:
            tracked.finish_run({})
    assert table_frame(store, "sal/table4", "paper")["seed"].tolist() == list(range(5))


def test_a_store_that_cannot_be_opened_is_named(tmp_path):
    (tmp_path / "mlflow.db").write_text("no database " * 100)
    with raises_code("tracking.cannot-open") as raised:
        Store(Config(work=tmp_path))
    assert "mlflow.db" in str(raised.value)


@pytest.mark.rows
def test_a_run_whose_process_died_without_a_word_is_marked_failed(store: Store, entry: RunRecord):
    tracked = held_by(store, entry, dead_process())
    with store.begin_run(replace(entry, seed=777)) as living:
        assert store.fail_dead_runs() == ["sal/table4: S5 · seed 666"]
        assert store.fail_dead_runs() == []
        assert run_of(store, living).info.status == "RUNNING"
        living.finish_run({})
    run = run_of(store, tracked)
    assert run.info.status == "FAILED"
    assert run.data.tags["failure"].endswith("died")


@pytest.mark.rows
def test_a_run_whose_process_died_without_a_word_is_gone_on_with(store: Store, entry: RunRecord):
    tracked = held_by(store, entry, dead_process())
    tracked.log_epoch({"train.loss": 1.0}, 0)
    with store.begin_run(entry) as second:
        assert second.run_id == tracked.run_id
        second.log_epoch({"train.loss": 1.0}, 0)
        second.log_epoch({"train.loss": 0.5}, 1)
        second.finish_run(FIGURES)
    assert curve(store, second, "train.loss") == [(0, 1.0), (1, 0.5)]
    assert store.fail_dead_runs() == []
    assert store.find_finished(entry)
