"""Trials are run as rows are: one engine, tracked below their study, found where they were done."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pandas as pd
import pytest
from requests import RequestException

from bench._io import disk
from bench._io.child_processes import ProcessBeside
from bench.cards import sweep_cards
from bench.config import Config
from bench.errors import RowFailed
from bench.runner import figure_queue
from bench.runner.network_sizes import weight_sizes
from bench.sweeps import remaining_trials
from bench.sweeps.trials import SweepRun
from bench.tracking import studies
from bench.tracking.store import Store
from bench.training import file_names
from bench.training.row import DatasetCache, training_path
from tests.sweeps.trials import SMALL, Watcher


def runs(config: Config) -> dict[str, object]:
    store = Store(config)
    found = store.search_runs("sweeps/made", {"form": "smoke"})
    return {run.info.run_name.partition(".")[0]: run for run in found}


def sweep(card, config, watcher=None):
    sweeping = SweepRun(card, config, Store(config), watcher or Watcher(), None)
    return sweeping, list(sweeping.run_trials(card.trial_count))


@pytest.mark.rows
def test_trials_are_nested_below_their_study_which_holds_table_and_figures(parse, config):
    card = parse(SMALL)
    sweeping, ended = sweep(card, config)
    assert [end.ending for end in ended] == ["finished"] * 3
    assert sweeping.close_study(3)
    found = runs(config)
    study = found.pop("study made")
    assert set(found) == {f"trial {number} · seed 666" for number in range(3)}
    assert study.info.status == "FINISHED"
    assert study.data.tags["kind"] == "study"
    for number in range(3):
        run = found[f"trial {number} · seed 666"]
        assert run.data.tags["mlflow.parentRunId"] == study.info.run_id
        assert (run.data.tags["kind"], run.data.tags["trial"]) == ("trial", str(number))
        assert run.data.tags["outcome"] == "finished"
        assert run.data.metrics["objective"] == pytest.approx(100 * ended[number].objective)
        assert float(run.data.params["system.auxiliary.weight"]) == pytest.approx(
            0.1 * (number + 1)
        )
        assert not [name for name in run.data.metrics if name.startswith("partialspoof")]
    best = min(ended, key=lambda end: end.objective)
    assert study.data.metrics["best"] == pytest.approx(100 * best.objective)
    assert sweeping.describe_standing()
    assert sweeping.describe_standing() in study.data.tags["mlflow.note.content"]
    client = Store(config).client
    artifacts = {file.path for file in client.list_artifacts(study.info.run_id, "figures")}
    assert artifacts == {
        f"figures/{name}.{kind}" for name in ("history", "slice") for kind in ("png", "svg", "pdf")
    }
    (kept,) = studies.read_studies(Store(config), card)
    assert kept.trials["state"].tolist() == ["finished"] * 3
    assert pd.to_numeric(kept.trials["objective"]).tolist() == pytest.approx(
        [100 * end.objective for end in ended]
    )
    other = card.model_copy(update={"objective": "dev.loss"})
    assert studies.read_studies(Store(config), other) == []


@pytest.mark.slow
def test_what_was_trained_is_found_by_its_signature(parse, config):
    card = parse(SMALL)
    _, first = sweep(card, config)
    # The study is lost, what the tracking store has of its trials is not.
    shutil.rmtree(config.work / "sweeps")
    watcher = Watcher()
    _, again = sweep(card, config, watcher)
    assert watcher.steps == []
    assert [end.objective for end in again] == pytest.approx([end.objective for end in first])
    assert len(runs(config)) == 4
    # Another study with the same points: what lies on disk is not trained again.
    other = parse(SMALL.replace("trials = 3", 'trials = 3\nevaluate = "as-row"'))
    watcher = Watcher()
    _, third = sweep(other, config, watcher)
    assert watcher.steps == []
    assert [end.objective for end in third] == pytest.approx([end.objective for end in first])
    tested = Store(config).search_runs("sweeps/made", {"kind": "trial", "form": "smoke"})
    assert sum("partialspoof.eer" in run.data.metrics for run in tested) == 3


@pytest.mark.rows
def test_a_stopped_trial_goes_on_in_its_run_to_the_same_objective(parse, config, tmp_path):
    whole = Config(work=tmp_path / "whole", device="cpu", workers=0)
    whole.work.mkdir()
    (whole.work / "mini").symlink_to(config.mini_root)
    shutil.copy(config.work / "mlflow.db", whole.work)
    card = parse(SMALL)
    _, expected = sweep(card, whole)
    with pytest.raises(KeyboardInterrupt):
        sweep(card, config, Watcher("trial 1", KeyboardInterrupt()))
    torn = runs(config)
    assert torn["trial 1 · seed 666"].info.status == "KILLED"
    _, ended = sweep(card, config)
    assert [end.number for end in ended] == [1, 2]
    assert [end.objective for end in ended] == [end.objective for end in expected[1:]]
    found = runs(config)
    assert len(found) == 4
    for name in ("study made", "trial 1 · seed 666"):
        assert found[name].info.run_id == torn[name].info.run_id


@pytest.mark.rows
def test_a_failing_trial_is_named_with_its_reason_and_the_others_are_run(parse, config):
    card = parse(SMALL)
    sweeping, ended = sweep(card, config, Watcher("trial 0", MemoryError("18 GiB")))
    assert [end.ending for end in ended] == ["failed", "finished", "finished"]
    assert ended[0].reason.startswith("there is not enough memory (18 GiB)")
    assert sweeping.close_study(3)
    failed = runs(config)["trial 0 · seed 666"]
    assert failed.info.status == "FAILED"
    assert "18 GiB" in failed.data.tags["failure"]
    assert failed.data.tags["outcome"] == "failed"
    (kept,) = studies.read_studies(Store(config), card)
    assert "18 GiB" in kept.trials["reason"][0]


@pytest.mark.rows
def test_a_pruned_trial_is_closed_as_killed_and_says_so(parse, config, monkeypatch):
    prunes = SMALL.replace("epochs = 2", 'epochs = 2\npruner = { kind = "median" }')
    sweeping = SweepRun(parse(prunes), config, Store(config), Watcher(), None)
    monkeypatch.setattr(sweeping.study.optuna.pruner, "prune", lambda study, trial: True)
    (ended,) = sweeping.run_trials(1)
    assert ended.ending == "pruned"
    run = runs(config)["trial 0 · seed 666"]
    assert run.info.status == "KILLED"
    assert run.data.tags["outcome"] == "pruned"
    assert not list(config.work.rglob("*.pt")), "nobody goes on with it"
    assert run.data.tags["failure"].startswith("Pruned: dev.eer")
    assert not sweeping.close_study(3), "two trials are missing"
    assert runs(config)["study made"].info.status == "KILLED"


@pytest.mark.rows
def test_the_earlier_training_of_a_trial_is_none_of_the_studys(parse, config):
    two = SMALL.replace("[space]", STAGED + "[space]")
    sweeping = SweepRun(parse(two), config, Store(config), Watcher(), None)
    (ended,) = sweeping.run_trials(1)
    assert ended.ending == "finished", ended
    assert sorted(sweeping.study.list_trials()[0].intermediate_values) == [1, 2]
    found = runs(config)
    stage = found["trial 0 · seed 666 · start"]
    assert stage.data.tags["mlflow.parentRunId"] == found["trial 0 · seed 666"].info.run_id
    assert stage.data.tags["kind"] == "stage"


STAGED = """
[base.start]
kind = "stage"
[base.start.stage]
training.epochs = 3
optimiser.learning_rate = 2e-3
"""


@pytest.mark.rows
def test_a_trial_lies_where_a_row_of_its_settings_would(parse, config):
    card = parse(SMALL)
    sweep(card.model_copy(update={"trials": 1}), config)
    run = sweep_cards.trial_run(card, card.grid_points()[0])
    data = DatasetCache(config).load_row(run)
    place = training_path(config.work, run, data, 666)
    assert (place / "kept.pt").is_file()
    row = run.model_copy(update={"evaluate": {"x": run.dev}})
    assert training_path(config.work, row, data, 666) == place


SHARED = STAGED + "system.auxiliary.weight = 0.2\n"


@pytest.mark.rows
@pytest.mark.parametrize(("start", "stages"), [("", 0), (STAGED, 3), (SHARED, 1)])
def test_the_trials_that_are_left_need_room_on_the_disk(parse, config, monkeypatch, start, stages):
    card = parse(SMALL.replace("[space]", start + "[space]"))
    sweeping = SweepRun(card, config, Store(config), Watcher("trial 1", KeyboardInterrupt()), None)
    weights = weight_sizes(sweep_cards.base_run(card))
    state = weights.all_bytes + 2 * weights.trained_bytes
    free = (3 + stages) * weights.all_bytes + 2 * state
    monkeypatch.setattr(disk, "free_bytes", lambda _: free)
    sweeping.require_room(3, jobs=1)
    sweeping.require_room(8, jobs=1)  # the grid has three points
    with pytest.raises(RowFailed, match="are needed and"):
        sweeping.require_room(3, jobs=2)
    monkeypatch.setattr(disk, "free_bytes", lambda _: free - 1)
    with pytest.raises(RowFailed, match="are needed and"):
        sweeping.require_room(3, jobs=1)
    assert runs(config)["study made"].info.status == "KILLED"
    if stages > 1:
        return
    with pytest.raises(KeyboardInterrupt):
        list(sweeping.run_trials(3))
    # One is finished; of the stopped one its files are there; the third is not begun.
    *earlier, begun, new = remaining_trials.list_remaining_trainings(sweeping.study, 3, config)
    assert [training.is_trained for training in earlier] == [True] * stages
    assert begun.taken_bytes > weights.all_bytes
    assert (new.taken_bytes, new.is_trained) == (0, False)
    sweeping.require_room(3, jobs=1)


@pytest.mark.rows
def test_a_tracking_server_that_is_away_for_a_while_costs_nothing(parse, config, monkeypatch):
    away = iter([True, True, False, False])

    def told(*_):
        if next(away):
            raise RequestException("refused")

    watcher = Watcher()
    sweeping = SweepRun(parse(SMALL), config, Store(config), watcher, None)
    monkeypatch.setattr(SweepRun, "_publish_study", told)
    assert [end.ending for end in sweeping.run_trials(3)] == ["finished"] * 3
    monkeypatch.undo()
    assert len(watcher.said) == 2
    assert "refused" in watcher.said[0]
    assert sweeping.close_study(3)
    study = runs(config)["study made"]
    assert {"best"} <= study.data.metrics.keys()


@pytest.mark.rows
def test_the_objective_of_averaged_weights_is_their_own(parse, config):
    averaged = '[base]\ntraining.keep = { kind = "average-last", checkpoints = 2 }\n'
    card = parse(SMALL.replace("trials = 3", "trials = 1").replace("[space]", averaged + "[space]"))
    _, (ended,) = sweep(card, config)
    (run,) = Store(config).search_runs("sweeps/made", {"kind": "trial", "form": "smoke"})
    assert run.data.tags["kept_epoch"] == "1-2"
    assert ended.objective == json.loads(run.data.tags["kept_dev"])["dev.eer"]
    assert run.data.metrics["objective"] == pytest.approx(100 * ended.objective)
    point = card.grid_points()[0]
    resolved = sweep_cards.trial_run(card, point)
    data = DatasetCache(config).load_row(resolved)
    kept = training_path(config.work, resolved, data, 666) / file_names.SELECTION
    assert json.loads(kept.read_text())["dev"]["dev.eer"] == ended.objective


@pytest.mark.rows
def test_figures_that_a_stop_left_out_of_a_finished_trial_come_with_the_next_sweep(
    parse, config, monkeypatch
):
    class Waiting(ProcessBeside):
        """Ctrl-C comes while it is waited for."""

        def is_over(self, wait_s: float = 0.0) -> bool:
            if wait_s:
                raise KeyboardInterrupt
            return False

    card = parse(SMALL).model_copy(update={"trials": 1, "evaluate": "as-row"})
    beside = replace(config, evaluate="beside")
    with monkeypatch.context() as patched:
        patched.setattr(figure_queue, "ProcessBeside", Waiting)
        sweeping = SweepRun(card, beside, Store(beside), Watcher(), None)
        with pytest.raises(KeyboardInterrupt):
            list(sweeping.run_trials(1))
    name = "trial 0 · seed 666"
    assert sweeping.study.count_ended() == 1, "the objective does not wait for figures"
    assert runs(config)[name].info.status == "KILLED"
    watcher = Watcher()
    _, more = sweep(card, config, watcher)
    assert (more, watcher.steps) == ([], [])
    assert runs(config)[name].info.status == "FINISHED"
    assert "partialspoof.eer" in runs(config)[name].data.metrics
