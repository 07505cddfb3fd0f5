"""What a finished row keeps on the disk: all that others need, and not its last state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.config import Config
from bench.runner import local, training_folder
from bench.runner.request import RunRequest
from bench.tracking.run_folders import runs_by_folder
from bench.tracking.store import Store
from bench.tracking.tracked_run import TrackedRun
from bench.training import file_names, keeping
from tests.runner.stages import Watcher

KEPT = {"kept.pt", "progress.json", "run.toml", "selection.json"}
MEAN = 'training.keep={kind="average-last", checkpoints=2}'


def run(card, config: Config, row: str = "alone", *overrides: str) -> tuple[str, Watcher]:
    watcher = Watcher()
    order = RunRequest(card, [row], None, "smoke", overrides)
    (outcome,) = local.run_jobs(order, config, Store(config), watcher)
    assert outcome.state != "failed", outcome
    return outcome.state, watcher


def killed(*_: object) -> None:
    raise KeyboardInterrupt


def files(config: Config) -> list[set[str]]:
    """Return the names of the files in each training's folder."""
    places = sorted(config.work.glob("runs/*/seed-*"))
    return [{path.name for path in place.iterdir() if path.is_file()} for place in places]


def curves(config: Config) -> dict[str, object]:
    (known,) = Store(config).search_runs("test/stages", {"kind": "row"})
    told = {name: known.data.tags[name] for name in ("kept_epoch", "kept_dev", "threads")}
    own = {k: v for k, v in known.data.metrics.items() if k != "hours" and "system" not in k}
    return {**own, **told}


@pytest.mark.slow
def test_a_row_whose_last_epochs_are_averaged_keeps_their_mean_alone(card, config: Config):
    assert run(card, config, "alone", MEAN, "training.epochs=2")[0] == "finished"
    assert files(config) == [KEPT]


@pytest.mark.slow
def test_a_finished_stage_too_and_another_row_starts_from_it(card, config: Config):
    run(card, config, "two")
    assert files(config) == [KEPT, KEPT]
    places = {str(path.relative_to(config.work)) for path in config.work.glob("runs/*/seed-*")}
    assert (known := runs_by_folder(config)) is not None
    assert known.keys() == places, "each folder's runs are known to `bench prune`"
    assert {run.kind for runs in known.values() for run in runs} == {"row", "stage"}
    assert not any(run.in_progress for runs in known.values() for run in runs)
    state, watcher = run(card, config, "again")
    assert state == "finished"
    assert "again · seed 7 · start" not in watcher.steps
    assert files(config) == [KEPT, KEPT, KEPT]


@pytest.mark.slow
def test_a_training_whose_state_is_gone_is_told_again_and_not_trained_again(card, config: Config):
    """The store was lost, or another row has the same training."""
    run(card, config)
    before = curves(config)
    config = replace(config, tracking=f"sqlite:///{config.work}/other.db")
    state, watcher = run(card, config)
    assert state == "finished"
    assert watcher.steps == []
    found = curves(config)
    assert found == before
    split = "evaluate.asvspoof2019la.split=dev"
    state, watcher = run(card, config, "alone", split)
    assert state == "finished"
    assert watcher.steps == []
    assert len(files(config)) == 1


@pytest.mark.slow
def test_scores_and_a_stages_weights_are_stored_once(card, config: Config):
    """A row keeps its weights as a checkpoint and as a model, a stage as one file."""
    run(card, config, "two")
    for pattern, count in (("kept.pt", 2), ("*.parquet", 1)):
        own = [*config.work.glob(f"runs/*/*/**/{pattern}")]
        everywhere = [*config.work.rglob(pattern)]
        assert len(own) == count < len(everywhere), "the store has it, too"
        assert {path.stat().st_ino for path in everywhere} == {path.stat().st_ino for path in own}


@pytest.mark.rows
def test_nothing_goes_before_the_scores_are_in_the_store(card, config: Config, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(TrackedRun, "end_work", killed)
        with pytest.raises(KeyboardInterrupt):
            run(card, config)
    assert file_names.LAST_CHECKPOINT in files(config)[0]
    assert run(card, config)[0] == "finished"
    assert files(config) == [KEPT]


@pytest.mark.slow
def test_a_kill_between_the_store_and_the_removal_loses_nothing(card, config: Config, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(keeping, "release_state", killed)
        with pytest.raises(KeyboardInterrupt):
            run(card, config)
    assert files(config) == [KEPT - {"progress.json"} | {file_names.LAST_CHECKPOINT}]
    assert run(card, config)[0] == "finished", "its figures were left to compute"


def place_of_a_training(work: Path, *names: str) -> Path:
    place = work / "runs" / "aa-bb" / "seed-7"
    place.mkdir(parents=True)
    for name in ("lock", "kept.pt", "last.pt", "recent-1.pt", *names):
        (place / name).touch()
    return place


def test_what_nobody_will_go_on_with_keeps_no_checkpoint(tmp_path: Path):
    """A pruned trial's."""
    place = place_of_a_training(tmp_path, "run.toml")
    training_folder.abandon_training(place)
    assert {path.name for path in place.iterdir()} == {"lock", "run.toml"}


def test_what_has_ended_or_is_another_s_keeps_its_checkpoints(tmp_path: Path):
    ended = place_of_a_training(tmp_path / "ended", "selection.json")
    training_folder.abandon_training(ended)
    assert (ended / "last.pt").is_file()
    begun = place_of_a_training(tmp_path / "begun")
    with training_folder.hold_folder(begun) as mine:
        assert mine
        training_folder.abandon_training(begun)
    assert (begun / "last.pt").is_file()
    training_folder.abandon_training(tmp_path / "nowhere")


@pytest.mark.slow
def test_a_disk_that_lets_nothing_be_removed_fails_no_row(card, config: Config, monkeypatch):
    def refused(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(keeping, "release_state", refused)
    state, watcher = run(card, config)
    assert state == "finished"
    assert any("last.pt: could not be removed" in text for text in watcher.said)
