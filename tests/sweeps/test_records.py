"""A study as a table, its figures, its report, and the row that its best trial would be."""

from __future__ import annotations

import io
from pathlib import Path

import matplotlib.image
import pandas as pd
import pytest

from bench.cards import card_files, sweep_cards, table_cards
from bench.errors import BenchError
from bench.reports import sweep_report as reporting
from bench.reports.sweep_best import find_leaders
from bench.sweeps import trial_table
from bench.tracking.stored_runs import StoredRun
from tests.sweeps.conftest import Formula, finish
from tests.sweeps.trials import kept
from tests.tracked_frames import as_runs

pytestmark = pytest.mark.drawn

THREE = """
title = "Three $ dimensions"
from = "sal/table4:S7"
trials = 8
epochs = 3
sampler = { kind = "random", seed = 3 }
pruner = { kind = "median", startup_trials = 6 }

[space]
system.auxiliary.weight = { kind = "float", low = 0.01, high = 10.0, log = true }
mix = { kind = "categories", values = [{ kind = "none" }, { kind = "csm", rounds = 3 }] }
optimiser.learning_rate = { kind = "float", low = 1e-6, high = 1e-4, log = true }
"""


def runs_of(number: int, eer_by_seed: dict[int, float]) -> list[StoredRun]:
    """Return the runs of a trial."""
    lines = [
        {
            "row": f"trial {number}",
            "seed": seed,
            "hours": 0.5,
            "run_id": f"r{number}-{seed}",
            "device": "cpu",
            "a.eer": eer,
            "a.eer.low": eer - 1,
            "a.eer.high": eer + 1,
        }
        for seed, eer in eer_by_seed.items()
    ]
    return as_runs(pd.DataFrame(lines))


@pytest.fixture
def study(parse, open_study):
    def fail(claim):
        if claim.number == 2:
            raise BenchError("sweep.trial-failed", "diverged\nat step 3")

    made = open_study(parse(THREE))
    finish(made, Formula(fail), 12)
    return made


@pytest.fixture
def trials(study) -> pd.DataFrame:
    runs = {0: runs_of(0, {1: 10.0, 2: 20.0}), 1: runs_of(1, {1: 7.0})}
    return trial_table.build_trial_table(study, runs)


def test_a_line_says_what_a_trial_was(study, trials):
    assert trials["trial"].tolist() == list(range(12))
    assert set(trials["form"]) == {"smoke"}
    assert trials["state"].tolist()[:3] == ["finished", "finished", "failed"]
    assert "pruned" in set(trials["state"])
    first, second, failed = trials.to_dict("records")[:3]
    weight = first["system.auxiliary.weight"]
    assert first["objective"] == pytest.approx(abs(weight - 1)), "per cent"
    assert first["epochs"] == 3
    assert first["hours"] == 1.0
    assert first["runs"] == "r0-1 r0-2"
    assert first["a.eer"] == 15.0, "mean over seeds"
    assert second["a.eer"] == 7.0
    assert not [name for name in trials.columns if name.endswith((".low", ".high"))]
    assert failed["reason"] == "diverged at step 3"
    assert pd.isna(failed["objective"])
    point = sweep_cards.point_of(study.card, {k: str(v) for k, v in first.items()})
    run = sweep_cards.trial_run(study.card, point)
    assert first["signature"] == run.signature
    assert run.system.auxiliary.weight == weight


def test_importances_are_shares_and_the_dimension_that_matters_is_first(study, parse, open_study):
    found = trial_table.compute_importances(study)
    assert sum(found.values()) == pytest.approx(1)
    assert max(found, key=lambda name: found[name]) == "system.auxiliary.weight"
    assert trial_table.compute_importances(study) == found, "deterministic"
    few = open_study(parse(THREE), "few")
    finish(few, Formula(), 3)
    assert trial_table.compute_importances(few) == {}


