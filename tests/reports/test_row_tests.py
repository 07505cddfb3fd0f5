"""Which rows are said to differ: only where it was tested, and corrected for all pairs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.cards import table_cards
from bench.evaluation.draws import NOT_DRAWN, MetricDraws
from bench.metrics.between import SeededResult, compare_systems
from bench.metrics.mistakes import Mistakes
from bench.metrics.paired import correct_holm
from bench.reports.result_cells import build_cells
from bench.reports.row_runs import select_row_runs
from bench.reports.row_tests import compare_all_rows
from bench.reports.significance import describe_significance, list_claims
from bench.specs.table import Table
from tests.tracked_frames import as_runs

from .made import COMBINED, RUNS, Kept, around, combined_frame, settings, tracked


def table(names, **more):
    """A made table of one column; each row is derived from the one before."""
    rows = {
        name: {"cells": [name], **({"from": before} if before else {})}
        for before, name in zip([None, *names], names, strict=False)
    }
    column = {"heading": "EER", "metric": "a.eer", **more}
    return Table.model_validate(
        {
            "key": "made/rows",
            "title": "Made",
            "text_columns": ["System"],
            "columns": [column],
            "seeds": [1],
            "rows": rows,
        }
    )


def compare(card, lines, kept):
    runs = {row: settings(place) for place, row in enumerate(card.rows)}
    for line in lines:
        line["signature"] = runs[line["row"]].signature
    frame = pd.DataFrame(lines)
    stands = {
        row: select_row_runs(card, row, run.signatures, as_runs(frame), "paper")
        for row, run in runs.items()
    }
    found = build_cells(card, stands)
    return found, compare_all_rows(card, found, stands, kept(frame) if callable(kept) else kept)


def run(row, eer, seed=1, width=0.1):
    values = {"a.eer": (eer, eer - width, eer + width)}
    return tracked(row, seed, values, run_id=f"{row}{seed}".ljust(32, "0"))


def test_every_pair_is_tested_and_corrected_for_all_pairs():
    card = table(["A", "B", "C"])
    lines = [run("A", 5.0), run("B", 4.9), run("C", 3.0)]
    found, comparisons = compare(card, lines, Kept)
    kept = Kept(pd.DataFrame(lines))
    drawn = {line["row"]: kept.read_draws(line["run_id"], "a", ["eer"])["eer"][1] for line in lines}
    system = {
        line["row"]: SeededResult(np.array([line["a.eer"]]), 100 * drawn[line["row"]][None])
        for line in lines
    }
    pairs = [("A", "B"), ("A", "C"), ("B", "C")]
    plain = [compare_systems(system[two], system[one]) for one, two in pairs]
    for (one, two), alone, p_value in zip(
        pairs, plain, correct_holm([p.p_value for p in plain]), strict=True
    ):
        tested = comparisons.tested[0, one, two]
        assert tested.difference == pytest.approx(alone)
        assert tested.corrected == p_value
        assert comparisons.tested[0, two, one].difference.value == pytest.approx(-alone.value)
    assert (
        list_claims(card, found, comparisons)[0] == "EER: C is best, significantly better than A, B"
    )


def test_beats_is_said_only_where_it_holds():
    card = table(["A", "B"])
    for eer, said in (
        (4.95, "B is best; no significant difference from A"),
        (4.0, "B is best, significantly better than A"),
    ):
        found, comparisons = compare(card, [run("A", 5.0), run("B", eer)], Kept)
        text = describe_significance(card, found, comparisons, "paper")
        assert list_claims(card, found, comparisons)[0] == f"EER: {said}"
        assert ("**better** -1.00" in text) == (eer == 4.0)


def test_equal_tops_make_one_sentence():
    """D8: one sentence for each said of A that it is best and not told apart from B, and of B."""
    card = table(["A", "B", "C"])
    found, comparisons = compare(card, [run("A", 0.001), run("B", 0.0), run("C", 5.0)], Kept)
    said = [line for line in list_claims(card, found, comparisons) if line.startswith("EER")]
    assert said == ["EER: A, B are equally best, significantly better than C"]
    found, comparisons = compare(card, [run("A", 0.0), run("B", 0.001)], Kept)
    assert list_claims(card, found, comparisons)[0] == "EER: A, B are equally best"


def test_a_higher_f1_is_better():
    card = table(["A", "B"], metric="a.f1")
    lines = [
        tracked("A", 1, {"a.f1": (90.0, 89.9, 90.1)}),
        tracked("B", 1, {"a.f1": (80.0, 79.9, 80.1)}),
    ]
    text = describe_significance(card, *compare(card, lines, Kept), "paper")
    assert "| B - A | **worse** -10.00" in text


def test_seeds_that_disagree_hide_what_trials_show():
    card = table(["A", "B"])
    seeds = [(1, 0.0), (2, 2.0), (3, -2.0)]
    lines = [
        run(row, eer + off, seed) for row, eer in (("A", 6.0), ("B", 5.0)) for seed, off in seeds
    ]
    found, comparisons = compare(card, lines, Kept)
    assert not comparisons.tested[0, "A", "B"].is_significant
    assert comparisons.tested[0, "A", "B"].difference.over_seeds
    assert list_claims(card, found, comparisons) == [
        "EER: B is best; no significant difference from A"
    ]
    _, alone = compare(card, lines[::3], Kept)
    assert alone.tested[0, "A", "B"].is_significant


def test_what_cannot_be_tested_says_why():
    card = table(["A", "B", "C", "D", "E"])
    lines = [run("A", 5.0), run("B", 4.0), run("C", 3.0), tracked("D", 1)]
    away = [("C1".ljust(32, "0"), "a")]
    found, comparisons = compare(card, lines, lambda frame: Kept(frame, absent=away))
    text = describe_significance(card, found, comparisons, "paper")
    assert "C (the score file of seed 1 is not in the tracking store)" in text
    assert "D, E (not run)" in text
    assert list_claims(card, found, comparisons) == [], "the best row is not tested"
    assert "not tested (the score file of seed 1" in text
    _, comparisons = compare(card, lines, None)
    assert not comparisons.tested


class Fixed:
    """Gives every run's replicates as `of` says."""

    def __init__(self, of):
        self.of = of

    def read_draws(self, run_id, evaluation, figures):
        return {name: self.of(run_id) for name in figures}


