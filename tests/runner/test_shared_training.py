"""Colleagues with one tracking store and work folders of their own train nothing twice."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import mlflow
import pytest
import torch
from mlflow.pytorch import pickle_module

from bench.analysis.trained_rows import load_trained_rows
from bench.cards import table_cards
from bench.config import Config
from bench.errors import BenchError
from bench.evaluation import score_file
from bench.runner import local, shared_training
from bench.runner.request import RunRequest
from bench.tracking import registered_models
from bench.tracking.address import local_folder
from bench.tracking.shared_runs import TAKEN_FROM
from bench.tracking.store import Store
from bench.training import checkpoints, file_names
from tests.runner.stages import CARD, Watcher

MORE = CARD.replace(
    'evaluate.asvspoof2019la = { corpus = "asvspoof2019la", split = "eval"',
    'evaluate.other = { corpus = "asvspoof2019la", split = "dev"',
).replace("asvspoof2019la.eer", "other.eer")


@pytest.fixture
def people(miniatures: Path, tmp_path: Path) -> tuple[Config, Config]:
    """Alice and Bob."""

    def person(name: str) -> Config:
        work = tmp_path / name
        work.mkdir()
        (work / "mini").symlink_to(miniatures / "mini")
        store = f"sqlite:///{tmp_path / 'mlflow.db'}"
        return Config(work=work, tracking=store, device="cpu", workers=0)

    return person("alice"), person("bob")


def card(folder: Path, key: str, text: str = CARD):
    path = folder / f"{key.replace('/', '-')}.toml"
    path.write_text(text, encoding="utf-8")
    return table_cards.parse_table(key, path)


def run(table, config: Config, row: str) -> Watcher:
    watcher = Watcher()
    (outcome,) = local.run_jobs(
        RunRequest(table, [row], None, "smoke"), config, Store(config), watcher
    )
    assert outcome.state == "finished", outcome
    return watcher


def scores(table, config: Config, row: str) -> list[float]:
    order = RunRequest(table, [row], None, "smoke")
    (found,) = load_trained_rows(order, [None], config, print)
    (evaluation,) = found.run.evaluate
    return score_file.read_scores(found.score_file(evaluation))["score"].to_pylist()


def weights(config: Config) -> dict[str, dict[str, torch.Tensor]]:
    return {
        str(path.relative_to(config.work)): checkpoints.load_checkpoint(path)["system"]
        for path in config.work.glob("runs/*/*/kept.pt")
    }


@pytest.mark.slow
def test_a_row_of_a_colleague_is_fetched_and_what_shares_its_training_is_evaluated_only(
    people, tmp_path
):
    alice, bob = people
    table, other = card(tmp_path, "test/stages"), card(tmp_path, "test/other", MORE)
    run(table, alice, "two")
    said: list[str] = []
    (row,) = load_trained_rows(RunRequest(table, ["two"], None, "smoke"), [None], bob, said.append)
    assert row.folder.is_relative_to(bob.work)
    assert any("its weights are taken over" in text for text in said)
    assert scores(table, bob, "two") == scores(table, alice, "two")
    assert (row.folder / "run.toml").is_file()
    assert row.load_system(bob) is not None
    again = run(table, bob, "again")  # it starts from the same stage
    assert "again · seed 7 · start" not in again.steps
    assert "again · seed 7" in again.steps
    evaluated = run(other, bob, "two")
    assert not evaluated.steps, "the weights are there"
    kept = weights(bob)
    for name, state in weights(alice).items():
        for tensor, value in state.items():
            assert torch.equal(kept[name][tensor], value), (name, tensor)
    (taken,) = Store(bob).search_runs("test/stages", {"row": "again", "kind": "stage"})
    assert TAKEN_FROM in taken.data.tags
    assert taken.data.metrics.keys() >= {"train.loss", "dev.eer"}


@pytest.mark.slow
def test_weights_of_another_digest_are_not_taken_over(people, tmp_path):
    alice, bob = people
    table, other = card(tmp_path, "test/stages"), card(tmp_path, "test/other", MORE)
    run(table, alice, "alone")
    store = Store(alice)
    (known,) = store.search_runs("test/stages", {"row": "alone"})
    right = known.data.tags[shared_training.WEIGHTS]
    store.client.set_tag(known.info.run_id, shared_training.WEIGHTS, "0" * 16)
    trained_here = run(other, bob, "alone")
    assert trained_here.steps
    (said,) = [text for text in trained_here.said if "cannot be used" in text]
    assert f"the digest of its weights is {right}, should be {'0' * 16}" in said
    store.client.set_tag(known.info.run_id, shared_training.WEIGHTS, right)
    (row,) = load_trained_rows(RunRequest(table, ["alone"], None, "smoke"), [None], bob, print)
    assert row.score_file("asvspoof2019la").is_file()


def model_folder(store: Store, row: str) -> Path:
    """The folder of the model of a row in a local store."""
    (found,) = store.search_runs("test/stages", {"row": row, "kind": "row"})
    folder = local_folder(found.info.artifact_uri)
    assert folder is not None
    return folder / registered_models.FOLDER


@pytest.mark.slow
def test_the_weights_of_a_finished_row_are_stored_once(people, tmp_path):
    alice, _ = people
    table = card(tmp_path, "test/stages")
    run(table, alice, "two")
    model = model_folder(Store(alice), "two") / registered_models.FILE
    kept = [*alice.work.glob("runs/*/*/kept.pt")]
    assert len(kept) == 2, "the row's and its stage's"
    assert [path.stat().st_nlink for path in kept] == [2, 2]
    assert any(path.samefile(model) for path in kept)
    assert not [*alice.work.glob("runs/*/*/last.pt")]
    loaded = mlflow.pytorch.load_model(str(model.parents[1]))
    own = next(path for path in kept if path.samefile(model))
    state = checkpoints.load_checkpoint(own)["system"]
    for name, tensor in loaded.state_dict().items():
        assert name not in state or torch.equal(tensor, state[name])


@pytest.mark.slow
def test_a_training_that_an_earlier_version_kept_is_taken_over(people, tmp_path):
    """It kept a pickled module of plain tensors, and beside it what these were computed from."""
    alice, bob = people
    table = card(tmp_path, "test/stages")
    run(table, alice, "alone")
    folder = model_folder(Store(alice), "alone")
    module = mlflow.pytorch.load_model(str(folder))
    state = next(iter(weights(alice).values()))
    (folder / registered_models.FILE).unlink()
    torch.save(module, folder / registered_models.FILE, pickle_module=pickle_module)
    (folder / "data" / "pickle_module_info.txt").write_text(pickle_module.__name__)
    rest = {name: tensor for name, tensor in state.items() if ".parametrizations." in name}
    assert rest
    torch.save({"system": rest}, folder.parent / "training" / "rest.pt")
    said: list[str] = []
    order = RunRequest(table, ["alone"], None, "smoke")
    load_trained_rows(order, [None], bob, said.append)
    assert any("its weights are taken over" in text for text in said)
    (taken,) = weights(bob).values()
    assert all(torch.equal(taken[name], tensor) for name, tensor in state.items())


class Known:
    """A store of which a run, or none, was trained in a folder."""

    uri = "the store"

    def __init__(self, *runs: SimpleNamespace) -> None:
        self.runs, self.asked = runs, list[str]()

    def runs_trained_in(self, place: str):
        self.asked.append(place)
        return self.runs

    def fetch_artifact(self, run_id: str, path: str, folder: Path) -> Path:
        raise BenchError("row.not-trained", f"run {run_id} keeps no {path}")


def kept_run(**tags: str) -> SimpleNamespace:
    known = {"table": "sal/table4", "row": "S7", "seed": "666", "kind": "row", **tags}
    return SimpleNamespace(info=SimpleNamespace(run_id="abc"), data=SimpleNamespace(tags=known))


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        ({}, "does not say the digest"),
        ({shared_training.WEIGHTS: "0"}, "keeps no training/progress.json"),
    ],
)
def test_what_cannot_be_taken_over_is_said_in_one_line(tmp_path, tags, why):
    store, said = Known(kept_run(**tags)), list[str]()
    place = tmp_path / "runs" / "abc" / "seed-666"
    assert shared_training.take_over(store, place, Config(work=tmp_path), said.append) == ""
    assert store.asked == ["runs/abc/seed-666"]
    (text,) = said
    assert why in text
    assert text.startswith("sal/table4, row S7, seed 666: run abc")
    assert not place.exists()


def test_a_training_that_was_begun_here_goes_on_here(tmp_path):
    store = Known(kept_run())
    place = tmp_path / "runs" / "abc" / "seed-666"
    place.mkdir(parents=True)
    (place / file_names.LAST_CHECKPOINT).touch()
    assert shared_training.take_over(store, place, Config(work=tmp_path), print) == ""
    assert not store.asked


def test_a_digest_is_of_names_types_shapes_and_values():
    state = {"a": torch.zeros(2, 3), "b": torch.tensor(1)}
    one = shared_training.state_digest(state)
    assert shared_training.state_digest(dict(reversed(state.items()))) == one
    for other in (
        {"a": torch.zeros(2, 3), "c": torch.tensor(1)},
        {"a": torch.zeros(3, 2), "b": torch.tensor(1)},
        {"a": torch.zeros(2, 3).half(), "b": torch.tensor(1)},
        {"a": torch.zeros(2, 3), "b": torch.tensor(2)},
    ):
        assert shared_training.state_digest(other) != one
