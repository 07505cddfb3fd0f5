"""What is said of the paper's figure beside ours: by seeds, and never where errors are too few."""

from __future__ import annotations

import pandas as pd
import pytest

from bench.reports.completeness import count_results
from bench.reports.main_table import render_main_table
from bench.reports.reading_notes import describe_farthest
from bench.reports.result_cells import build_cells, choose_shown_row, find_best_rows
from bench.reports.row_runs import select_row_runs
from bench.reports.row_tests import RowTests
from bench.specs.table import Table
from tests.tracked_frames import as_runs

from .made import RUNS, tracked

NOTHING = RowTests({}, {})


def card(rows, metric="a.eer", **more):
    """A table of rows of our own with a paper's figure (or none) each."""
    return Table.model_validate(
        {
            "key": "made/cells",
            "title": "Made",
            "text_columns": ["System"],
            "columns": [{"heading": "EER", "metric": metric}],
            "seeds": [1],
            "rows": {
                name: {"cells": [name], "paper": {} if paper is None else {metric: paper}}
                for name, paper in rows.items()
            },
            **more,
        }
    )


def counted(value, low, high, missed, accepted):
    """An EER of 16 bona fide and 2 spoof trials with its interval and errors."""
    names = ("missed", "accepted", "bonafide", "spoof")
    counts = dict(zip(names, (missed, accepted, 16, 2), strict=True))
    more = {f"a.eer.{name}": count for name, count in counts.items()}
    return {"a.eer": value, "a.eer.low": low, "a.eer.high": high, **more}


def found_of(table, figures):
    """The cells of a table whose rows have the `figures`, one a seed."""
    lines = [
        tracked(row, seed, {"a.eer": (0.0, 0.0, 0.0)}) | figure
        for row, of_seeds in figures.items()
        for seed, figure in enumerate(of_seeds, 1)
    ]
    frame = pd.DataFrame(lines)
    return build_cells(
        table,
        {
            row: select_row_runs(table, row, RUNS[row].signatures, as_runs(frame), "paper")
            for row in figures
        },
    )


def plain(*values):
    """Figures of seeds with an interval, and errors enough."""
    return [counted(value, value - 0.1, value + 0.1, 40, 40) for value in values]


def ours(paper, *figures):
    (cell,) = found_of(card({"Both": paper}), {"Both": figures})
    return cell.ours


def test_one_or_two_seeds_give_no_verdict_however_far_the_paper_is():
    assert ours(9.0, *plain(3.0)).verdict == "one seed"
    assert ours(3.0, *plain(3.0)).verdict == "one seed"
    assert ours(3.0, *plain(3.0, 3.1)).verdict == "two seeds"


def test_with_three_seeds_the_papers_figure_is_one_more_draw(subtests):
    """Seeds 2.9, 3.0, 3.1: mean 3.0 and t(2) 4.303 · 0.1 · sqrt(4/3) = 0.497, half a unit 0.005."""
    cases = [(3.06, "inside"), (2.50, "inside"), (2.49, "outside"), (9.0, "outside")]
    for paper, verdict in cases:
        with subtests.test(paper=paper):
            assert ours(paper, *plain(2.9, 3.0, 3.1)).verdict == verdict


def test_no_error_in_the_sample_is_too_few_to_judge():
    """D1: `0.06 / 0.00 [0.00, 0.00] / -0.06, outside` of 16 bona fide and 2 spoof trials."""
    table = card({"Both": 0.06})
    found = found_of(table, {"Both": [counted(0.0, 0.0, 84.19, 0, 0)]})
    assert found[0].ours.verdict == "too few errors"
    text = render_main_table(table, found, (), NOTHING, "paper")
    assert "0.06 / 0.00 / -0.06 ᶠ <small>[0.00, 84.19]</small>" in text


