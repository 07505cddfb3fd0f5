"""Trials that dev cannot tell apart are said to be so, and none of them is crowned."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.cards import sweep_cards
from bench.reports import sweep_report as reporting
from bench.reports.sweep_best import describe_best_trials, find_leaders, list_trial_numbers
from bench.runner import local
from bench.specs.sweep import Sweep
from bench.sweeps import trial_table
from bench.sweeps.trials import SweepRun
from bench.tracking.store import Store
from tests.sweeps.conftest import Formula, config, empty_store, finish
from tests.sweeps.trials import SMALL, Watcher, kept

__all__ = ["config", "empty_store"]

GRID = """
title = "λ"
from = "sal/table4:S7"
sampler.kind = "grid"

[space]
system.auxiliary.weight = { kind = "float", low = 0.1, high = 0.4, step = 0.1 }
"""


def made(card: Sweep, open_study, values: list[float], resolution: float | None) -> pd.DataFrame:
    """The kept table of a study whose trials had these dev EERs, as fractions."""

    class Known(Formula):
        def __call__(self, claim, seed, heard):
            return {"dev.eer": values[claim.number]}

    study = open_study(card)
    finish(study, Known(), len(values))
    return kept(trial_table.build_trial_table(study, {}, resolution))


@pytest.mark.parametrize(
    ("values", "resolution", "best"),
    [
        ([0.03, 0.02, 0.01, 0.04], None, [2]),
        ([0.03, 0.01, 0.01, 0.04], None, [1, 2]),
        ([0.0, 0.0, 0.0, 0.0], 0.0002, [0, 1, 2, 3]),
        # Printed alike: 1.00 %.
        ([0.03, 0.010001, 0.01, 0.04], None, [1, 2]),
        # One error apart, and two.
        ([0.0102, 0.0100, 0.0104, 0.04], 0.0002, [0, 1]),
        ([0.0102, 0.0100, 0.0104, 0.04], 0.0001, [1]),
    ],
)
def test_what_dev_cannot_tell_apart_is_a_tie(parse, open_study, values, resolution, best):
    card = parse(GRID)
    trials = made(card, open_study, values, resolution)
    assert list_trial_numbers(find_leaders(card, trials)) == best
    report = reporting.build_sweep_report(card, trials, {}, 0).markdown
    note = reporting.describe_study(card, trials)
    if len(best) == 1:
        assert f"Best: trial {best[0]}, dev.eer" in report
        assert f"Best: trial {best[0]}, dev.eer" in note
        assert report.count("[rows.made-") == 1
        assert "(tied)" not in report
        return
    for text in (report, note):
        assert "Best: trial" not in text
        assert f"No single best trial: {len(best)} of 4 finished trials have dev.eer" in text
        assert "dev does not separate them" in text
    assert report.count("(tied)") == len(best)
    assert [name for name in range(4) if f"[rows.made-{name}]" in report] == best
    assert f"**{100 * min(values):.2f}**" not in report


def test_a_tie_says_what_one_error_is_worth_and_whether_the_row_is_among_them(parse, open_study):
    card = parse(GRID)
    trials = made(card, open_study, [0.01, 0.01, 0.02, 0.02], 1 / (2 * 2548))
    said = describe_best_trials(card, trials)
    assert "dev.eer 1.00 (%)" in said
    assert "(one error of its smaller class is worth 0.0196)" in said
    assert "trial 0 (`system.auxiliary.weight = 0.1`)" in said
    assert "The row's own setting is among them." in said
    without = trials.drop(index=0)
    assert "own setting" not in describe_best_trials(card, without)
    assert describe_best_trials(card, trials.assign(state="failed")) == ""
    # A study kept before there was such a column ties where figures are printed alike.
    assert "(as printed)" in describe_best_trials(card, trials.drop(columns="resolution"))


def test_a_report_says_of_which_weights_the_objective_is(parse):
    run = sweep_cards.base_run(sweep_cards.read_sweep("breathnet-lambda"))
    assert run.training.keep.kind == "average-last"
    lambdas, grid = (
        reporting.build_sweep_report(card, None, {}, 0).markdown
        for card in (sweep_cards.read_sweep("breathnet-lambda"), parse(GRID))
    )
    assert "from the mean of the weights of the last 3 epochs, which are kept" in lambdas
    assert "from the epoch with the lowest dev.eer, whose weights are kept" in grid


@pytest.mark.rows
def test_trials_whose_kept_weights_reach_the_same_are_tied(parse, config, monkeypatch):
    attempt = local.run_job

    def levelled(*given):
        outcome = attempt(*given)
        return outcome._replace(kept_dev={"dev.eer": 0.125})

    monkeypatch.setattr(local, "run_job", levelled)
    card = parse(SMALL).model_copy(update={"trials": 2})
    sweeping = SweepRun(card, config, Store(config), Watcher(), None)
    assert [ended.objective for ended in sweeping.run_trials(2)] == [0.125, 0.125]
    said = sweeping.describe_standing()
    assert said.startswith("No single best trial: 2 of 2 finished trials have dev.eer 12.50 (%)")
    # Dev's frames of 160 ms, fewer of one class than of the other.
    assert "one error of its smaller class is worth" in said
    table = trial_table.build_trial_table(sweeping.study, {}, sweeping._resolution)
    worth = table["resolution"].iloc[0]
    assert 1 / (2 * worth / 100) == pytest.approx(round(1 / (2 * worth / 100)))
