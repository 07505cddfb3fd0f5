"""Columns that no evaluation can fill are mistakes of the card, each with what would be right."""

from __future__ import annotations

import pytest

from bench.cards import card_files, column_checks, table_cards
from bench.cards.corpus_cards import read_corpus_card
from bench.errors import BenchError
from bench.evaluation import row_evaluation
from bench.evaluation import score_file as scores
from tests.reports.stored import columns as frames

FRAMES = card_files.card_folder("experiments") / "sal" / "table4.toml"
TABLE_3 = card_files.card_folder("experiments") / "breathnet" / "table3.toml"
TABLE_2 = card_files.card_folder("experiments") / "tca" / "table2.toml"
UTTERANCES = """
title = "By attack and codec"
text_columns = ["System"]
seeds = [1]
columns = [
    { heading = "A07", metric = "asvspoof2021la.A07.none.eer" },
    { heading = "no codec", metric = "asvspoof2021la.none.eer" },
]

[base]
evaluate.asvspoof2021la = { corpus = "asvspoof2021la", split = "eval", clip_s = 4.0375, \
resolution_s = "utterance", fill = "repeat", by = ["attack", "codec", "attack,codec"] }

[rows.own]
from = "breathnet/table4:BreathNet"
cells = ["own"]
"""
VC = "asvspoof2019la.A19.eer"
EER = "llamapartialspoof.eer"
A07 = "asvspoof2021la.A07.none.eer"
POOLED = "asvspoof2019la.eer"


def parsed(tmp_path, file, old, new):
    """Read a table's card, a file or its text, in which `new` stands for every `old`."""
    text = file if isinstance(file, str) else file.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "table.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return table_cards.parse_table("test/table", path)


def faults(tmp_path, file, old, new):
    """Return what is wrong with that card."""
    with pytest.raises(BenchError) as raised:
        parsed(tmp_path, file, old, new)
    return str(raised.value)


@pytest.mark.parametrize("said", ['better = "higher"', 'better = "lower"', 'unit = "%"'])
def test_a_direction_is_the_catalogues(tmp_path, said):
    metric = f'metric = "{EER}"'
    found = faults(tmp_path, FRAMES, metric, f"{metric}, {said}")
    key = said.partition(" ")[0]
    assert found.startswith(str(tmp_path / "table.toml"))
    assert f"columns.2.{key} = {said.partition(' = ')[2]!s}".replace('"', "'") in found
    assert "should be left out: bench.metrics.catalogue has it for every metric" in found


def test_a_column_that_the_evaluation_cannot_have(tmp_path, subtests):
    cases = [
        (FRAMES, EER, "llamapartialspoof.eerr", "there is no metric 'eerr'; did you mean 'eer'?"),
        (FRAMES, EER, "llamapartialspoof.auc", "of llamapartialspoof crossfade there is no auc of"),
        (FRAMES, EER, "lps.eer", "rows.S0 evaluates partialspoof, llamapartialspoof"),
        (FRAMES, EER, "llamapartialspoof.A07.eer", "by frames, of which there is no breakdown"),
        (TABLE_3, POOLED, "asvspoof2019la.f1", "eval there is no f1 of whole utterances"),
        (TABLE_3, POOLED, "asvspoof2019la.min_dcf", "there is no min_dcf of whole utterances; "),
        (TABLE_2, VC, "asvspoof2019la.A19.auc", "no auc of whole utterances of a level"),
        (UTTERANCES, A07, "asvspoof2021la.A70.none.eer", "has no attack 'A70'; did you mean 'A"),
        (UTTERANCES, A07, "asvspoof2021la.A70.eer", "21LA has no attack 'A70'; did you mean 'A"),
        (UTTERANCES, A07, "asvspoof2021la.A07.none.x.eer", "so there is no A07.none.x"),
    ]
    for file, old, metric, says in cases:
        with subtests.test(metric=metric):
            found = faults(tmp_path, file, f'"{old}"', f'"{metric}"').splitlines()
            assert all(line.startswith(f"{tmp_path / 'table.toml'}: columns") for line in found)
            assert any(says in line for line in found), found


def test_min_t_dcf_needs_a_corpus_and_a_split_with_one(tmp_path):
    table = card_files.card_folder("experiments") / "tca" / "table1.toml"
    of = 'corpus = "asvspoof2019la", split = "eval"'
    had = faults(tmp_path, table, of, 'corpus = "had", split = "dev"')
    assert "of had dev there is no min_tdcf of whole utterances" in had
    train = faults(tmp_path, table, of, of.replace("eval", "train"))
    assert "'asvspoof2019la.min_tdcf': of asvspoof2019la train there is no min_tdcf" in train


def test_levels_of_other_fields_may_have_any_name(tmp_path):
    other = "asvspoof2021la.of_tomorrow.eer"
    card = parsed(tmp_path, UTTERANCES, '"asvspoof2021la.none.eer"', f'"{other}"')
    assert other in [column.metric for column in card.columns]


def test_every_corpus_card_can_be_read():
    for name in ("asvspoof2019la", "partialspoof", "asvspoof5"):
        path = card_files.card_folder("datasets") / f"{name}.toml"
        assert column_checks._read_corpus(path) == read_corpus_card(name)  # pyright: ignore[reportPrivateUsage]


def test_figures_of_frames_are_those_that_are_logged(tmp_path):
    path = tmp_path / "scores.parquet"
    scores.write_scores(path, frames(20, 10, 1.0, 1))
    logged = row_evaluation.evaluate_file(path, replicates=5)
    coarser = column_checks.name_coarser(0.16)
    assert {*logged} == {*column_checks.list_logged("frames"), *coarser}