@pytest.mark.every_kind
@pytest.mark.slow
def test_figures_of_every_kind_show_something(study, trials):
    made = reporting.build_sweep_report(
        study.card, kept(trials), trial_table.compute_importances(study), 0
    )
    assert set(made.figures) == {"history", "slice", "contour", "importances"}
    assert len(made.render_images) == 12
    for name, content in made.render_images.items():
        if name.endswith(".png"):
            assert matplotlib.image.imread(io.BytesIO(content)).std() > 0.01
        else:
            assert content.startswith(b"%PDF") if name.endswith(".pdf") else b"<svg" in content
        assert f"({name})" in made.markdown
    again = reporting.build_sweep_report(
        study.card, trials, trial_table.compute_importances(study), 0
    )
    assert again.render_images == made.render_images, "kept text and numbers are drawn alike"


@pytest.mark.rows
def test_the_report_names_the_best_and_every_trial(study, trials, tmp_path):
    made = reporting.build_sweep_report(
        study.card, kept(trials), trial_table.compute_importances(study), 1
    )
    finished = trials[trials["state"] == "finished"]
    best = finished.loc[finished["objective"].astype(float).idxmin()]
    assert made.markdown.startswith("# SMOKE: Three $ dimensions")
    assert "None of these numbers is a result" in made.markdown
    assert f"Best: trial {best['trial']}, dev.eer {best['objective']:.2f} (%)" in made.markdown
    assert "1 failed" in made.markdown
    assert "The card asks for 8." in made.markdown
    assert "diverged at step 3" in made.markdown
    assert "1 earlier study of this card on other data" in made.markdown
    assert len([line for line in made.markdown.splitlines() if "finished |" in line]) == len(
        finished
    )
    path = reporting.write_sweep_report(made, tmp_path)
    assert path.name == "sweep-made.smoke.md"
    assert reporting.find_stale_sweep_files(made, tmp_path) == []
    path.write_text("by hand", encoding="utf-8")
    (tmp_path / "sweep-made.smoke.slice.png").unlink()
    assert [p.name for p in reporting.find_stale_sweep_files(made, tmp_path)] == [
        "sweep-made.smoke.md",
        "sweep-made.smoke.slice.png",
    ]


def test_what_was_not_run_says_so(parse):
    made = reporting.build_sweep_report(parse(THREE, "paper"), None, {}, 0)
    assert made.markdown.count(reporting.NOT_RUN) == 2
    assert made.render_images == {}
    assert set(made.text_files) == {"sweep-made.md"}


def test_a_study_without_a_finished_trial_has_no_best(parse, open_study):
    def fail(claim):
        raise BenchError("sweep.trial-failed", "no")

    study = open_study(parse(THREE))
    finish(study, Formula(fail), 2)
    made = reporting.build_sweep_report(
        study.card, kept(trial_table.build_trial_table(study, {})), {}, 0
    )
    assert "No trial is finished." in made.markdown
    assert made.figures == {}


@pytest.mark.parametrize("form", ["paper", "smoke"])
@pytest.mark.parametrize("evaluate", ["nothing", "as-row"])
def test_the_fragment_pasted_into_its_table_is_the_trial(
    parse, open_study, tmp_path: Path, form, evaluate
):
    text = THREE.replace("epochs = 3", f'epochs = 3\nevaluate = "{evaluate}"', 1)
    card = parse(text, form)
    study = open_study(card)
    finish(study, Formula(), 3)
    trials = kept(trial_table.build_trial_table(study, {}))
    markdown = reporting.build_sweep_report(card, trials, {}, 0).markdown
    fragment = markdown.partition("```toml\n")[2].partition("```")[0]
    assert 'from = "S7"' in fragment
    table = card_files.card_folder("experiments") / "sal" / "table4.toml"
    whole = table.read_text(encoding="utf-8").replace("[smoke]", f"{fragment}\n[smoke]")
    (tmp_path / "table4.toml").write_text(whole, encoding="utf-8")
    pasted = table_cards.parse_table("sal/table4", tmp_path / "table4.toml")
    (best,) = find_leaders(card, trials)
    run = table_cards.resolve_row(pasted, f"made-{best['trial']}", form)
    assert run.training_signature == best["training_signature"]
    assert (run.signature == best["signature"]) == (evaluate == "as-row")
