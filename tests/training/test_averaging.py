"""The mean of the weights of several epochs, the last or the best ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bench.specs.training import KeepAverage, TrainingSettings
from bench.training import checkpoints, file_names, keeping
from bench.training.keeping import Progress
from tests.errors import raises_code
from tests.training.runs import Log, run_to_end


def test_the_mean_of_the_last_epochs_is_kept(detection, config, tmp_path, monkeypatch):
    run = detection("training.epochs=4", 'training.keep={kind="average-last", checkpoints=2}')
    states: list[dict[str, torch.Tensor]] = []
    save = keeping.StateSaver.save_epoch

    def note(self, state, *given):
        states.append({name: tensor.clone() for name, tensor in state["system"].items()})
        save(self, state, *given)

    monkeypatch.setattr(keeping.StateSaver, "save_epoch", note)
    trained = run_to_end(run, config, tmp_path)
    kept = checkpoints.load_checkpoint(trained.checkpoint)
    assert kept["epochs"] == [3, 4]
    for name, mean in kept["system"].items():
        torch.testing.assert_close(mean, (states[2][name] + states[3][name]) / 2)
    assert not torch.equal(*(s["binary.1.weight"] for s in states[2:]))
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["kept.pt", "last.pt"]


BEST_TWO = (
    'training.keep={kind="average-best", checkpoints=2}',
    "training.epochs=5",
    "optimiser.learning_rate=0.3",
)
"""A training whose loss on dev rises and falls."""


def test_the_mean_of_the_best_epochs_is_kept(detection, config, tmp_path, monkeypatch):
    states: list[dict[str, torch.Tensor]] = []
    save = keeping.StateSaver.save_epoch

    def note(self, state, *given):
        states.append({name: tensor.clone() for name, tensor in state["system"].items()})
        save(self, state, *given)
        self._writer.wait()
        assert len([*tmp_path.glob("recent-*.pt")]) == min(len(states), 2)

    monkeypatch.setattr(keeping.StateSaver, "save_epoch", note)
    trained = run_to_end(detection(*BEST_TWO), config, tmp_path, log := Log())
    losses = [figures["dev.loss"] for _, figures in log.epochs]
    best = sorted(np.argsort(losses, kind="stable")[:2])
    assert best != [3, 4], "the last ones would be kept as well by average-last"
    assert trained.selection.epochs == tuple(epoch + 1 for epoch in best)
    for name, mean in checkpoints.load_checkpoint(trained.checkpoint)["system"].items():
        one, two = (states[epoch][name] for epoch in best)
        torch.testing.assert_close(mean, (one + two) / 2)
    assert sorted(path.name for path in tmp_path.glob("*.pt")) == ["kept.pt", "last.pt"]


@pytest.mark.parametrize("kind", ["average-last", "average-best"])
@pytest.mark.parametrize("first", [1, 3])
def test_which_epochs_are_averaged(tmp_path, kind, first):
    """Against a sorted list; a file changes only for the epoch that just ended."""
    keep = KeepAverage(kind=kind, checkpoints=3)
    training = TrainingSettings(epochs=20, first_candidate=first, keep=keep, batch_size=1)
    generator, progress, before = np.random.default_rng(0), Progress(), dict[str, int]()
    for epoch in range(1, 21):
        progress.epoch = epoch
        progress.history.append({"dev.eer": float(generator.integers(0, 6))})  # with ties
        paths = keeping.averaged_paths(training, tmp_path, progress)
        values = [figures["dev.eer"] for figures in progress.history]
        ranked = sorted(range(first, epoch + 1), key=lambda each: (values[each - 1], each))
        expected = range(1, epoch + 1)[-3:] if kind == "average-last" else ranked[:3]
        assert sorted(paths.values()) == sorted(expected)
        now = {path.name: which for path, which in paths.items()}
        assert {which for name, which in now.items() if which != before.get(name)} <= {epoch}
        assert now.keys() >= before.keys()
        before = now


def test_one_epoch_alone_is_no_mean(tmp_path):
    training = TrainingSettings(epochs=2, batch_size=1)
    progress = Progress(epoch=1, history=[{"dev.eer": 0.5}])
    assert keeping.averaged_paths(training, tmp_path, progress) == {}


@pytest.mark.parametrize(
    ("epochs", "label"),
    [((12,), "12"), ((48, 49, 50), "48-50"), ((3, 7, 9, 10), "3,7,9-10")],
)
def test_kept_epochs_have_a_short_name(epochs, label):
    assert keeping.Selection(epochs, {}, "", 50).label == label


@pytest.mark.rows
@pytest.mark.parametrize(
    "settings",
    [("training.epochs=4", 'training.keep={kind="average-last", checkpoints=3}'), BEST_TWO],
    ids=["last", "best"],
)
@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_restarted_run_keeps_the_same_mean(detection, config, tmp_path, settings, epochs):
    run = detection(*settings)
    whole = run_to_end(run, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "torn", Log(stop_after=epochs))
    torn = run_to_end(run, config, tmp_path / "torn")
    assert whole.selection == torn.selection
    one, two = (checkpoints.load_checkpoint(each.checkpoint)["system"] for each in (whole, torn))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.rows
def test_a_kill_between_two_files_changes_no_mean(detection, config, tmp_path, monkeypatch):
    """An epoch's weights may be written already, in the file of those that they drive out."""
    run, save = detection(*BEST_TWO), checkpoints.save_checkpoint
    whole = run_to_end(run, config, tmp_path / "whole")
    written: list[str] = []

    def killed(state, path):
        written.append(path.name)
        if written.count("last.pt") == 3:
            raise KeyboardInterrupt
        save(state, path)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save_checkpoint", killed)
        with pytest.raises(KeyboardInterrupt):
            run_to_end(run, config, tmp_path / "torn")
    assert written[-2].startswith("recent-"), "the third epoch is among the best two so far"
    state = keeping.read_state(tmp_path / "torn" / file_names.LAST_CHECKPOINT)
    assert state["progress"]["epoch"] == 2
    torn = run_to_end(run, config, tmp_path / "torn")
    assert whole.selection == torn.selection
    one, two = (checkpoints.load_checkpoint(each.checkpoint)["system"] for each in (whole, torn))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_whole_numbers_are_the_last_epochs(tmp_path):
    for epoch, count in ((2, 20), (1, 10)):
        state = {"mean": torch.tensor([float(epoch)]), "count": torch.tensor(count)}
        checkpoints.save_checkpoint({"system": state, "epoch": epoch}, tmp_path / f"{epoch}.pt")
    paths = {tmp_path / "2.pt": 2, tmp_path / "1.pt": 1}
    found = checkpoints.average_weights(paths)
    assert found["system"] == {"mean": torch.tensor([1.5]), "count": torch.tensor(20)}
    with raises_code("training.checkpoint-damaged", "2.pt", "it is of epoch 2, not 3"):
        checkpoints.average_weights({**paths, tmp_path / "2.pt": 3})