def test_rows_with_too_few_errors_are_not_judged():
    """No replicate of a system without errors has one, so that any difference looked certain."""
    card = table(["A", "B"])
    nobody = Mistakes(
        np.zeros(0, np.int64), np.zeros((2, 0)), np.zeros((1, 0), np.int64), 0.0, 0.0004
    )
    sure = Fixed(lambda run_id: MetricDraws("t", np.full(100, 0.0001 * (run_id[0] == "B")), nobody))
    found, comparisons = compare(card, [run("A", 0.0), run("B", 0.01)], sure)
    assert comparisons.tested[0, "A", "B"].has_few_errors
    assert not comparisons.tested[0, "A", "B"].is_significant
    assert (
        list_claims(card, found, comparisons)[0]
        == "EER: A is best; too few errors to compare it with B"
    )
    text = describe_significance(card, found, comparisons, "paper")
    assert "| B - A | +0.01 [-0.03, +0.04], too few errors to judge |" in text


def test_rows_on_other_trials_are_not_compared():
    card = table(["A", "B"])
    values = np.linspace(0.04, 0.05, 100)
    other = Fixed(lambda run_id: MetricDraws(run_id, values))
    found, comparisons = compare(card, [run("A", 5.0), run("B", 4.0)], other)
    assert not comparisons.tested
    none = Fixed(lambda run_id: NOT_DRAWN)
    found, comparisons = compare(card, [run("A", 5.0), run("B", 4.0)], none)
    assert "needs more than a score file contains" in describe_significance(
        card, found, comparisons, "paper"
    )


def test_a_mean_is_drawn_from_its_parts():
    lines = combined_frame()
    stands = {
        row: select_row_runs(COMBINED, row, RUNS[row].signatures, as_runs(lines), "paper")
        for row in ("Both", "Single")
    }
    found = tuple(cell for cell in build_cells(COMBINED, stands) if cell.row in stands)
    comparisons = compare_all_rows(COMBINED, found, stands, Kept(lines))
    parts = [comparisons.tested[n, "Both", "Single"].difference.value for n in (0, 1)]
    mean = comparisons.tested[2, "Both", "Single"].difference
    assert mean.value == pytest.approx(sum(parts) / 2)
    assert mean.over_seeds


def test_two_complete_rows_alone_are_drawn():
    """No score file is read for a table with one row."""
    card = table(["A", "B"])

    class Never:
        def read_draws(self, *_):
            raise AssertionError

    _, comparisons = compare(card, [run("A", 5.0)], Never())
    assert comparisons.untested == {(0, "B"): "not run"}


def test_p_values_never_round_across_the_level():
    from bench.reports.significance import _p_value

    assert [_p_value(of) for of in (0.0004, 0.0321, 0.05, 0.0500001, 1.0)] == [
        "< 0.001",
        "0.032",
        "0.050",
        "0.0500001",
        "1.000",
    ]


def test_a_figure_that_one_row_lacks_leaves_the_others_alone():
    card = table(["A", "B", "C"])
    lines = [run("A", 5.0), run("B", 4.0), tracked("C", 1, around(c=1.0))]
    _, comparisons = compare(card, lines, Kept)
    assert (0, "A", "B") in comparisons.tested
    assert comparisons.untested == {(0, "C"): "not run"}


def test_no_table_compares_what_it_cannot_tell():
    """Every column of a table whose rows can be compared has replicates, or says why not."""
    undrawable = {
        column.metric
        for key in table_cards.table_keys()
        if len(table_cards.runnable_rows(table_cards.read_table(key))) > 1
        for column in table_cards.read_table(key).columns
        for metric in (column.parts or (column.metric,))
        if metric.rpartition(".")[2] not in ("eer", "f1", "min_dcf", "cllr", "min_tdcf")
    }
    assert undrawable == set()
