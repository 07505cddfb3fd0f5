"""Metrics of decisions and regions in reports: their threshold, on request, compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, precision_score

from bench.data.asv import read_asv_scores
from bench.evaluation import render
from bench.evaluation.comparison import compare_score_files
from bench.metrics.dcf import DcfCosts, actual_dcf, minimum_dcf
from bench.metrics.det import eer_by_class
from bench.metrics.grid import segment_eer
from bench.metrics.proposals import weigh_ap
from bench.metrics.ranges import range_eer
from bench.metrics.regions import pair_regions, weigh_event_f1
from bench.metrics.tally import count_scores
from bench.metrics.tdcf import asv_errors, coefficients_2019, coefficients_2021, minimum_tdcf
from tests.errors import raises_code
from tests.evaluation.listed import frames, judge, listed, written

REGIONS = ("event_precision", "event_f1_iou75", "ap_iou95", "ar_n1", "boundary_f1_40ms", "add2023")
OF_UTTERANCES = ("precision", "f1_spoof", "accuracy", "balanced_accuracy")


@pytest.fixture(scope="module")
def mini(miniatures: Path) -> Path:
    return miniatures / "mini"


def evaluated(one, path):
    matched = one.read_scores(path)
    return matched, one.evaluate_scores(matched)


@pytest.mark.parametrize("threshold", [None, 0.5, "eer"])
def test_regions_follow_from_the_stated_threshold(mini, tmp_path, threshold):
    one = judge(mini, "partialspoof", metrics=REGIONS, threshold=threshold)
    matched, report = evaluated(one, frames(mini, tmp_path, 0.02, "frames.txt"))
    scored, truth = matched.checked.frames, matched.truth
    at = {None: 0.0, 0.5: 0.5, "eer": segment_eer(scored, truth, 0.02).threshold}[threshold]
    pairs = pair_regions(scored, truth, at)
    assert report.results["event_f1"].value == weigh_event_f1(pairs, 50).value
    assert report.results["event_f1_iou75"].value == weigh_event_f1(pairs, 75).value
    assert report.results["ap_iou95"].value == weigh_ap(pairs, 95).value
    assert {*REGIONS, "f1", "range_eer"} <= {*report.results}
    assert any(
        f"bona fide by score > {at:g}" in note and "event F1" in note for note in report.notes
    )
    text = render.render_report(report)
    for label in ("event F1 at IoU 0.50", "AP at IoU 0.95", "AR at 1 regions", "ADD 2023 score"):
        assert f"| {label} " in text
    in_json = render.report_as_dict(report)["results"]["boundary_f1_40ms"]
    assert (in_json["unit"], in_json["value"]) == (
        "%",
        100 * report.results["boundary_f1_40ms"].value,
    )


def test_frames_on_no_grid_have_regions_and_the_threshold_of_the_range_eer(mini, tmp_path):
    path = frames(mini, tmp_path, 0.02, "frames.txt")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for n, line in enumerate(lines) if n % 7 or n < 3) + "\n")
    one = judge(mini, "partialspoof", threshold="eer")
    matched, report = evaluated(one, path)
    scored, truth = matched.checked.frames, matched.truth
    at = range_eer(scored, truth).threshold
    assert "f1" not in report.results
    assert (
        report.results["event_f1"].value
        == weigh_event_f1(pair_regions(scored, truth, at), 50).value
    )


@pytest.mark.parametrize("threshold", [None, 0.7])
def test_utterances_are_decided_at_the_eer_or_at_a_stated_score(mini, tmp_path, threshold):
    table = listed(mini, "asvspoof2019la")
    bonafide, score = table["bonafide"].to_numpy(), table["score"].to_numpy()
    at = threshold
    if at is None:
        at = eer_by_class(score[bonafide], score[~bonafide]).threshold
    one = judge(
        mini,
        "asvspoof2019la",
        metrics=("eer", *OF_UTTERANCES),
        by=(("attack",),),
        threshold=threshold,
    )
    _, report = evaluated(one, written(tmp_path, table))
    found = {name: report.results[name] for name in OF_UTTERANCES}
    decided = score > at
    assert found["accuracy"].value == pytest.approx(accuracy_score(bonafide, decided))
    balanced = balanced_accuracy_score(bonafide, decided)
    assert found["balanced_accuracy"].value == pytest.approx(balanced)
    assert found["precision"].value == pytest.approx(precision_score(bonafide, decided))
    assert found["f1_spoof"].value == pytest.approx(f1_score(~bonafide, ~decided))
    assert found["accuracy"].missed == (bonafide & ~decided).sum()
    assert all(each.low <= each.value <= each.high for each in found.values())
    (note,) = (note for note in report.notes if note.startswith(", ".join(OF_UTTERANCES)))
    assert note.endswith("the threshold of the EER") == (threshold is None)
    attack = table.loc[~table["bonafide"], "attack"].iloc[0]
    (line,) = (each for each in report.breakdowns[0].lines if each.levels == (attack,))
    here = bonafide | (table["attack"] == attack).to_numpy()
    assert set(line.results) == {"eer", *OF_UTTERANCES}
    assert line.results["accuracy"].value == accuracy_score(bonafide[here], decided[here])


def test_reports_have_no_metric_that_nobody_asks_for(mini, tmp_path):
    _, report = evaluated(judge(mini, "partialspoof"), frames(mini, tmp_path, 0.02, "frames.txt"))
    assert {"f1", "f1_spoof", "event_f1", "range_eer"} <= {*report.results}
    assert not {"accuracy", "ap", "mean_iou", *REGIONS} & {*report.results}
    table = listed(mini, "asvspoof2019la")
    _, report = evaluated(judge(mini, "asvspoof2019la"), written(tmp_path, table))
    assert not {*OF_UTTERANCES} & {*report.results}


def test_the_right_balanced_accuracy_at_the_eer_is_what_the_eer_lacks_to_1(mini, tmp_path):
    table = listed(mini, "inthewild")
    one = judge(mini, "inthewild", metrics=("balanced_accuracy",))
    results = evaluated(one, written(tmp_path, table))[1].results
    assert results["balanced_accuracy"].value == pytest.approx(1 - results["eer"].value)


def test_regions_of_frames_and_decisions_on_utterances_are_compared(mini, tmp_path):
    one = judge(mini, "partialspoof", metrics=("ap_iou75", "add2023", "accuracy"), replicates=20)
    paths = [frames(mini, tmp_path, step, f"{step}.txt") for step in (0.02, 0.04)]
    a, b = (one.read_scores(path) for path in paths)
    compared = {each.metric: each for each in compare_score_files(one, a, b).compared}
    assert {"event_f1", "ap_iou75", "add2023", "accuracy"} <= {*compared}
    results = [one.evaluate_scores(matched).results for matched in (a, b)]
    for name in ("event_f1", "ap_iou75", "add2023"):
        assert (compared[name].a, compared[name].b) == tuple(each[name].value for each in results)

    table = listed(mini, "asvspoof2019la")
    one = judge(mini, "asvspoof2019la", metrics=("eer", "accuracy"), replicates=20)
    a = one.read_scores(written(tmp_path, table, "a.txt"))
    worse = table.assign(score=np.random.default_rng(1).permutation(table["score"]))
    b = one.read_scores(written(tmp_path, worse, "b.txt"))
    compared = {each.metric: each for each in compare_score_files(one, a, b).compared}
    assert set(compared) == {"eer", "accuracy"}
    assert compared["accuracy"].difference.value > 0


@pytest.mark.parametrize(
    ("corpus", "name", "code"),
    [
        ("partialspoof", "event_f1_iou30", "metric.setting"),
        ("partialspoof", "ap_n5", "scores.no-metric"),
        ("partialspoof", "mean_io", "scores.no-metric"),
        ("asvspoof2019la", "ap_iou75", "scores.no-metric"),
    ],
)
def test_a_metric_that_there_is_not_is_refused(mini, corpus, name, code):
    with raises_code(code) as error:
        judge(mini, corpus, metrics=(name,))
    if name == "mean_io":
        assert "mean_iou" in str(error.value)


def test_a_metric_of_frames_is_refused_of_scores_of_utterances(mini, tmp_path):
    one = judge(mini, "partialspoof", metrics=("ap_iou75",))
    matched = one.read_scores(written(tmp_path, listed(mini, "partialspoof")))
    with raises_code("scores.no-metric") as error:
        one.evaluate_scores(matched)
    assert "is of frames" in str(error.value)


def test_2019_la_has_the_form_of_2020_on_request_and_costs_of_ones_own(mini, tmp_path):
    table = listed(mini, "asvspoof2019la")
    path, costs = written(tmp_path, table), DcfCosts(0.2, 1.0, 3.0)
    one = judge(
        mini,
        "asvspoof2019la",
        metrics=("min_tdcf", "min_tdcf_2020"),
        by=(("attack",),),
        costs=costs,
    )
    _, report = evaluated(one, path)
    asv = read_asv_scores(one.official.tandem.path)
    errors = asv_errors(asv.target, asv.nontarget, asv.spoof)
    counts = count_scores(*(table.loc[table["bonafide"] == c, "score"] for c in (True, False)))
    results = report.results
    assert results["min_tdcf_2020"].value == minimum_tdcf(counts, coefficients_2021(errors)).cost
    assert results["min_tdcf"].value == minimum_tdcf(counts, coefficients_2019(errors)).cost
    assert results["min_tdcf"].value < results["min_tdcf_2020"].value
    assert results["min_dcf_custom"].value == minimum_dcf(counts, costs).cost
    assert results["act_dcf_custom"].value == actual_dcf(counts, costs).cost
    for name in ("min_tdcf_2020", "min_dcf_custom", "act_dcf_custom"):
        assert results[name].low <= results[name].value <= results[name].high
    assert any("min_tdcf_2020" in line.results for line in report.breakdowns[0].lines)
    assert "custom costs: spoof_prior 0.2, miss 1, false_alarm 3" in report.notes
    _, plain = evaluated(judge(mini, "asvspoof2019la"), path)
    assert not {"min_tdcf_2020", "min_dcf_custom"} & {*plain.results}
    with raises_code("scores.no-metric"):
        judge(mini, "asvspoof2021la", metrics=("min_tdcf_2020",))
