"""A finished row is served only while what it was made from is what lies there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from bench import versions
from bench._io.digests import list_digest
from bench.analysis.trained_rows import load_trained_rows
from bench.cards import table_cards
from bench.config import Config
from bench.data.corpora import read_corpus_split
from bench.evaluation import row_evaluation
from bench.reports.row_runs import select_row_runs
from bench.runner import local, trained_models
from bench.runner.request import RunRequest
from bench.specs.breath.dsp import Dsp
from bench.specs.breath.precomputed import Precomputed
from bench.tracking.store import Store
from bench.training import contents
from bench.training.row import DatasetCache
from tests.runner.stages import CARD, Watcher
from tests.tracked_frames import table_frame

CORPUS = "asvspoof2019la"


@pytest.fixture
def config(miniatures: Path, tmp_path: Path) -> Config:
    """A machine with a corpus of its own and a file of breaths that others found."""
    shutil.copytree(miniatures / "mini" / CORPUS, tmp_path / "mini" / CORPUS)
    found = Config(work=tmp_path, device="cpu", workers=0, weights={"own": tmp_path / "own.csv"})
    first = read_corpus_split(CORPUS, "train", found, "smoke").table["utterance"].iloc[0]
    (tmp_path / "own.csv").write_text(f"utterance,start_s,end_s\n{first},0.1,0.4\n")
    return found


@pytest.fixture
def card(tmp_path: Path):
    path = tmp_path / "card.toml"
    path.write_text(CARD, encoding="utf-8")
    return table_cards.parse_table("test/stages", path)


def order(card) -> RunRequest:
    own = "{kind='precomputed', intervals='own', absent='no-breath'}"
    parts = ("train", "dev", f"evaluate.{CORPUS}")
    return RunRequest(card, ["alone"], None, "smoke", [f"{part}.breath={own}" for part in parts])


def run(card, config: Config, watcher: Watcher, *, anew: bool = False) -> str:
    (outcome,) = local.run_jobs(order(card), config, Store(config), watcher, anew)
    assert outcome.state != "failed", outcome
    return outcome.state


def tracked(config: Config) -> dict[str, str]:
    client = MlflowClient(config.tracking_uri)
    experiment = client.get_experiment_by_name("test/stages")
    found = client.search_runs([experiment.experiment_id])
    return {run.data.tags["again"]: run.info.status for run in found}


def replace_breaths(config: Config) -> str:
    path = config.weights["own"]
    path.write_text(path.read_text().replace("0.4", "0.5"))  # of the same size
    return "breaths own"


def replace_audio(config: Config) -> str:
    first, second, *_ = sorted((config.work / "mini" / CORPUS).rglob("*train*/flac/*.flac"))
    shutil.copy(first, second)
    return f"audio {CORPUS}/train"


@pytest.mark.rows
@pytest.mark.parametrize("change", [replace_breaths, replace_audio])
def test_what_is_made_from_something_else_is_run_anew_and_said(card, config: Config, change):
    assert run(card, config, Watcher()) == "finished"
    assert run(card, config, Watcher()) == "already finished"
    name = change(config)
    watcher = Watcher()
    assert run(card, config, watcher) == "finished"
    assert f"alone · seed 7: run again, changed since it was finished: {name}" in watcher.said
    assert watcher.steps, "it was trained and not taken over"
    assert run(card, config, Watcher()) == "already finished"
    stored = Store(config).stored_runs("test/stages", "smoke")
    assert len(stored) == 2
    stands = select_row_runs(
        card, "alone", order(card).resolve_runs()["alone"].signatures, stored, "smoke"
    )
    assert [run.run_id for run in stands.runs] == [stored[-1].run_id]
    assert stands.left_out == {"with other weights, audio or breaths": 1}


@pytest.fixture
def raise_version(monkeypatch):
    """Declares a results version of a module, as a change of its code would."""
    declared = versions.read_version

    def raised(module: str, version: int = 2) -> None:
        changed = {module: version}
        monkeypatch.setattr(versions, "read_version", lambda of: changed.get(of) or declared(of))

    return raised


@pytest.mark.slow
def test_a_row_by_older_code_is_run_anew_and_said(card, config: Config, raise_version):
    assert run(card, config, Watcher()) == "finished"
    raise_version("specs/systems/tca")
    assert run(card, config, Watcher()) == "already finished", "the row does not use it"
    raise_version("specs/systems/sal")
    watcher = Watcher()
    assert run(card, config, watcher) == "finished"
    said = "run again, changed since it was finished: system sal (version 1 -> 2)"
    assert f"alone · seed 7: {said}" in watcher.said
    assert watcher.steps, "it was trained and not taken over"
    assert run(card, config, Watcher()) == "already finished"


@pytest.mark.rows
def test_results_by_an_older_metric_are_computed_anew_and_nothing_else(
    card, config: Config, raise_version, monkeypatch
):
    run(card, config, Watcher())
    first = table_frame(Store(config), "test/stages", "smoke").iloc[0]
    raise_version("metrics/det")
    computed = row_evaluation.evaluate_row

    def other(*arguments):
        found = computed(*arguments)
        return {**found, "eer": found["eer"]._replace(value=0.125)}

    monkeypatch.setattr(row_evaluation, "evaluate_row", other)
    shutil.rmtree(next(config.work.glob("runs/*/*/scores")))  # they are in the store as well
    watcher = Watcher()
    assert run(card, config, watcher) == "already finished"
    assert not watcher.steps
    said = "results computed anew from the score files: metric eer (version 1 -> 2)"
    assert f"alone · seed 7: {said}" in watcher.said
    second = table_frame(Store(config), "test/stages", "smoke").iloc[0]
    assert second[f"{CORPUS}.eer"] == 12.5 != first[f"{CORPUS}.eer"]
    assert second["run_id"] == first["run_id"]
    assert second["status"] == "FINISHED"
    again = Watcher()
    assert run(card, config, again) == "already finished"
    assert not again.said


@pytest.mark.parametrize(
    ("module", "training", "evaluation"),
    [
        ("specs/systems/sal", True, False),
        ("specs/frontends/tiny", True, False),
        ("training/engine", True, False),
        ("data/readers/protocol", True, True),
        ("data/audio", True, True),
        ("specs/breath/precomputed", True, True),
        ("specs/augment/mix_frame", False, False),
        ("data/frame_labels", False, False),
    ],
)
def test_what_is_used_of_changed_code_alone_is_done_anew(
    card, config: Config, raise_version, module, training, evaluation
):
    resolved = order(card).resolve_runs()["alone"]
    before = DatasetCache(config).load_row(resolved)
    raise_version(module)
    after = DatasetCache(config).load_row(resolved)
    assert (before.training_digests() != after.training_digests()) == training
    one, other = (of.evaluate[CORPUS].content_digests() for of in (before, after))
    assert (one != other) == evaluation


@pytest.mark.slow
def test_again_runs_a_row_anew_beside_the_earlier_run(card, config: Config):
    run(card, config, Watcher())
    (first,) = load_trained_rows(order(card), [None], config, print)
    before = (first.folder / "kept.pt").read_bytes()
    with pytest.raises(KeyboardInterrupt):
        run(card, config, StoppedAtOnce(), anew=True)
    assert tracked(config) == {"0": "FINISHED", "1": "KILLED"}
    (still,) = load_trained_rows(order(card), [None], config, print)
    assert still.folder == first.folder, "what is not finished stands for nothing"
    assert run(card, config, Watcher(), anew=True) == "finished"
    assert tracked(config) == {"0": "FINISHED", "1": "FINISHED"}
    assert run(card, config, Watcher()) == "already finished"
    (second,) = load_trained_rows(order(card), [None], config, print)
    assert second.folder != first.folder
    assert (first.folder / "kept.pt").read_bytes() == before
    model = trained_models.find_model(order(card), None, config, Store(config))
    assert model.source == str(second.folder / "kept.pt")
    stored = Store(config).stored_runs("test/stages", "smoke")
    stands = select_row_runs(
        card, "alone", order(card).resolve_runs()["alone"].signatures, stored, "smoke"
    )
    assert [run.run_id for run in stands.runs] == [stored[-1].run_id]


class StoppedAtOnce(Watcher):
    """Presses Ctrl-C at the first step."""

    def on_step(self, *_: object) -> None:
        raise KeyboardInterrupt


@pytest.mark.slow
def test_a_run_that_does_not_say_what_it_was_made_from_is_finished(
    card, config: Config, raise_version
):
    """Stores from before contents were looked at are not run anew."""
    run(card, config, Watcher())
    client = MlflowClient(config.tracking_uri)
    experiment = client.get_experiment_by_name("test/stages")
    (known,) = client.search_runs([experiment.experiment_id])
    for tag in ("contents", "made_from", "again", "versions"):
        client.delete_tag(known.info.run_id, tag)
    assert run(card, config, Watcher()) == "already finished"
    raise_version("specs/systems/sal")
    watcher = Watcher()
    assert run(card, config, watcher) == "finished"
    assert any("system sal (version 1 -> 2)" in text for text in watcher.said)


class TestContents:
    def test_of_breaths_are_a_file_s_content_or_a_version(self, tmp_path, monkeypatch):
        path = tmp_path / "own.csv"
        path.write_text("1")
        config = Config(work=tmp_path, weights={"own": path})
        spec = Precomputed(kind="precomputed", intervals="own")
        one = contents.breath_contents(spec, config)
        path.write_text("2")
        assert contents.breath_contents(spec, config) != one
        path.write_text("1")
        assert contents.breath_contents(spec, config) == one
        before = contents.breath_contents(Dsp(kind="dsp"), config)
        monkeypatch.setattr(versions, "read_version", lambda module: 99)
        assert contents.breath_contents(Dsp(kind="dsp"), config) != before

    def test_of_a_folder_of_weights_are_what_is_read_of_it(self, tmp_path):
        folder = tmp_path / "xls-r"
        folder.mkdir()
        for name in ("config.json", "model.safetensors", "README.md"):
            (folder / name).write_text("1")
        changes = ["frontend={kind='wav2vec2', weights='own'}"]
        run = table_cards.resolve_row(table_cards.read_table("table4"), "S0", "paper", changes)
        config = Config(work=tmp_path, weights={"own": folder})
        one = contents.training_contents(run, config)
        assert list(one) == ["weights own"]
        (folder / "README.md").write_text("2")
        assert contents.training_contents(run, config) == one
        (folder / "model.safetensors").write_text("2")
        assert contents.training_contents(run, config) != one

    def test_of_many_files_the_sizes_count_and_some_contents(self, tmp_path):
        paths = [tmp_path / f"{number:03d}" for number in range(200)]
        for path in paths:
            path.write_text("1")
        listed = [(path.name, path) for path in paths]
        one = list_digest(listed)
        assert list_digest(listed) == one
        paths[7].write_text("12")
        assert list_digest(listed) != one
        paths[7].write_text("1")
        assert list_digest(listed) == one
        paths[0].write_text("2")
        assert list_digest(listed) != one
        paths[0].unlink()
        assert list_digest(listed) != one
