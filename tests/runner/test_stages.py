"""A row that starts from an earlier training: both are tracked, done once, and go on if stopped."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from mlflow.tracking import MlflowClient

from bench.cards import table_cards
from bench.config import Config
from bench.evaluation import score_file
from bench.runner.requirements import missing_requirements
from bench.tracking.store import Store
from bench.training import checkpoints, file_names
from bench.training.row import DatasetCache, training_path
from tests.runner.stages import Watcher, run_rows
from tests.tracked_frames import table_frame


def tracked(config: Config):
    client = MlflowClient(config.tracking_uri)
    experiment = client.get_experiment_by_name("test/stages")
    return {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}


@pytest.mark.rows
def test_both_stages_are_tracked_and_the_first_is_trained_once(card, config: Config):
    watcher = Watcher()
    outcomes = run_rows(card, config, ["two", "again"], watcher)
    assert {outcome.state for outcome in outcomes} == {"finished"}, outcomes
    runs = tracked(config)
    assert set(runs) == {
        f"{row} · seed 7{stage}" for row in ("two", "again") for stage in ("", " · start")
    }
    for row in ("two", "again"):
        first, second = runs[f"{row} · seed 7 · start"], runs[f"{row} · seed 7"]
        assert first.data.tags["mlflow.parentRunId"] == second.info.run_id
        assert first.info.status == second.info.status == "FINISHED"
        assert {"train.loss", "dev.eer"} <= first.data.metrics.keys()
        assert "asvspoof2019la.eer" in second.data.metrics
        assert "asvspoof2019la.eer" not in first.data.metrics
        assert first.data.params["train.splice.kind"] == "mix-frame"
        assert second.data.params["start.stage.train.splice.kind"] == "mix-frame"
        assert first.data.tags["kept_epoch"] in ("1", "2")
        assert first.data.tags["epochs"] == "2"
        assert first.data.tags["why_ended"] == "all 2 epochs"
        assert second.data.tags["why_ended"] == "all 1 epoch"
        assert json.loads(second.data.tags["kept_dev"])["dev.eer"] == pytest.approx(
            second.data.metrics["dev.eer"] / 100
        )
        assert second.data.tags["threads"] == str(torch.get_num_threads())
        assert "deterministic algorithms off" in second.data.tags["determinism"]
    # The second row's first stage had been trained already: its curve is there, no step was taken.
    assert "two · seed 7 · start" in watcher.steps
    assert "again · seed 7 · start" not in watcher.steps
    assert set(table_frame(Store(config), "test/stages", "smoke")["row"]) == {"two", "again"}


@pytest.mark.rows
def test_a_row_starts_from_its_stage(card, config: Config):
    run_rows(card, config, ["two"], Watcher())
    resolved = table_cards.resolve_row(card, "two", "smoke")
    data = DatasetCache(config).load_row(resolved)
    assert data.stage is not None
    stage = resolved.start.stage
    assert stage.training.epochs == 2
    assert stage.system == resolved.system
    assert not stage.evaluate
    place, first = (
        training_path(config.work, resolved, data, 7),
        training_path(config.work, stage, data.stage, 7),
    )
    assert place != first
    found = checkpoints.load_checkpoint(place / file_names.BEST_CHECKPOINT)["system"]
    kept = checkpoints.load_checkpoint(first / file_names.BEST_CHECKPOINT)["system"]
    # One epoch at 1e-3 moves a weight by little; another draw would be far off.
    name = "frontend.blocks.0.fc1.weight"
    assert (found[name] - kept[name]).abs().max() < 0.02
    plain = table_cards.resolve_row(card, "alone", "smoke")
    assert plain.training_signature not in (resolved.training_signature, stage.training_signature)


@pytest.mark.rows
@pytest.mark.parametrize("stop", [pytest.param("two · seed 7 · start", marks=pytest.mark.slow), ""])
def test_a_stopped_row_goes_on_to_the_same_figures(card, config: Config, tmp_path, stop):
    whole = Config(work=tmp_path / "whole", device="cpu", workers=0)
    whole.work.mkdir()
    (whole.work / "mini").symlink_to(config.mini_root)
    run_rows(card, whole, ["two"], Watcher())
    if stop:
        with pytest.raises(KeyboardInterrupt):
            run_rows(card, config, ["two"], Watcher(stop))
        runs = tracked(config)
        assert {run.info.status for run in runs.values()} == {"KILLED"}
        assert len(runs) == 2
    else:  # the checkpoints of the first stage are lost after it was tracked
        run_rows(card, config, ["two"], Watcher())
        shutil.rmtree(tmp_path / "runs")
        MlflowClient(config.tracking_uri).set_terminated(
            tracked(config)["two · seed 7"].info.run_id, "FAILED"
        )
    watcher = Watcher()
    (outcome,) = run_rows(card, config, ["two"], watcher)
    assert outcome.state == "finished", outcome
    assert any("its weights are taken over" in text for text in watcher.said) == (not stop)
    runs = tracked(config)
    assert len(runs) == 2
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    files = [
        sorted(at.rglob("scores/*.parquet")) for at in (whole.work / "runs", tmp_path / "runs")
    ]
    one, other = (score_file.read_scores(path)["score"].to_pylist() for (path,) in files)
    assert one == other


def test_what_a_stage_lacks_is_said_before(card, tmp_path):
    resolved = table_cards.resolve_row(
        card, "two", "smoke", ["start.stage.train.corpus=partialspoof"]
    )
    assert any(
        "partialspoof" in text for text in missing_requirements(resolved, Config(work=tmp_path))
    )
