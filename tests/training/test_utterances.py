"""The engine on whole utterances: scored a row each, selected by loss, restarted to the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bench.data.audio import read_header
from bench.evaluation import score_file
from bench.metrics.det import eer_by_class
from bench.models.systems.sal import SegmentAware
from bench.specs.corpus import Audio
from bench.training import checkpoints, engine, file_names
from bench.training.row import DatasetCache, train_and_score
from bench.training.scoring import build_utterances
from tests.errors import raises_code


class Log:
    """Keeps what the engine says; may stop it after an epoch."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.epochs: list[dict[str, float]] = []
        self.stop_after = stop_after

    def on_step(self, epoch, step, steps, losses) -> None:
        if self.stop_after is not None and epoch > self.stop_after:
            raise KeyboardInterrupt

    def on_epoch(self, epoch, figures) -> None:
        self.epochs.append(dict(figures))

    def on_score(self, evaluation, done, total) -> None:
        assert 0 <= done <= total


def run_to_end(run, config, place: Path, log: Log | None = None):
    fabric = engine.make_fabric(config, run.training.precision)
    return train_and_score(
        fabric, run, 7, DatasetCache(config).load_row(run), place, config, log or Log()
    )


def best(run, config, place: Path):
    system = engine.build_system(run, 7, config)
    system.load_state_dict(
        checkpoints.load_checkpoint(place / file_names.BEST_CHECKPOINT)["system"]
    )
    return system.eval()


@pytest.mark.rows
@pytest.mark.parametrize("select", ["dev.loss", "dev.eer"])
def test_a_restarted_run_ends_as_an_uninterrupted_one(detection, config, tmp_path, select):
    run, whole, again = detection(f"training.select='{select}'"), Log(), Log()
    expected = run_to_end(run, config, tmp_path / "whole", whole)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "torn", Log(stop_after=1))
    found = run_to_end(run, config, tmp_path / "torn", again)
    assert again.epochs == whole.epochs
    assert found.progress.best_epoch == expected.progress.best_epoch
    one, other = (score_file.read_scores(t.scores["asvspoof2019la"]) for t in (expected, found))
    assert one.equals(other)


def test_the_score_file_has_one_row_an_utterance(detection, config, tmp_path):
    run = detection("training.epochs=1")
    trained = run_to_end(run, config, tmp_path / "run")
    path = trained.scores["asvspoof2019la"]
    assert path.name.startswith("asvspoof2019la-eval-utterance-")
    table = score_file.read_scores(path).to_pandas()
    subset = DatasetCache(config).load_row(run).evaluate["asvspoof2019la"].subset
    for column in ("utterance", "label", "speaker", "attack"):
        assert table[column].tolist() == subset.table[column].tolist()
    assert (table["start_s"] == 0).all()
    ends = [read_header(subset.audio_path(i)).duration_s for i in range(len(subset))]
    assert table["end_s"].tolist() == ends
    difference = table["logit_bonafide"] - table["logit_spoof"]
    np.testing.assert_allclose(table["score"], difference, atol=1e-6)


def test_a_clip_that_is_evaluated_is_scored_as_one(detection, config, tmp_path):
    """Another clip is another score file, whose rows still last as long as their utterances."""
    whole = detection("training.epochs=1")
    cut = detection("training.epochs=1", "evaluate.asvspoof2019la.clip_s=0.5")
    assert cut.training_signature == whole.training_signature
    paths = [
        run_to_end(run, config, tmp_path / "run").scores["asvspoof2019la"] for run in (whole, cut)
    ]
    assert "-first-500ms-zeros-" in paths[1].name
    one, other = (score_file.read_scores(path) for path in paths)
    assert one["end_s"].equals(other["end_s"])
    assert not one["score"].equals(other["score"])


