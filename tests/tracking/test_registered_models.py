"""Trained systems as MLflow models: what is loaded answers as what was kept."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import mlflow
import pytest
import torch

from bench.cards import table_cards
from bench.config import Config
from bench.metrics.measured import MetricResult
from bench.specs.kinds import kind_name
from bench.specs.systems import System
from bench.tracking import registered_models
from bench.tracking.model_pickle import MODULE, pack_module, unpack_module
from bench.tracking.run_record import RunRecord
from bench.tracking.store import Store
from bench.training import engine
from bench.training.checkpoints import load_checkpoint
from tests.errors import raises_code

ROWS = {
    "sal": ("sal/table4", "S8"),
    "tca": ("tca/table2", "TCA"),
    "breathnet": ("breathnet/table4", "BreathNet"),
    "mfpt": ("mfpt/asvspoof2021", "MFPT"),
    "aasist": ("aasist/asvspoof2019", "AASIST-L"),
    "multi-reso": ("multi-reso/partialspoof", "Multi-reso"),
    "composed": ("sls/asvspoof2021", "SLS"),
    "bam": ("bam/partialspoof", "BAM-WavLM"),
    "cfprf": ("cfprf/partialspoof", "FDN"),
}
FIGURES = {"partialspoof.eer": MetricResult(0.0361, 0.0350, 0.0372)}


def built(kind, tmp_path):
    key, row = ROWS[kind]
    run = table_cards.resolve_row(table_cards.read_table(key), row, "smoke")
    return run, engine.build_system(run, 1, Config(work=tmp_path)).eval()


def answer(system, run):
    torch.manual_seed(0)
    length = round(16_000 * (system.fixed_s or 2.56))
    waves = torch.randn(2, length)
    marks = torch.zeros(2, (length - 400) // 320 + 1, dtype=torch.bool)
    with torch.inference_mode():
        return system.predict(waves, marks, run.train.resolution_s)


def checkpoint(system, tmp_path: Path) -> Path:
    """The checkpoint of a system, with its module."""
    path = tmp_path / "kept.pt"
    content = {"system": system.state_dict(), "epoch": 3, MODULE: pack_module(system)}
    torch.save(content, path)
    return path


def test_every_system_is_tried():
    kinds = {*map(kind_name, System.list_members())}
    assert kinds == ROWS.keys()


@pytest.mark.rows
@pytest.mark.parametrize(
    ("kind", "tuning"),
    [(kind, tuning) for kind in ROWS for tuning in ("full", "lora") if kind != "aasist"]
    + [("aasist", "none")],
)
def test_a_loaded_model_answers_as_the_system_that_was_kept(kind, tuning, tmp_path):
    run, _ = built(kind, tmp_path)
    spec = {"tuning": {"kind": tuning}}
    if tuning == "none":
        spec = {}
    elif tuning == "lora":
        spec = {"tuning": {"kind": "lora", "rank": 2, "alpha": 4.0}, "convolutions": "frozen"}
    frontend = type(run.frontend).model_validate(run.frontend.model_dump() | spec)
    run = run.model_copy(update={"frontend": frontend})
    system = engine.build_system(run, 1, Config(work=tmp_path)).eval()
    before = answer(system, run)
    names = list(system.state_dict())
    path = checkpoint(system, tmp_path)
    registered_models.write_model(path, tmp_path / "model")
    assert path.samefile(tmp_path / "model" / registered_models.FILE)
    assert load_checkpoint(path)["system"].keys() == {*names}
    assert list(system.state_dict()) == names, "the system itself is left as it is"
    torch.testing.assert_close(answer(system, run), before)
    loaded = mlflow.pytorch.load_model(str(tmp_path / "model"))
    after = answer(loaded, run)
    torch.testing.assert_close(after.score, before.score)
    torch.testing.assert_close(after.logits, before.logits)


def test_a_checkpoint_without_all_weights_is_no_model(tmp_path):
    _, system = built("sal", tmp_path)
    content = load_checkpoint(checkpoint(system, tmp_path))
    name = next(name for name in content["system"] if name.endswith("bias"))
    del content["system"][name]
    with pytest.raises(ValueError, match=name):
        unpack_module(content)


@pytest.mark.slow
def test_a_model_is_loaded_in_another_process_without_the_work_folder(tmp_path):
    _, system = built("sal", tmp_path)
    registered_models.write_model(checkpoint(system, tmp_path), tmp_path / "model")
    code = (
        "import sys, warnings; warnings.simplefilter('ignore'); import mlflow.pytorch as p; "
        "print(type(p.load_model(sys.argv[1])).__name__)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip() == "SegmentAware"


@pytest.mark.rows
def test_models_are_registered_once_by_row_form_and_seed(
    store: Store, entry: RunRecord, smoke_entry: RunRecord, tmp_path
):
    _, system = built("tca", tmp_path)
    changed = replace(entry, seed=7, overrides=("training.epochs=3",))
    for of in (entry, replace(entry, seed=777), smoke_entry, changed):
        with store.begin_run(of) as tracked:
            tracked.add_model(checkpoint(system, tmp_path))
            tracked.add_model(checkpoint(system, tmp_path))
            tracked.finish_run(FIGURES)
    found = {of.name: of for of in store.client.search_registered_models()}
    own = f"sal-table4-S5-{entry.run.signature}"
    assert set(found) == {"sal-table4-S5", "sal-table4-S5-smoke", own}
    assert found["sal-table4-S5"].aliases == {"seed-666": 1, "seed-777": 2}
    assert found["sal-table4-S5-smoke"].description.startswith("**SMOKE: not a result.**")
    (version,) = store.client.search_model_versions("name = 'sal-table4-S5-smoke'")
    assert version.tags["form"] == "smoke"
    kept = store.load_model(store.search_runs(entry.table, entry.identity)[0].info.run_id)
    assert type(kept) is type(system)


@pytest.mark.rows
def test_a_model_of_renamed_code_says_which_commit_wrote_it(
    store: Store, entry: RunRecord, monkeypatch, subtests, tmp_path
):
    """As in stores from before modules and classes of the suite were renamed."""
    module = ModuleType("bench_before_a_rename")
    exec("from torch.nn import Linear\nclass Before(Linear):\n    pass\n", vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with store.begin_run(entry) as tracked:
        tracked.add_model(checkpoint(module.Before(1, 1), tmp_path))
        tracked.finish_run(FIGURES)
    commit = store.client.get_run(tracked.run_id).data.tags["commit"]
    assert commit
    parts = ("tracking.model-unreadable", tracked.run_id, f"commit {commit}")
    with subtests.test("class"):
        del module.Before
        with raises_code(*parts, "Before"):
            store.load_model(tracked.run_id)
    with subtests.test("module"):
        monkeypatch.delitem(sys.modules, module.__name__)
        with raises_code(*parts, "No module named 'bench_before_a_rename'"):
            store.load_model(tracked.run_id)


def test_a_run_without_a_model_says_so(store: Store, entry: RunRecord):
    with store.begin_run(entry) as tracked:
        tracked.finish_run(FIGURES)
    with raises_code("tracking.artifact-missing"):
        store.load_model(tracked.run_id)
