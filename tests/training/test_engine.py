"""Training: it learns, it repeats, it restarts to the same figures, it stops where it must."""

from __future__ import annotations

import dataclasses
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.cards import table_cards
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.training import checkpoints, engine, epoch, file_names
from bench.training.row import DatasetCache, train_and_score
from tests.errors import raises_code
from tests.training.runs import Log, all_scores, run_to_end


def weights(place: Path) -> dict[str, torch.Tensor]:
    return checkpoints.load_checkpoint(place / file_names.LAST_CHECKPOINT)["system"]


@pytest.mark.parametrize("row", ["S0", "S8"])
@pytest.mark.slow
def test_a_restarted_run_ends_as_an_uninterrupted_one(small, config, tmp_path, row):
    run = small(row)
    whole = Log()
    expected = run_to_end(run, config, tmp_path / "whole", whole)
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, tmp_path / "torn", Log(stop_after=1))
    again = Log()
    found = run_to_end(run, config, tmp_path / "torn", again)
    assert again.epochs == whole.epochs
    for name, scores in all_scores(expected).items():
        np.testing.assert_array_equal(all_scores(found)[name], scores)
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(weights(tmp_path / "torn")[name], tensor), name


@pytest.mark.rows
def test_the_number_of_workers_changes_nothing(small, config, with_workers, tmp_path):
    run = small("S3", "training.epochs=2", "augment.probability=1.0")
    alone = run_to_end(run, config, tmp_path / "alone")
    helped = run_to_end(run, with_workers, tmp_path / "helped")
    for name, scores in all_scores(alone).items():
        np.testing.assert_array_equal(all_scores(helped)[name], scores)


@pytest.mark.rows
def test_whole_utterances_are_trained_on_alike_by_any_number_of_workers(
    small, config, with_workers, tmp_path, monkeypatch
):
    """Steps hold utterances of several lengths, whose padding the labels mask."""
    run = small("S0", "training.epochs=1", "train.clip_s=whole")
    masks, train_step = [], epoch.train_step

    def note(fabric, learner, run, batch):
        masks.append(batch.valid.numpy(force=True))
        return train_step(fabric, learner, run, batch)

    monkeypatch.setattr(epoch, "train_step", note)
    alone = run_to_end(run, config, tmp_path / "alone")
    assert len({mask.shape[1] for mask in masks}) > 1
    assert all(mask.all(axis=1).any() for mask in masks), "the longest of a step has no padding"
    helped = run_to_end(run, with_workers, tmp_path / "helped")
    for name, scores in all_scores(alone).items():
        np.testing.assert_array_equal(all_scores(helped)[name], scores)


def test_another_seed_is_another_run(small, config, tmp_path):
    run, data = small("S0", "training.epochs=1"), None
    fabric = engine.make_fabric(config, "fp32")
    data = DatasetCache(config).load_row(run)
    one, two = (
        train_and_score(fabric, run, seed, data, tmp_path / str(seed), config, Log())
        for seed in (1, 2)
    )
    assert not np.array_equal(all_scores(one)["partialspoof"], all_scores(two)["partialspoof"])


@pytest.mark.rows
def test_the_loss_falls(small, config, tmp_path):
    log = Log()
    run = small("S5", "training.epochs=8", "schedule={kind='constant'}")
    run_to_end(run, config, tmp_path / "run", log)
    losses = [figures["train.loss"] for _, figures in log.epochs]
    assert min(losses[-3:]) < losses[0]


def test_the_best_epoch_is_kept_and_early_stopping_counts_from_it(small, config, tmp_path):
    log = Log()
    run = small("S0", "training.epochs=30", "training.patience=2")
    trained = run_to_end(run, config, tmp_path / "run", log)
    eers = [figures["dev.eer"] for _, figures in log.epochs]
    best = int(np.argmin(eers)) + 1
    assert trained.progress.best_epoch == best
    assert checkpoints.load_checkpoint(trained.checkpoint)["epoch"] == best
    assert len(eers) in (30, best + 2)


