"""Intervals of verdicts, and the errors that figures rest on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.evaluation import render
from bench.evaluation.comparison import compare_score_files
from tests.evaluation.listed import frames, judge, listed, written


@pytest.fixture(scope="module")
def mini(miniatures: Path) -> Path:
    return miniatures / "mini"


def test_an_interval_draws_what_the_corpus_names_unless_told_otherwise(mini, tmp_path):
    for corpus, asked, drawn in (
        ("asvspoof2019la", "auto", "speakers and attacks"),
        ("inthewild", "auto", "speakers"),
        ("had", "auto", "utterances"),
        ("asvspoof2019la", "utterance", "utterances"),
        ("asvspoof2019la", "attack", "attacks"),
    ):
        one = judge(mini, corpus, resample=asked)
        verdict = one.evaluate_scores(one.read_scores(written(tmp_path, listed(mini, corpus))))
        assert (
            f"replicates (rough: these are few) that resample {drawn}, seed" in verdict.resampling
        )
        figure = verdict.results["eer"]
        plain = judge(mini, corpus, resample="utterance")
        alone = plain.evaluate_scores(
            plain.read_scores(written(tmp_path, listed(mini, corpus)))
        ).results["eer"]
        assert (figure.utterance_low, figure.utterance_high) == alone[1:3]
        assert verdict.otherwise == ("" if drawn == "utterances" else "utterances")
        shown = render.render_report(verdict)
        assert ("Intervals that resample utterances: verdict.json." in shown) == (
            drawn != "utterances"
        )
        assert render.report_as_dict(verdict)["results"]["eer"]["utterance_low"] == 100 * alone.low


def test_a_cell_without_an_error_has_no_interval_of_no_width(mini, tmp_path):
    """Separated trials: a bootstrap would say [0, 0] of every attack."""
    table = listed(mini, "asvspoof2019la")
    table["score"] = np.linspace(0, 1, len(table)) + 10 * table["bonafide"]
    one = judge(mini, "asvspoof2019la", by=(("attack",),))
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table)))
    lines = [line for of in verdict.breakdowns for line in of.lines]
    figures = [line.results["eer"] for line in lines if line.results] + [verdict.results["eer"]]
    for figure in figures:
        assert (figure.value, figure.missed, figure.accepted, figure.few) == (0, 0, 0, True)
        assert figure.high > 0
        assert figure.utterance_high > 0
    pooled = verdict.results["eer"]
    assert (pooled.bonafide, pooled.spoof) == (verdict.bonafide, verdict.spoof)
    shown = render.render_report(verdict)
    assert f" 0 of {verdict.bonafide} |" in shown
    assert "0.00 % to 0.00 %" not in shown
    assert "too few errors to judge" in shown  # cells of one or two trials
    found = render.render_comparison(
        compare_score_files(
            one,
            one.read_scores(written(tmp_path, table)),
            one.read_scores(written(tmp_path, table)),
        )
    )
    assert "too few errors to judge" in found


def test_errors_stand_beside_the_figures_that_they_carry(mini, tmp_path):
    table = listed(mini, "asvspoof2019la")
    one = judge(mini, "asvspoof2019la", by=(("attack",),))
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table)))
    rows = [
        line for line in render.render_report(verdict).splitlines() if line.startswith("| EER ")
    ]
    eer = verdict.results["eer"]
    rates = eer.missed / eer.bonafide, eer.accepted / eer.spoof
    assert np.mean(rates) == pytest.approx(eer.value)
    cells = [cell.strip() for cell in rows[0].split("|")]
    assert f"{eer.missed:,.0f} of {verdict.bonafide:,}" in cells
    assert f"{eer.accepted:,.0f} of {verdict.spoof:,}" in cells
    assert "Missed at the EER | Accepted at the EER |" in render.render_report(verdict)


def test_cells_whose_eer_hangs_on_ties_say_so(mini, tmp_path):
    table = listed(mini, "asvspoof2019la")
    table["score"] = np.arange(len(table)) / len(table) + 10 * table["bonafide"]
    first, second = sorted(set(table["attack"]) - {"-"})[:2]
    tied = (table["attack"] == first) | table["bonafide"]
    table.loc[tied, "score"] = 5.0
    one = judge(mini, "asvspoof2019la", by=(("attack",),))
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table)))
    ties = {line.levels[0]: line.ties for line in verdict.breakdowns[0].lines}
    assert ties[first].spoof == (table["attack"] == first).sum()
    assert ties[second] is None
    shown = render.render_report(verdict)
    (line,) = (line for line in shown.splitlines() if line.startswith(f"| {first}"))
    assert "% ᵉ |" in line
    assert "ᵉ: the EER depends on how ties are counted:" in shown
    assert f"- {first}: {table['bonafide'].sum()} bona fide and " in shown
    assert "any order of these gives 0.00 % to 100.00 %" in shown
    lines = render.report_as_dict(verdict)["breakdowns"][0]["lines"]
    assert lines[0]["ties"]["score"] == 5.0


def test_positions_and_distances_have_both_intervals(mini, tmp_path):
    one = judge(mini, "partialspoof")
    verdict = one.evaluate_scores(one.read_scores(frames(mini, tmp_path, 0.02, "frames.txt")))
    assert {figure.plan for figure in verdict.results.values()} == {"speaker"}
    for breakdown in verdict.breakdowns:
        for line in breakdown.lines:
            figure = line.results["error"]
            assert figure.low < figure.high
            assert figure.utterance_low < figure.utterance_high
            assert figure.plan == "speaker"


def test_figures_without_intervals_are_the_same_figures_with_the_same_errors(mini, tmp_path):
    table = listed(mini, "asvspoof2019la")
    paths = {
        "asvspoof2019la": written(tmp_path, table),
        "partialspoof": frames(mini, tmp_path, 0.02, "frames.txt"),
    }
    for corpus, path in paths.items():
        by = (("speaker",),)
        one, fast = (judge(mini, corpus, by=by, **how) for how in ({}, {"replicates": 0}))
        slow, quick = (of.evaluate_scores(of.read_scores(path)) for of in (one, fast))
        assert {*slow.results} == {*quick.results}
        pairs = [(slow.results[name], quick.results[name]) for name in slow.results]
        for own, other in zip(slow.breakdowns, quick.breakdowns, strict=True):
            for line, same in zip(own.lines, other.lines, strict=True):
                pairs += [(line.results[name], same.results[name]) for name in line.results]
        for own, other in pairs:
            assert own.value == other.value
            assert np.isnan([other.low, other.high, other.utterance_low]).all()
            counts = [(of.missed, of.accepted, of.bonafide, of.spoof) for of in (own, other)]
            np.testing.assert_array_equal(*counts)
        shown = render.render_report(quick)
        assert "interval |" not in shown
        assert "Intervals: none, as requested." in shown
        assert render.report_as_dict(quick)["results"]["eer"]["low"] is None
        found = compare_score_files(fast, fast.read_scores(path), fast.read_scores(path))
        assert "interval |" not in render.render_comparison(found)
        assert all(of.difference.value == 0 and np.isnan(of.corrected) for of in found.compared)