@pytest.mark.rows
def test_the_epoch_of_least_dev_loss_is_kept(detection, config, tmp_path):
    run, log = detection("training.epochs=6"), Log()
    trained = run_to_end(run, config, tmp_path / "run", log)
    losses = [figures["dev.loss"] for figures in log.epochs]
    assert all(0 <= figures["dev.eer"] <= 1 for figures in log.epochs)
    assert trained.progress.best_epoch == int(np.argmin(losses)) + 1
    assert checkpoints.load_checkpoint(trained.checkpoint)["epoch"] == trained.progress.best_epoch
    system = best(run, config, tmp_path / "run")
    subset = DatasetCache(config).load_row(run).dev.subset
    fabric = engine.make_fabric(config, "fp32")
    dev = build_utterances(fabric, subset, run.dev, Audio(suffix=".flac"), config)
    total, bonafide, spoof = 0.0, [], []
    with torch.no_grad():
        for number in range(len(dev)):
            batch = dev[number].batch
            # One utterance at a time: the mean is over utterances, whatever the batches.
            for i in range(len(batch.waves)):
                total += float(
                    system.losses(type(batch)(*(part[i : i + 1] for part in batch)))["loss"]
                )
            score = system.predict(batch.waves, batch.breath_mask, None).score[:, 0].numpy()
            is_spoof = batch.spoof[:, 0].numpy()
            bonafide += score[~is_spoof].tolist()
            spoof += score[is_spoof].tolist()
    assert total / len(subset) == pytest.approx(min(losses), rel=1e-5)
    assert eer_by_class(bonafide, spoof).eer == log.epochs[int(np.argmin(losses))]["dev.eer"]


def test_early_stopping_counts_from_the_epoch_of_least_loss(detection, config, tmp_path):
    log = Log()
    # A learning rate at which the loss soon rises.
    run = detection("training.epochs=40", "training.patience=2", "optimiser.learning_rate=0.3")
    trained = run_to_end(run, config, tmp_path / "run", log)
    assert len(log.epochs) == trained.progress.best_epoch + 2 < 40


def test_a_system_of_one_length_refuses_others_before_it_trains(
    detection, config, tmp_path, monkeypatch
):
    monkeypatch.setattr(SegmentAware, "fixed_s", 1.0)
    with raises_code("model.clip-length") as error:
        run_to_end(detection(), config, tmp_path / "run")
    assert "evaluate.asvspoof2019la.clip_s = whole" in str(error.value)
    fixed = "evaluate.asvspoof2019la.clip_s=1.0"
    for clip in ("train.clip_s=1.1", "dev.clip_s=0.9"):
        with raises_code("model.clip-length") as error:
            run_to_end(detection(fixed, clip), config, tmp_path / "run")
        assert clip.replace("=", " = ") in str(error.value)
    run_to_end(detection(fixed, "training.epochs=1"), config, tmp_path / "run")


def test_a_localization_corpus_may_be_learnt_by_utterance(detection, config, tmp_path):
    parts = ("train", "dev", "evaluate.asvspoof2019la")
    names = {f"{part}.corpus": "partialspoof" for part in parts}
    run = detection("training.epochs=1", *(f"{key}={value}" for key, value in names.items()))
    data = DatasetCache(config).load_row(run)
    # Frame vectors are read at their coarsest: none of them is looked at.
    assert data.train.subset.timing.resolution_s == 0.64
    table = score_file.read_scores(
        run_to_end(run, config, tmp_path / "run").scores["asvspoof2019la"]
    )
    subset = data.evaluate["asvspoof2019la"].subset
    assert table["label"].to_pylist() == subset.table["label"].tolist()


def test_a_detection_corpus_has_no_frames_to_learn(detection, config):
    for part in ("train", "dev", "evaluate.asvspoof2019la"):
        run = detection(f"{part}.resolution_s=0.02")
        with raises_code("training.resolution") as error:
            DatasetCache(config).load_row(run)
        assert "asvspoof2019la" in str(error.value)


def test_a_dev_loss_that_is_not_finite_stops_the_row(detection, config, tmp_path, monkeypatch):
    plain = SegmentAware.losses

    def poisoned(self, batch):
        losses = plain(self, batch)
        return losses if self.training else losses | {"loss": losses["loss"] * float("nan")}

    monkeypatch.setattr(SegmentAware, "losses", poisoned)
    with raises_code("training.not-finite") as error:
        run_to_end(detection(), config, tmp_path / "run")
    assert "dev loss" in str(error.value)
