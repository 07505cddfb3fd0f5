"""A row that evaluates its authors' weights: scored as trained rows are, and nothing is trained."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.analysis.trained_rows import load_trained_rows
from bench.cards import table_cards
from bench.config import Config
from bench.data.audio import read_wave
from bench.evaluation import score_file
from bench.reports.document import build_report
from bench.reports.variant_rows import add_variant_rows
from bench.runner import costs, local, trained_models
from bench.runner.request import RunRequest
from bench.runner.requirements import missing_requirements
from bench.specs.corpus import Audio
from bench.specs.run import PUBLISHED_WEIGHTS
from bench.tracking.store import Store
from bench.training import engine
from tests.runner.stages import Watcher

pytestmark = pytest.mark.rows

KEY, ROW, CORPUS = "aasist/asvspoof2019", "AASIST-L-released", "asvspoof2019la"


@pytest.fixture(scope="module")
def config(miniatures: Path, official: Path, tmp_path_factory) -> Config:
    """A machine with AASIST-L's weights and an evaluation set, without data to train on."""
    work = tmp_path_factory.mktemp("released")
    root = work / "LA"
    root.mkdir()
    for path in (miniatures / "mini" / CORPUS).iterdir():
        if "train" not in path.name and "dev" not in path.name:
            (root / path.name).symlink_to(path)
    weights = official / "asvspoof2019_la" / "weights" / "AASIST-L.pth"
    return Config(
        work=work, device="cpu", workers=0, corpora={CORPUS: root}, weights={"aasist_l": weights}
    )


@pytest.fixture(scope="module")
def order() -> RunRequest:
    return RunRequest(table_cards.read_table(KEY), [ROW], 3, "paper")


@pytest.fixture(scope="module")
def finished(order: RunRequest, config: Config) -> str:
    """The id of the row's run, the only one though three seeds are asked for."""
    order.require_available(config)
    (outcome,) = local.run_jobs(order, config, Store(config), Watcher())
    assert (outcome.state, outcome.kept_dev) == ("finished", {}), outcome
    (run,) = Store(config).search_runs(KEY, {"row": ROW})
    return run.info.run_id


def scores_of(config: Config) -> Path:
    (path,) = (config.work / "runs").rglob("*.parquet")
    return path


def test_scores_are_those_of_the_published_weights(finished, order, config):
    (job,) = local.plan_jobs(order, config)
    system = engine.build_system(job.run, 1, config).eval()
    table = score_file.read_scores(scores_of(config))
    names = table["utterance"].to_pylist()
    assert len(names) == len(job.data.evaluate[CORPUS].subset)
    subset = job.data.evaluate[CORPUS].subset
    wave = read_wave(subset.audio_path(0), Audio())
    with torch.inference_mode():
        expected = system.clip_logits(torch.from_numpy(np.resize(wave, 64_600))[None])[0, 0]
    assert table["score"].to_pylist()[0] == pytest.approx(expected.item(), abs=1e-4)


def test_nothing_is_trained_and_no_weights_are_kept(finished, config):
    run = Store(config).client.get_run(finished)
    tags = run.data.tags
    assert tags["weights_by"] == PUBLISHED_WEIGHTS
    assert not {"kept_epoch", "kept_dev", "weights_digest"} & tags.keys()
    assert run.data.params["training.kind"] == "none"
    assert json.loads(tags["made_from"])["weights aasist_l"] == "814331d088032bb4"
    assert json.loads(tags["fingerprints"]).keys() == {f"{CORPUS}/eval"}
    assert not [*(config.work / "runs").rglob("*.pt")]
    assert not Store(config).artifact_names(finished, "model")
    assert not [name for name in run.data.metrics if name.startswith(("train.", "dev."))]
    assert f"{CORPUS}.eer" in run.data.metrics


def test_it_is_finished_then_and_found_as_a_model(finished, order, config):
    store = Store(config)
    (outcome,) = local.run_jobs(order, config, store, Watcher())
    assert outcome.state == "already finished"
    model = trained_models.find_model(order, None, config, store)
    assert PUBLISHED_WEIGHTS in model.source
    (row,) = load_trained_rows(order, [None], config, print)
    assert row.is_whole
    own, other = (one.state_dict() for one in (row.load_system(config), model.system))
    assert all(torch.equal(own[name], other[name]) for name in own)


def test_reports_mark_it(finished, order, config):
    table, paper = table_cards.read_table(KEY), table_cards.read_paper("aasist")
    runs = {
        row: table_cards.resolve_row(table, row, "paper")
        for row in table_cards.runnable_rows(table)
    }
    store = Store(config)
    stored, scored = store.stored_runs(KEY, "paper"), store.scored_records(KEY, "paper")
    made = build_report(table, paper, runs, stored, scored, "paper")
    lines = [line for line in made.markdown.splitlines() if PUBLISHED_WEIGHTS in line]
    assert any("AASIST-L.pth" in line and "0.99" in line for line in lines)
    assert PUBLISHED_WEIGHTS in made.csv
    marked, _ = add_variant_rows(table, runs, stored, "paper")
    assert PUBLISHED_WEIGHTS not in " ".join(marked.rows["AASIST-L"].cells)
    assert table.rows[ROW].cells == ("AASIST-L", "AASIST-L.pth")


def test_what_is_missing_of_it_are_weights_and_evaluation_data_alone(order):
    (run,) = order.resolve_runs().values()
    missing = "\n".join(missing_requirements(run, Config()))
    assert "AASIST-L.pth" in missing
    assert "ASVspoof 2019 LA" in missing or CORPUS in missing
    assert len(missing_requirements(run, Config())) == 2


def test_it_costs_an_evaluation_and_no_disk(order, config, tmp_path):
    empty = Config(work=tmp_path, device="cpu")
    for again in (False, True):
        (training,) = costs.remaining_trainings(order, empty, again)
        assert training.is_trained
        assert costs.needed_space([training]).total == 0


def test_its_smoke_form_needs_no_weights(miniatures, tmp_path):
    (tmp_path / "mini").symlink_to(miniatures / "mini")
    config = Config(work=tmp_path, device="cpu", workers=0)
    order = RunRequest(table_cards.read_table(KEY), [ROW], 1, "smoke")
    (outcome,) = local.run_jobs(order, config, Store(config), Watcher())
    assert outcome.state == "finished", outcome
