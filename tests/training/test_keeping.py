"""Which weights stand for a run, and learning from a batch in parts."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.cards import corpus_cards
from bench.errors import BenchError
from bench.metrics.det import eer_by_class
from bench.specs.training import TrainingSettings
from bench.training import checkpoints, engine, file_names, keeping
from bench.training.keeping import Progress
from bench.training.row import DatasetCache
from bench.training.scoring import build_utterances, score_utterances
from tests.errors import raises_code
from tests.training.runs import Log, all_scores, run_to_end


def test_the_least_train_loss_may_select(detection, config, tmp_path):
    log = Log()
    run = detection("training.select=train.loss", "training.epochs=3")
    trained = run_to_end(run, config, tmp_path, log)
    losses = [figures["train.loss"] for _, figures in log.epochs]
    assert trained.progress.best == min(losses)
    assert "dev.loss" not in log.epochs[0][1]
    assert "dev.eer" in log.epochs[0][1]


def test_a_batch_may_be_learnt_from_in_parts(detection, config, tmp_path):
    """The mean of the parts' gradients is the batch's, where the loss is a mean of clips'."""
    whole = run_to_end(detection("training.epochs=1"), config, tmp_path / "whole")
    run = detection("training.epochs=1", "training.accumulate=4")
    parts = run_to_end(run, config, tmp_path / "parts")
    one, two = (checkpoints.load_checkpoint(found.checkpoint)["system"] for found in (whole, parts))
    for name in one:
        torch.testing.assert_close(two[name], one[name], atol=2e-5, rtol=2e-3)
    assert whole.progress.step == parts.progress.step


def test_a_start_takes_over_the_front_end_alone(detection, config, tmp_path):
    stage = detection("training.epochs=1", "optimiser.learning_rate=1e-2")
    first = run_to_end(stage, config, tmp_path / "first")
    run = detection("training.epochs=1", "optimiser.learning_rate=1e-12")
    data = DatasetCache(config).load_row(run)
    audio = corpus_cards.read_corpus_card("asvspoof2019la").audio
    material = engine.TrainingData(
        data.train.subset, data.dev.subset, audio, audio, first.checkpoint
    )
    fabric = engine.make_fabric(config, "fp32")
    engine.train(fabric, run, 8, material, tmp_path / "second", config, Log())
    before = checkpoints.load_checkpoint(first.checkpoint)["system"]
    after = checkpoints.load_checkpoint(tmp_path / "second" / file_names.BEST_CHECKPOINT)["system"]
    fresh = engine.build_system(run, 8, config).state_dict()
    for name, of in after.items():
        origin = before if name.startswith("frontend.") else fresh
        torch.testing.assert_close(of, origin[name], atol=1e-6, rtol=1e-5)
    assert not torch.equal(before["binary.1.weight"], fresh["binary.1.weight"])