def test_three_seeds_without_errors_do_not_put_the_paper_outside():
    figures = [counted(0.0, 0.0, 84.19, 0, 0)] * 3
    assert ours(0.06, *figures).verdict == "too few errors"
    assert ours(90.0, *figures).verdict == "outside", "an exact interval leaves it out"


def test_an_interval_of_an_older_run_without_any_width_is_not_printed():
    table = card({"Both": 0.06})
    figure = {"a.eer": 0.0, "a.eer.low": 0.0, "a.eer.high": 0.0}
    for seeds in (1, 3):
        found = found_of(table, {"Both": [figure] * seeds})
        assert found[0].ours.verdict == "too few errors"
        assert "[" not in render_main_table(table, found, (), NOTHING, "paper")


def test_counts_and_the_interval_by_utterances_are_means_over_seeds():
    figures = [counted(3.0, 2.5, 3.5, 40, 10), counted(3.0, 2.5, 3.5, 44, 12)]
    for figure in figures:
        figure |= {"a.eer.utterance_low": 2.9, "a.eer.utterance_high": 3.1}
    found = ours(3.0, *figures)
    assert (found.missed, found.accepted, found.bonafide, found.spoof) == (42, 11, 16, 2)
    assert (found.utterance_low, found.utterance_high) == pytest.approx((2.9, 3.1))
    assert found.values == (3.0, 3.0)  # noqa: PD011
    assert ours(3.0, {"a.eer": 3.0, "a.eer.low": 2.5, "a.eer.high": 3.5}).missed is None


def test_one_complete_row_is_not_the_best_of_anything_but_is_shown():
    table = card({"Both": 3.0, "Half": 3.0})
    found = found_of(table, {"Both": plain(3.0)})
    assert find_best_rows(table, 0, found) == frozenset()
    assert choose_shown_row(table, 0, found) == "Both"
    found = found_of(table, {"Both": plain(3.0), "Half": plain(2.0)})
    assert find_best_rows(table, 0, found) == {"Half"}
    assert choose_shown_row(table, 0, found) == "Half"


def test_the_farthest_is_not_whatever_the_paper_prints_as_zero():
    """D4: of a TCA Table 2 that is as the paper's but for 0.0043 beside 0.00 and 60.00 beside
    14.40, the farthest is the latter."""
    table = card({"Both": 0.0, "Half": 14.40, "Single": 3.0})
    near = [counted(0.0043, 0.001, 0.02, 40, 40)]
    found = found_of(table, {"Both": near, "Half": plain(60.0), "Single": plain(3.0)})
    assert count_results(table, found).farthest.row == "Half"
    found = found_of(table, {"Both": plain(37.5)})
    said = "Both, EER: ours 37.50, paper 0.00, relative to 0.005, half of the last printed digit"
    assert describe_farthest(table, count_results(table, found)) == said


def test_cells_without_a_verdict_count_apart():
    table = card({"Both": 0.0, "Half": 14.40, "Single": 3.0})
    figures = {
        "Both": [counted(0.0, 0.0, 84.19, 0, 0)] * 3,
        "Half": plain(14.0, 14.5, 15.0),
        "Single": plain(3.0),
    }
    counts = count_results(table, found_of(table, figures))
    assert (counts.inside, counts.outside, counts.few_errors, counts.few_seeds) == (1, 0, 1, 1)
    assert counts.farthest.row == "Half", "too few errors are never far"


def test_an_eer_that_hangs_on_equal_scores_has_a_mark():
    """16 bona fide and 2 spoofs: 1 of 2 spoofs beside 8 of 16 is as near as trials allow, 0 of 2
    beside 8 of 16 is not: eight share a score."""
    table = card({"Both": 40.0})
    for accepted, tied in ((1, False), (0, True)):
        found = found_of(table, {"Both": [counted(40.0, 20.0, 60.0, 8, accepted)]})
        assert found[0].ours.tied is tied
        assert ("40.00ᵉ" in render_main_table(table, found, (), NOTHING, "paper")) is tied