def test_a_finished_training_is_only_scored_again_where_scores_are_missing(small, config, tmp_path):
    run = small("S0", "training.epochs=1")
    place = tmp_path / "run"
    first = run_to_end(run, config, place)
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}
    first.scores["llamapartialspoof"].unlink()
    run_to_end(run, config, place)
    after = {path: path.stat().st_mtime_ns for path in place.rglob("*") if path.is_file()}
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {first.scores["llamapartialspoof"]}


def test_a_loss_that_is_not_finite_stops_the_row_and_names_the_step(
    small, config, tmp_path, monkeypatch
):
    from bench.models.systems.sal import SegmentAware

    calls = []
    plain = SegmentAware.losses

    def poisoned(self, batch):
        calls.append(1)
        losses = plain(self, batch)
        return losses | {"loss": losses["loss"] * float("nan")} if len(calls) == 5 else losses

    monkeypatch.setattr(SegmentAware, "losses", poisoned)
    with raises_code("training.not-finite") as error:
        run_to_end(small("S0"), config, tmp_path / "run")
    assert "step 5 (epoch 2)" in str(error.value)
    state = checkpoints.load_checkpoint(tmp_path / "run" / file_names.LAST_CHECKPOINT)
    assert state["progress"]["epoch"] == 1
    assert all(torch.isfinite(t).all() for t in state["system"].values() if t.is_floating_point())


def test_a_full_disk_leaves_the_previous_checkpoint_whole(small, config, tmp_path, monkeypatch):
    run, place = small("S0"), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run_to_end(run, config, place, Log(stop_after=1))
    before = (place / file_names.LAST_CHECKPOINT).read_bytes()
    with monkeypatch.context() as patched:

        def full(_state, file):
            file.write(b"half of a checkpoint")
            raise OSError(28, "No space left on device")

        patched.setattr(torch, "save", full)
        with raises_code("machine.disk-full") as error:
            run_to_end(run, config, place)
        assert "no space left" in str(error.value)
    assert (place / file_names.LAST_CHECKPOINT).read_bytes() == before
    assert not list(place.glob(".*.part"))
    run_to_end(run, config, place)
    assert checkpoints.load_checkpoint(place / file_names.LAST_CHECKPOINT)["progress"]["epoch"] == 3


def test_a_torn_checkpoint_says_what_to_do(tmp_path):
    path = tmp_path / file_names.LAST_CHECKPOINT
    checkpoints.save_checkpoint({"epoch": 1, "weights": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:500])
    with raises_code("training.checkpoint-damaged") as error:
        checkpoints.load_checkpoint(path)
    assert "last.pt" in str(error.value)


def test_missing_audio_is_found_before_training(small, config, miniatures, tmp_path):
    run = small("S0")
    own = tmp_path / "own"
    for corpus in ("partialspoof", "llamapartialspoof"):
        for source in (miniatures / "mini" / corpus).rglob("*"):
            target = own / "mini" / corpus / source.relative_to(miniatures / "mini" / corpus)
            if source.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(source)
    victim = next((own / "mini" / "partialspoof" / "train" / "con_wav").iterdir())
    victim.unlink()
    with pytest.raises(BenchError, match=rf"1 of 12 protocol lines have no audio.*{victim.name}"):
        DatasetCache(dataclasses.replace(config, work=own)).load_row(run)


@pytest.mark.parametrize("change", [lambda v: v[:-2], lambda v: np.concatenate([v, v[:2]])])
def test_labels_of_another_length_than_the_audio_are_refused(small, config, tmp_path, change):
    run = small("S0", "train.clip_s=0.16", "training.epochs=1")
    data = DatasetCache(config).load_row(run)
    vectors = data.train.subset.timing.spoof
    victim = data.train.subset.table["utterance"].iloc[3]
    timing = dataclasses.replace(
        data.train.subset.timing, spoof={**vectors, victim: change(vectors[victim])}
    )
    train = data.train._replace(subset=dataclasses.replace(data.train.subset, timing=timing))
    fabric = engine.make_fabric(config, "fp32")
    with raises_code("training.labels-length") as error:
        train_and_score(fabric, run, 7, data._replace(train=train), tmp_path / "r", config, Log())
    assert victim in str(error.value)


