"""Rows that inherit from another table, and trainings that differ from the run they lead to."""

from __future__ import annotations

import pytest

from bench.cards import table_cards
from bench.errors import BenchError

CARD = """
title = "Elsewhere"
text_columns = ["System"]
seeds = [1]
columns = [{ heading = "EER", metric = "had.eer" }]

[base]
evaluate.had = { corpus = "had", split = "test", resolution_s = 0.02 }

[rows.own]
from = "sal/table4:S5"
cells = ["own"]
mix = { kind = "csm", rounds = 3 }

[rows.child]
from = "own"
cells = ["child"]
mix.rounds = 1
"""


def parse(tmp_path, text: str = CARD):
    path = tmp_path / "card.toml"
    path.write_text(text, encoding="utf-8")
    return table_cards.parse_table("test/elsewhere", path)


@pytest.mark.parametrize("form", ["paper", "smoke"])
def test_a_row_is_trained_as_another_tables_and_evaluated_as_its_own(tmp_path, form):
    card = parse(tmp_path)
    s5 = table_cards.resolve_row(table_cards.read_table("sal/table4"), "S5", form)
    own, child = (table_cards.resolve_row(card, row, form) for row in ("own", "child"))
    assert list(own.evaluate) == list(child.evaluate) == ["had"]
    assert own.model_copy(update={"mix": s5.mix, "evaluate": s5.evaluate}) == s5
    assert (own.mix.rounds, child.mix.rounds) == (3, 1)
    again = table_cards.resolve_row(card, "own", form, ["mix={kind='none'}"])
    assert again.training_signature == s5.training_signature


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("table4:S5", "table4:S55", "rows.own.from = 'sal/table4:S55': no such row; did you mean"),
        ("table4:S5", "table44:S5", "rows.own.from = 'sal/table44': there is no such table"),
        ("table4:S5", "table1:TDL", "that row holds published results only"),
        ("rounds = 3 }", "round = 3 }", "rows.own.mix.round: no such key; did you mean 'rounds'?"),
        (
            'mix = { kind = "csm", rounds = 3 }',
            "training.epochs = 50",
            "rows.own.training.epochs = 50: repeats its parent base",
        ),
    ],
)
def test_a_wrong_parent_elsewhere_says_so(tmp_path, before, after, message):
    with pytest.raises(BenchError) as error:
        parse(tmp_path, CARD.replace(before, after))
    assert message in str(error.value)


STAGE = """
start = { kind = "stage", stage = { training = { epochs = 3 }, train = { clip_s = 3.2 } } }
"""


def test_an_earlier_training_is_the_run_but_for_what_it_says(tmp_path):
    card = parse(tmp_path, CARD.replace('cells = ["own"]\n', 'cells = ["own"]' + STAGE))
    own, child = (table_cards.resolve_row(card, row) for row in ("own", "child"))
    stage = own.start.stage
    assert (stage.training.epochs, stage.train.clip_s) == (3, 3.2)
    assert not stage.evaluate
    own_settings, stage_settings = own.flat_settings(), stage.flat_settings()
    differ = {
        key
        for key in stage_settings.keys() & own_settings.keys()
        if stage_settings[key] != own_settings[key]
    }
    assert differ == {"training.epochs", "train.clip_s", "start.kind"}
    # What the child changes, its earlier training has as well.
    assert child.start.stage.mix.rounds == 1
    assert own.flat_settings()["start.stage.training.epochs"] == 3
    alone = table_cards.resolve_row(card, "own", "paper", ['start={kind="none"}'])
    assert alone.training_signature != own.training_signature
    assert type(own).model_validate(own.model_dump(mode="json")) == own


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ("{ training = { epoch = 3 } }", "start.stage.training.epoch: no such key; did you mean"),
        ("{ start = { kind = 'stage' } }", "start.stage"),
        (
            "{ evaluate = { x = { corpus = 'had', split = 'test', resolution_s = 0.02 } } }",
            "an earlier training is not evaluated",
        ),
    ],
)
def test_a_faulty_stage_says_so(tmp_path, stage, message):
    start = f'start = {{ kind = "stage", stage = {stage} }}\n'
    with pytest.raises(BenchError) as error:
        parse(tmp_path, CARD.replace('cells = ["own"]\n', 'cells = ["own"]\n' + start))
    assert message in str(error.value)


def test_a_folder_of_one_table_is_named_by_itself():
    assert table_cards.table_key("sal/table4") == table_cards.table_key("table4") == "sal/table4"
    with pytest.raises(BenchError, match=r"of tca there are tca/table1, tca/table2"):
        table_cards.table_key("tca")
