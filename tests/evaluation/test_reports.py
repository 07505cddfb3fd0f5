"""Verdicts on the miniatures of all corpora, against figures computed from the official files here,
with pandas and nothing of the suite's readers and metrics.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.cards.corpus_cards import read_corpus_card
from bench.errors import BenchError
from bench.evaluation import render
from bench.evaluation.comparison import compare_score_files
from bench.evaluation.evaluator import EvaluationRequest, Evaluator
from bench.metrics.grid import FrameRules, align_points, segment_eer
from tests.errors import raises_code
from tests.evaluation.listed import LISTS, SPOOF_FACTORS, frames, judge, listed, written


@pytest.fixture(scope="module")
def mini(miniatures: Path) -> Path:
    return miniatures / "mini"


def plain_eer(table: pd.DataFrame) -> float:
    """Both error rates at every threshold, one threshold at a time."""
    bonafide, spoof = (table.loc[table["bonafide"] == c, "score"] for c in (True, False))
    rates = [
        ((bonafide < at).mean(), (spoof >= at).mean())
        for at in [*sorted(set(table["score"])), np.inf]
    ]
    return float(np.mean(min(rates, key=lambda pair: abs(pair[0] - pair[1]))))


@pytest.mark.parametrize("corpus", LISTS)
def test_the_eer_of_every_corpus(mini, tmp_path, corpus):
    table = listed(mini, corpus)
    one = judge(mini, corpus)
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table)))
    assert (verdict.bonafide, verdict.spoof) == (
        table["bonafide"].sum(),
        len(table) - verdict.bonafide,
    )
    assert verdict.results["eer"].value == pytest.approx(plain_eer(table), abs=1e-12)


@pytest.mark.parametrize(
    ("corpus", "by"),
    [
        ("asvspoof2021la", ("attack", "codec")),
        ("asvspoof2021la", ("transmission", "trim")),
        ("asvspoof2021df", ("vocoder", "compression")),
        ("asvspoof2021df", ("source", "vocoder")),
        ("asvspoof5", ("attack", "codec")),
    ],
)
def test_breakdowns_follow_the_official_tables(mini, tmp_path, corpus, by):
    """A spoof factor restricts spoof trials only, a channel factor both classes; what has no score
    is counted where it is missing.
    """
    table = listed(mini, corpus)
    lost = table.index[::5]
    one = judge(mini, corpus, by=(by,), allow_missing=True)
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table.drop(lost))))
    (breakdown,) = verdict.breakdowns
    assert len(breakdown.lines) > 4
    single = 0
    for line in breakdown.lines:
        kept = pd.Series(data=True, index=table.index)
        for factor, level in zip(by, line.levels, strict=True):
            word = {"": "-", "C00": "-"}.get(level, level)
            if level != "Pooled":
                fits = table[factor] == word
                kept &= fits | table["bonafide"] if factor in SPOOF_FACTORS else fits
        there = table[kept].drop(lost, errors="ignore")
        assert line.missing == kept.sum() - len(there)
        assert (line.bonafide, line.spoof) == (
            there["bonafide"].sum(),
            (~there["bonafide"]).sum(),
        )
        if there["bonafide"].nunique() == 2:
            assert line.results["eer"].value == pytest.approx(plain_eer(there), abs=1e-12)
        else:
            single += 1
            assert line.results == {}
    shown = render.render_report(verdict)
    assert f"## By {by[0]} and {by[1]}, {len(lost)} missing" in shown
    assert shown.count("not defined") >= single
    assert (
        sum(line["missing"] for line in render.report_as_dict(verdict)["breakdowns"][0]["lines"])
        > 0
    )


def test_trap_11_the_form_of_the_t_dcf_is_said(mini, tmp_path):
    for corpus, said in (
        ("asvspoof2019la", "legacy form of ASVspoof 2019"),
        ("asvspoof2021la", "form of ASVspoof 2021"),
    ):
        one = judge(mini, corpus)
        verdict = one.evaluate_scores(one.read_scores(written(tmp_path, listed(mini, corpus))))
        assert "min_tdcf" in verdict.results
        (note,) = (note for note in verdict.notes if "t-DCF" in note)
        assert said in note


def test_keys_that_list_a_part_of_the_split_are_said_to(mini, tmp_path):
    verdict = (one := judge(mini, "inthewild")).evaluate_scores(
        one.read_scores(written(tmp_path, listed(mini, "inthewild")))
    )
    finding, tiny = verdict.findings
    assert tiny.code == "scores.tiny-class"
    assert (finding.severity, finding.code) == ("warning", "keys.counts")
    assert "31,779 trials, 19,963 bona fide, 11,816 spoof" in finding.message


def test_the_whole_split_needs_no_word(official):
    place = official / "asvspoof2019_la"
    assert Evaluator(EvaluationRequest(read_corpus_card("19LA"), "eval", place)).findings == ()
    assert (
        Evaluator(
            EvaluationRequest(read_corpus_card("PS"), "eval", official / "partialspoof")
        ).findings
        == ()
    )


def test_the_packages_eer_has_no_interval_of_ours(mini, tmp_path):
    table = listed(mini, "inthewild").assign(score=0.5)
    one = judge(mini, "inthewild", as_is=True)
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table)))
    assert list(verdict.results)[:2] == ["eer", "eer_official"]
    assert verdict.results["eer"].value == 0.5
    assert verdict.results["eer"].utterance_low <= 0.5 <= verdict.results["eer"].utterance_high
    found = verdict.results["eer"]
    assert found.low < found.value == 0.5 < found.high  # of three trials of each class
    assert verdict.results["eer_official"].value == 1.0
    assert np.isnan(verdict.results["eer_official"].low)
    assert render.report_as_dict(verdict)["results"]["eer_official"]["low"] is None


def test_one_class_gives_words_instead_of_an_empty_table(mini, tmp_path):
    table = listed(mini, "inthewild")
    one = judge(mini, "inthewild", allow_missing=True)
    path = written(tmp_path, table[table["bonafide"]])
    shown = render.render_report(one.evaluate_scores(one.read_scores(path)))
    assert "no metric is defined" in shown
    assert "| Metric" not in shown
    both = compare_score_files(one, one.read_scores(path), one.read_scores(path))
    assert "no metric is defined" in render.render_comparison(both)
    assert "| Metric" not in render.render_comparison(both)


def test_a_comparison_says_what_is_noteworthy_of_either_file(mini, tmp_path):
    table = listed(mini, "inthewild")
    twice = written(tmp_path, pd.concat([table, table]), "twice.txt")
    part = written(tmp_path, table.iloc[2:], "part.txt")
    one = judge(mini, "inthewild", allow_missing=True)
    found = compare_score_files(one, one.read_scores(twice), one.read_scores(part))
    shown = render.render_comparison(found)
    assert "- A: **warning**: " in shown
    assert "another run appended to it" in shown
    assert "- B: **warning**: 2 of" in shown
    assert shown.count("EER, 2 left out") == 1
    codes = {
        name: [f["code"] for f in of]
        for name, of in render.comparison_as_dict(found)["findings"].items()
    }
    assert codes == {
        "keys": ["keys.counts"],
        "A": ["scores.duplicated", "scores.tiny-class"],
        "B": ["scores.missing", "scores.tiny-class"],
    }


def test_grids_that_do_not_meet_are_said_not_to(mini, tmp_path):
    one = judge(mini, "partialspoof")
    a, b = (one.read_scores(frames(mini, tmp_path, at, f"{at}.txt")) for at in (0.02, 0.03))
    found = compare_score_files(one, a, b)
    assert {of.metric for of in found.compared} == {"event_f1", "range_eer", "utterance_eer"}
    assert "no segment EER or F1 of frames: " in render.render_comparison(found)
    (note,) = (note for note in one.evaluate_scores(b).notes if note.startswith("no EER at"))
    assert note.startswith("no EER at 20, 40, 80, 160, 320, 640 ms")


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("keep", "counts however little"),
        ("drop", "is left out where"),
        ("round", "fills half of it or more"),
    ],
)
def test_the_rule_of_the_last_frame_is_said_and_applied_wherever_frames_are_counted(
    mini, tmp_path, last, said
):
    path = frames(mini, tmp_path, 0.02, "frames.txt")
    one = judge(mini, "partialspoof", rules=FrameRules(last=last))
    judged = one.read_scores(path)
    verdict = one.evaluate_scores(judged)
    (note,) = (note for note in verdict.notes if "--last-frame" in note)
    assert said in note
    for ms in (20, 640):
        expected = segment_eer(judged.checked.frames, judged.truth, ms / 1000, last=last).eer
        assert verdict.results[f"eer_{ms}ms"].value == expected
    at_20ms = align_points(judged.checked.frames, judged.truth, 0.02, last=last)
    recall = verdict.results["recall"]
    assert recall.bonafide + recall.spoof == len(at_20ms.score)


def test_frames_without_labels_of_frames_are_said_to_be_judged_as_utterances(mini, tmp_path):
    file = LISTS["partialspoof"][0]
    keys = tmp_path / "alone" / "deep" / "er" / Path(file).name
    keys.parent.mkdir(parents=True)
    keys.write_bytes((mini / "partialspoof" / file).read_bytes())
    one = Evaluator(EvaluationRequest(read_corpus_card("PS"), "eval", keys, replicates=5))
    verdict = one.evaluate_scores(one.read_scores(frames(mini, tmp_path, 0.02, "frames.txt")))
    assert set(verdict.results) == {"eer", "auc"}
    assert any("no frame metrics" in note for note in verdict.notes)


@pytest.mark.parametrize("resolution_s", [0.0, -0.02, 1e300, np.inf, np.nan, 20_000])
def test_a_resolution_is_seconds_of_a_frame(mini, tmp_path, resolution_s):
    one = judge(mini, "partialspoof", resolution_s=resolution_s)
    with pytest.raises(BenchError, match="should be the seconds of a frame"):
        one.read_scores(frames(mini, tmp_path, 0.02, "frames.txt"))


@pytest.mark.parametrize("threshold", [np.nan, np.inf])
def test_a_threshold_is_a_score(mini, threshold):
    with raises_code("option.invalid"):
        judge(mini, "partialspoof", threshold=threshold)


# The traps of the corpora's formats, by their number in the list that the suite was planned by.


def test_format_trap_3_the_second_part_of_lps_alone_has_no_bona_fide(mini, tmp_path):
    """Labels are words, spans are seconds; a part is judged with the bona fide of part a."""
    root = mini / "llamapartialspoof"
    parts = {
        part: [
            line.split() for line in (root / f"label_R01TTS.0.{part}.txt").read_text().splitlines()
        ]
        for part in "ab"
    }
    assert {fields[2] for fields in parts["b"]} == {"spoof"}
    one = Evaluator(EvaluationRequest(read_corpus_card("LPS"), "cut-paste", root, replicates=5))
    bonafide = {fields[0] for fields in parts["a"] if fields[2] == "bonafide"}
    of_keys = one.subset.table
    assert set(of_keys["utterance"][of_keys["label"] == "bonafide"]) == bonafide
    alone = pd.DataFrame({"utterance": [fields[0] for fields in parts["b"]], "score": 1.0})
    with raises_code("scores.missing-class"):
        one.read_scores(written(tmp_path, alone))
    spans = {fields[0]: fields[3:] for fields in (*parts["a"], *parts["b"])}
    for utterance, found in one.subset.timing.spans.items():
        assert [f"{s.start_s:.4f}-{s.end_s:.4f}-{s.label}" for s in found] == spans[utterance]


@pytest.mark.parametrize(
    ("corpus", "trim", "of_bonafide"),
    [("asvspoof2021la", "only_speech", "bonafide"), ("asvspoof2021df", "trim", "-")],
)
def test_format_trap_4_columns_of_the_2021_keys(mini, corpus, trim, of_bonafide):
    """The label is the sixth column, the subset the eighth; packed keys are the same keys."""
    path = mini / corpus / LISTS[corpus][0]
    raw = pd.read_csv(path, sep=" ", header=None, dtype=str, keep_default_na=False)
    assert set(raw[4][raw[5] == "bonafide"]) == {of_bonafide}
    for subset in ("eval", "progress", "hidden"):
        of_subset = raw[raw[7] == subset]
        table = Evaluator(
            EvaluationRequest(read_corpus_card(corpus), subset, mini / corpus)
        ).subset.table
        assert table["utterance"].tolist() == of_subset[1].tolist()
        assert table["label"].tolist() == of_subset[5].tolist()
        assert (table["attack"][table["label"] == "bonafide"] == "").all()
        assert set(table["trim"]) == {trim if subset == "hidden" else "notrim"}
    if corpus == "asvspoof2021la":
        assert set(table["transmission"][table["codec"] == "none"]) == {""}


def test_keys_may_be_packed_or_saved_on_windows(mini, tmp_path):
    data = (mini / "inthewild/release_in_the_wild/meta.csv").read_bytes()
    expected = None
    for name, content in {
        "meta.csv": data,
        "packed/meta.csv.gz": gzip.compress(data),
        "bom/meta.csv": b"\xef\xbb\xbf" + data,
        "crlf/meta.csv": data.replace(b"\n", b"\r\n"),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        table = Evaluator(EvaluationRequest(read_corpus_card("ITW"), "eval", path)).subset.table
        expected = table if expected is None else expected
        pd.testing.assert_frame_equal(table, expected)