def _on_each(run, data, place, config, fabric):
    return train_and_score(fabric, run, 7, data, place, config, Log())


@pytest.mark.rows
def test_two_processes_train_and_score_every_utterance_once(small, config, tmp_path):
    run = small("S5", "training.epochs=1")
    two = dataclasses.replace(config, devices=2)
    fabric = engine.make_fabric(two, "fp32")
    data = DatasetCache(two).load_row(run)
    trained = fabric.launch(partial(_on_each, run, data, tmp_path / "run", two))
    alone = run_to_end(run, config, tmp_path / "alone")
    for name, path in trained.scores.items():
        table, expected = score_file.read_scores(path), score_file.read_scores(alone.scores[name])
        assert table.select(["utterance", "start_s", "label"]).equals(
            expected.select(["utterance", "start_s", "label"])
        )


@pytest.mark.slow
def test_states_within_epochs_change_nothing_on_two_devices(small, config, tmp_path):
    """Both processes take part in each state: they have to agree on when it is saved."""
    run = small("S5", "training.epochs=1", "training.batch_size=2")
    two = dataclasses.replace(config, devices=2)
    data, scores = DatasetCache(two).load_row(run), list[dict[str, list[float]]]()
    for minutes in (0.0, 1e-9):
        saving, place = (
            dataclasses.replace(two, checkpoint_minutes=minutes),
            tmp_path / str(minutes),
        )
        trained = engine.make_fabric(saving, "fp32").launch(
            partial(_on_each, run, data, place, saving)
        )
        found = {name: score_file.read_scores(path) for name, path in trained.scores.items()}
        scores.append({name: table["score"].to_pylist() for name, table in found.items()})
        assert trained.progress.step > epoch.AGREE_EVERY
    assert scores[0] == scores[1]


def hidden_types(run, config, place, monkeypatch) -> dict[bool, set[torch.dtype]]:
    """The types that linear layers of the front-end give, by whether they are trained."""
    found: dict[bool, set[torch.dtype]] = {True: set(), False: set()}
    built = engine.build_system

    def watched(*arguments):
        system = built(*arguments)
        for part in system.frontend.modules():
            if isinstance(part, torch.nn.Linear):
                part.register_forward_hook(
                    lambda part, _, output: found[part.training].add(output.dtype)
                )
        return system

    monkeypatch.setattr(engine, "build_system", watched)
    run_to_end(run, config, place)
    return found


@pytest.mark.parametrize(
    ("precision", "of_layers"),
    [("fp32", torch.float32), ("bf16-mixed", torch.bfloat16), ("fp16-mixed", torch.float16)],
)
def test_one_precision_is_trained_in_and_scored_in(
    small, config, tmp_path, monkeypatch, precision, of_layers
):
    """Lightning casts in `forward` alone on one device, and the engine calls `losses`."""
    run = small("S8", "training.epochs=1", f"training.precision='{precision}'")
    found = hidden_types(run, config, tmp_path / "run", monkeypatch)
    assert found == {True: {of_layers}, False: {of_layers}}


@pytest.mark.rows
@pytest.mark.parametrize(
    ("table", "row"),
    [
        ("tca/table2", "TCA"),
        pytest.param("mfpt/asvspoof5", "none", marks=pytest.mark.slow),
        ("breathnet/table4", "BreathNet"),
    ],
)
def test_every_system_is_trained_in_the_precision_asked_for(
    config, tmp_path, monkeypatch, table, row
):
    changed = ["training.epochs=1", "training.precision='bf16-mixed'"]
    run = table_cards.resolve_row(table_cards.read_table(table), row, "smoke", changed)
    found = hidden_types(run, config, tmp_path / "run", monkeypatch)
    assert found == {True: {torch.bfloat16}, False: {torch.bfloat16}}
