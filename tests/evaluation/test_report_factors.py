"""Breakdowns by every column of the keys and of the score file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.evaluation.comparison import compare_score_files
from bench.evaluation.factors import roles_of
from bench.metrics.det import eer_by_class
from tests.evaluation.listed import frames, judge, listed, written


@pytest.fixture(scope="module")
def mini(miniatures: Path) -> Path:
    return miniatures / "mini"


def rates(verdict):
    (breakdown,) = verdict.breakdowns
    return {line.levels[0]: line.results["eer"].value for line in breakdown.lines if line.results}


def of_level(table: pd.DataFrame, rows: pd.Series) -> float:
    kept, bonafide = table[rows], table.loc[rows, "bonafide"]
    return eer_by_class(kept.loc[bonafide, "score"], kept.loc[~bonafide, "score"]).eer


@pytest.mark.parametrize(
    ("by", "column", "role"),
    [("codec_quality", "-4", "channel"), ("adaptation", "-6", "spoof")],
)
def test_columns_of_the_keys_that_the_card_has_no_role_for(mini, tmp_path, by, column, role):
    """Quality varies within both classes; only spoofs are adversarial."""
    table = listed(mini, "asvspoof5")
    one = judge(mini, "asvspoof5", by=((by,),))
    verdict = one.evaluate_scores(one.read_scores(written(tmp_path, table)))
    expected = {}
    for level in sorted(set(table[column])):
        rows = table[column] == level
        rows |= table["bonafide"] & (role == "spoof")
        if table.loc[rows, "bonafide"].nunique() == 2:
            expected["" if level == "-" else level] = of_level(table, rows)
    found = rates(verdict)
    assert found.pop("Pooled") == verdict.results["eer"].value
    assert len(expected) >= 3
    assert found == pytest.approx(expected)
    (note,) = (note for note in verdict.notes if note.startswith(f"by {by}: a column of the keys"))
    assert ("spoof trials only" in note) == (role == "spoof")


def test_a_comparison_is_broken_down_by_them_too(mini, tmp_path):
    table = listed(mini, "asvspoof5")
    one = judge(mini, "asvspoof5", by=(("codec_quality",),))
    found = compare_score_files(
        one, one.read_scores(written(tmp_path, table)), one.read_scores(written(tmp_path, table))
    )
    assert len({of.levels for of in found.compared}) > 3


def test_a_name_that_neither_has_is_one_message_with_a_near_name(mini, tmp_path):
    path = written(tmp_path, listed(mini, "asvspoof5"))
    with pytest.raises(BenchError, match="no metrics by 'quality'; did you mean 'codec_quality'"):
        judge(mini, "asvspoof5", by=(("quality",),)).read_scores(path)
    with pytest.raises(BenchError, match="ITW has no metrics by 'attack'; known: speaker"):
        judge(mini, "inthewild", by=(("attack",),)).read_scores(
            written(tmp_path, listed(mini, "inthewild"))
        )


def test_a_column_of_more_levels_than_trials_can_carry_is_refused(mini):
    one = judge(mini, "asvspoof5")
    table = pd.DataFrame({"label": ["spoof"] * 1001, "snr": np.arange(1001).astype(str)})
    with pytest.raises(BenchError, match=r"by snr: it has 1,001 levels; should be a column of few"):
        roles_of(one.request.card, table, ["snr"])


def test_ties_of_utterances_are_not_said_of_frames(mini, tmp_path):
    """The lowest frames of utterances may be tied where their frames are not."""
    path = frames(mini, tmp_path, 0.02, "frames.txt")
    lines = [line.split() for line in path.read_text().splitlines()]
    first = {line[0]: n for n, line in reversed([*enumerate(lines)])}
    for n in first.values():
        lines[n][-1] = "-9"
    path.write_text("".join(" ".join(line) + "\n" for line in lines))
    one = judge(mini, "partialspoof", by=(("speaker",),))
    verdict = one.evaluate_scores(one.read_scores(path))
    assert any("eer" in line.results for line in verdict.breakdowns[-1].lines)
    assert {line.ties for line in verdict.breakdowns[-1].lines} == {None}


def columns_written(tmp_path: Path, table: pd.DataFrame, **columns: object) -> Path:
    path = tmp_path / "scores.csv"
    table[["utterance", "score"]].assign(**columns).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("role", ["channel", "spoof"])
def test_columns_of_the_score_file_are_joined_by_id(mini, tmp_path, role):
    table = listed(mini, "asvspoof2019la")
    device = np.where(np.arange(len(table)) % 3 > 0, "phone", "studio")
    if role == "spoof":
        device = np.where(table["bonafide"], "none", device)
    path = columns_written(tmp_path, table, device=device)
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *reversed(lines[1:])]) + "\n")  # not the keys' order
    one = judge(mini, "asvspoof2019la", by=(("device",), ("attack", "device")))
    verdict = one.evaluate_scores(one.read_scores(path))
    found = {line.levels[0]: line.results["eer"].value for line in verdict.breakdowns[0].lines}
    for level in ("phone", "studio"):
        rows = pd.Series(device == level) | (table["bonafide"] & (role == "spoof"))
        assert found[level] == pytest.approx(of_level(table, rows))
    (note,) = (
        note for note in verdict.notes if note.startswith("by device: a column of the score")
    )
    assert ("spoof trials only" in note) == (role == "spoof")
    assert len(verdict.breakdowns[1].lines) > len(verdict.breakdowns[0].lines)
    one = judge(mini, "asvspoof2019la", by=(("device",),))
    compared = compare_score_files(one, one.read_scores(path), one.read_scores(path))
    assert {of.levels for of in compared.compared} >= {("phone",), ("studio",)}


def test_a_column_of_both_is_that_of_the_keys(mini, tmp_path):
    table = listed(mini, "asvspoof5")
    path = columns_written(tmp_path, table, codec_quality="mine")
    one = judge(mini, "asvspoof5", by=(("codec_quality",),))
    verdict = one.evaluate_scores(one.read_scores(path))
    assert "mine" not in rates(verdict)
    assert any(note.startswith("by codec_quality: a column of the keys") for note in verdict.notes)


def test_frames_of_an_utterance_have_one_word(mini, tmp_path):
    lines = [
        line.split() for line in frames(mini, tmp_path, 0.02, "f.txt").read_text().splitlines()
    ]
    table = pd.DataFrame(lines, columns=["utterance", "start", "score"])
    ids = table["utterance"].unique()
    device = dict(zip(ids, np.where(np.arange(len(ids)) % 2, "phone", "studio"), strict=True))
    table["device"] = table["utterance"].map(device)
    path = tmp_path / "frames.csv"
    table.to_csv(path, index=False)
    one = judge(mini, "partialspoof", by=(("device",),))
    verdict = one.evaluate_scores(one.read_scores(path))
    levels = {line.levels[0] for line in verdict.breakdowns[-1].lines}
    assert levels == {"phone", "studio", "Pooled"}
    table.loc[5, "device"] = "other"
    table.to_csv(path, index=False)
    with pytest.raises(BenchError, match=r"by device: .* has 'other' and .*one word an utterance"):
        one.read_scores(path)