@pytest.mark.rows
@pytest.mark.parametrize("keep", ["best", "average-last", "average-best"])
@pytest.mark.parametrize("lost", [file_names.LAST_CHECKPOINT, file_names.BEST_CHECKPOINT])
def test_what_an_earlier_training_left_is_not_mixed_with_a_new_one(
    detection, config, tmp_path, keep, lost
):
    run = detection("training.epochs=2", f'training.keep={{kind="{keep}"}}')
    expected = run_to_end(run, config, tmp_path / "whole")
    other = detection("training.epochs=2", "optimiser.learning_rate=1e-2")
    first = run_to_end(other, config, tmp_path / "again")
    for path in first.scores.values():
        assert path.is_file()
    (tmp_path / "again" / lost).unlink()
    found = run_to_end(run, config, tmp_path / "again")
    one, two = (
        checkpoints.load_checkpoint(trained.checkpoint)["system"] for trained in (expected, found)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    scores = [all_scores(trained)["asvspoof2019la"] for trained in (expected, found)]
    assert (scores[0] == scores[1]).all()


def dev_eer(run, config, weights) -> float:
    """Measure weights on dev without the engine's loop."""
    system = engine.build_system(run, 7, config)
    system.load_state_dict(weights)
    data = DatasetCache(config).load_row(run)
    fabric = engine.make_fabric(config, "fp32")
    audio = corpus_cards.read_corpus_card(run.dev.corpus).audio
    share = build_utterances(fabric, data.dev.subset, run.dev, audio, config)
    scores = score_utterances(fabric, system, share, 0)
    spoof = np.concatenate(share.labels)
    value = np.concatenate([scores[i].score for i in range(len(spoof))])
    return eer_by_class(value[~spoof], value[spoof]).eer


def test_averaged_weights_are_measured_on_dev_themselves(detection, config, tmp_path):
    run = detection("training.epochs=3", 'training.keep={kind="average-last", checkpoints=2}')
    log = Log()
    trained = run_to_end(run, config, tmp_path, log)
    found = trained.selection
    assert (found.label, found.trained, found.why_ended) == ("2-3", 3, "all 3 epochs")
    kept = checkpoints.load_checkpoint(trained.checkpoint)["system"]
    assert found.dev["dev.eer"] == dev_eer(run, config, kept)
    assert set(found.dev) == {"dev.eer", "dev.loss"}
    assert found.dev["dev.loss"] not in [figures["dev.loss"] for _, figures in log.epochs]


@pytest.mark.rows
@pytest.mark.parametrize("keep", ["best", "average-last", "average-best"])
def test_what_is_said_of_the_kept_weights_survives_a_crash_before_it(
    detection, config, tmp_path, keep
):
    run = detection("training.epochs=2", f'training.keep={{kind="{keep}"}}')
    first = run_to_end(run, config, tmp_path).selection
    (tmp_path / file_names.SELECTION).unlink()
    assert run_to_end(run, config, tmp_path).selection == first
    assert run_to_end(run, config, tmp_path).selection == first, "read"
    (tmp_path / file_names.SELECTION).write_text("{")
    with raises_code("training.checkpoint-damaged") as error:
        run_to_end(run, config, tmp_path)
    assert "selection.json" in str(error.value)


def test_the_best_epoch_is_named_with_its_dev_figures(detection, config, tmp_path):
    log = Log()
    run = detection("training.epochs=30", "training.patience=1", "optimiser.learning_rate=0.3")
    found = run_to_end(run, config, tmp_path, log).selection
    losses = [figures["dev.loss"] for _, figures in log.epochs]
    best = losses.index(min(losses))
    assert found.label == str(best + 1)
    assert found.dev == {name: log.epochs[best][1][name] for name in ("dev.eer", "dev.loss")}
    assert found.why_ended == "no better dev.loss for 1 epoch"
    assert found.trained == len(losses) == best + 2


def decided(training: TrainingSettings, values: list[float]) -> tuple[int, int]:
    """Return the best epoch and after which one training stops, for what selects in each epoch."""
    progress = Progress()
    while not keeping.is_finished(training, progress):
        progress.epoch += 1
        keeping.is_better(training, progress, values[progress.epoch - 1])
    return progress.best_epoch, progress.epoch


def nes2net(values: list[float], epochs: int = 100, first: int = 10, patience: int = 5):
    """The loop of Nes2Net's asvspoof5 branch, its epochs counted from 0: none before `first` is
    looked at on dev, and training stops once `patience` looks in a row found none better.
    """
    best, best_epoch, waited = float("inf"), -1, 0
    for epoch in range(epochs):
        if epoch < first:
            continue
        if values[epoch] < best:
            best, best_epoch, waited = values[epoch], epoch, 0
        else:
            waited += 1
        if waited == patience:
            break
    return best_epoch + 1, epoch + 1


def test_early_epochs_may_be_no_candidates_as_in_nes2nets_recipe():
    training = TrainingSettings(epochs=100, patience=5, first_candidate=11, batch_size=1)
    assert decided(training, [*range(200)]) == nes2net([*range(200)]) == (11, 16)
    generator = np.random.default_rng(0)
    for _ in range(50):
        values = generator.normal(size=100) - 0.05 * np.arange(100)
        assert decided(training, values.tolist()) == nes2net(values.tolist())
    # Without it, the first epoch could be kept and training end after six.
    assert decided(TrainingSettings(epochs=100, patience=5, batch_size=1), [*range(200)]) == (1, 6)


@pytest.mark.rows
def test_a_run_stopped_before_its_first_candidate_goes_on(detection, config, tmp_path):
    run = detection("training.epochs=4", "training.first_candidate=4")
    expected = run_to_end(run, config, tmp_path / "whole")
    assert (
        expected.selection.label,
        checkpoints.load_checkpoint(expected.checkpoint)["epoch"],
    ) == ("4", 4)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "torn", Log(stop_after=2))
    assert not (tmp_path / "torn" / file_names.BEST_CHECKPOINT).exists()
    trained: list[int] = []

    class Steps(Log):
        def on_step(self, epoch, step, steps, losses):
            trained.append(epoch)

    found = run_to_end(run, config, tmp_path / "torn", Steps())
    assert found.selection == expected.selection
    assert set(trained) == {3, 4}
    one, two = (
        checkpoints.load_checkpoint(trained.checkpoint)["system"] for trained in (expected, found)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_no_candidate_at_all_is_a_mistake(detection):
    with pytest.raises(BenchError, match="first_candidate = 9: should be at most epochs = 3"):
        detection("training.epochs=3", "training.first_candidate=9")


@pytest.mark.rows
@pytest.mark.parametrize("keep", ["best", "average-last", "average-best"])
def test_a_kill_between_two_saved_states_changes_no_weights(detection, config, tmp_path, keep):
    """The weights of the best epoch are saved with the state that they belong to."""
    run = detection("training.epochs=4", f'training.keep={{kind="{keep}"}}')
    rarely = replace(config, checkpoint_minutes=60)
    expected = run_to_end(run, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, rarely, tmp_path / "torn", Log(stop_after=3))
    state = keeping.read_state(tmp_path / "torn" / file_names.LAST_CHECKPOINT)
    assert state["progress"]["epoch"] == 1, "the first is saved, and no other within the hour"
    log = Log()
    found = run_to_end(run, rarely, tmp_path / "torn", log)
    assert [epoch for epoch, _ in log.epochs] == [1, 2, 3, 4]
    assert found.selection == expected.selection
    one, two = (
        checkpoints.load_checkpoint(trained.checkpoint)["system"] for trained in (expected, found)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_training_goes_on_while_a_state_is_written(tmp_path, monkeypatch):
    """What is written is what was given, whatever training does to its weights meanwhile."""
    free, save = threading.Event(), torch.save

    def wait_and_save(state, file):
        assert free.wait(30)
        save(state, file)

    monkeypatch.setattr(torch, "save", wait_and_save)
    weights, history = torch.zeros(1000), [{"dev.eer": 0.5}]
    state = {"system": {"w": weights}, "progress": {"history": history}}
    with checkpoints.CheckpointWriter() as writer:
        writer.write_files({tmp_path / "kept.pt": state, tmp_path / "last.pt": state})
        weights.fill_(1)
        history[0]["dev.eer"] = 0.1
        assert not (tmp_path / "kept.pt").exists()
        free.set()
        writer.wait()
    for name in ("kept.pt", "last.pt"):
        read = checkpoints.load_checkpoint(tmp_path / name)
        assert not read["system"]["w"].any()
        assert read["progress"]["history"] == [{"dev.eer": 0.5}]


def test_a_state_that_cannot_be_written_stops_the_training_at_the_next(tmp_path, monkeypatch):
    def refuse(_state, _file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", refuse)
    with raises_code("machine.disk-full"), checkpoints.CheckpointWriter() as writer:
        writer.write_files({tmp_path / "last.pt": {}})
        writer.write_files({tmp_path / "last.pt": {}})
        pytest.fail("the first was not written")
    with raises_code("machine.disk-full"), checkpoints.CheckpointWriter() as writer:
        writer.write_files({tmp_path / "last.pt": {}})
    writer = checkpoints.CheckpointWriter()
    writer.write_files({tmp_path / "last.pt": {}})
    writer.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)  # which goes on alone
    assert not [*tmp_path.iterdir()]
