"""Breakdowns by every column of the keys and of the score file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.errors import BenchError
from bench.metrics.det import eer
from bench.scoring.comparison import compare
from bench.scoring.factors import roles_of
from tests.scoring.listed import frames, judge, listed, written


@pytest.fixture(scope="module")
def mini(miniatures: Path) -> Path:
    return miniatures / "mini"


def rates(verdict):
    (breakdown,) = verdict.breakdowns
    return {line.levels[0]: line.figures["eer"].value for line in breakdown.lines if line.figures}


def of_level(table: pd.DataFrame, rows: pd.Series) -> float:
    kept, bonafide = table[rows], table.loc[rows, "bonafide"]
    return eer(kept.loc[bonafide, "score"], kept.loc[~bonafide, "score"]).eer


@pytest.mark.parametrize(
    ("by", "column", "role"),
    [("codec_quality", "-4", "channel"), ("adaptation", "-6", "spoof")],
)
def test_columns_of_the_keys_that_the_card_has_no_role_for(mini, tmp_path, by, column, role):
    """Quality varies within both classes; only spoofs are adversarial."""
    table = listed(mini, "asvspoof5")
    one = judge(mini, "asvspoof5", by=((by,),))
    verdict = one.verdict(one.read(written(tmp_path, table)))
    expected = {}
    for level in sorted(set(table[column])):
        rows = table[column] == level
        rows |= table["bonafide"] & (role == "spoof")
        if table.loc[rows, "bonafide"].nunique() == 2:
            expected["" if level == "-" else level] = of_level(table, rows)
    found = rates(verdict)
    assert found.pop("Pooled") == verdict.figures["eer"].value
    assert len(expected) >= 3
    assert found == pytest.approx(expected)
    (note,) = (note for note in verdict.notes if note.startswith(f"by {by}: a column of the keys"))
    assert ("spoof trials only" in note) == (role == "spoof")


def test_a_comparison_is_broken_down_by_them_too(mini, tmp_path):
    table = listed(mini, "asvspoof5")
    one = judge(mini, "asvspoof5", by=(("codec_quality",),))
    found = compare(one, one.read(written(tmp_path, table)), one.read(written(tmp_path, table)))
    assert len({of.levels for of in found.found}) > 3


def test_a_name_that_neither_has_is_one_message_with_a_near_name(mini, tmp_path):
    path = written(tmp_path, listed(mini, "asvspoof5"))
    with pytest.raises(BenchError, match="no figures by 'quality'; did you mean 'codec_quality'"):
        judge(mini, "asvspoof5", by=(("quality",),)).read(path)
    with pytest.raises(BenchError, match="ITW has no figures by 'attack'; known: speaker"):
        judge(mini, "inthewild", by=(("attack",),)).read(
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
    verdict = one.verdict(one.read(path))
    assert any("eer" in line.figures for line in verdict.breakdowns[-1].lines)
    assert {line.ties for line in verdict.breakdowns[-1].lines} == {None}
