"""The breath detector of a row: said once, taken by every split, switched by one setting."""

from __future__ import annotations

import pytest

from bench.cards import paper_cards, table_cards
from bench.config import Config
from bench.errors import BenchError
from bench.runner import requirements
from bench.specs.run import EarlierTraining, Run


def kinds(run: Run) -> dict[str, str]:
    return {name: data.breath.kind for name, data in run.data.items()}


@pytest.fixture
def card():
    return table_cards.read_table("breathnet/table13")


BREATHNET = [key for key in table_cards.table_keys() if key.startswith("breathnet/")]


def test_rows_hear_the_detector_of_the_paper(subtests):
    """Respiro-en in BreathNet's rows; but for those without BreathFiLM and Table XIII's masks."""
    for key in BREATHNET:
        with subtests.test(key=key):
            card = table_cards.read_table(key)
            for row in table_cards.runnable_rows(card):
                run = table_cards.resolve_row(card, row)
                deaf = row == "no-film" or run.system.kind != "breathnet"
                wanted = "none" if deaf else "respiro"
                of_row = row if row in ("zeros", "ones") else wanted
                for name, kind in kinds(run).items():
                    assert kind == (of_row if name.startswith("evaluate") else wanted)


def test_one_setting_switches_the_whole_row(card):
    run = table_cards.resolve_row(card, "normal", overrides=["breath.kind=dsp"])
    assert set(kinds(run).values()) == {"dsp"}
    other = table_cards.resolve_row(
        card, "normal", overrides=['breath={ kind = "dsp", max_level = 0.5 }']
    )
    assert other.train.breath == other.evaluate["inthewild"].breath == other.breath
    signatures = {run.signature, other.signature, table_cards.resolve_row(card, "normal").signature}
    assert len(signatures) == 3


def test_a_split_that_says_otherwise_keeps_what_it_says(card):
    run = table_cards.resolve_row(
        card, "zeros", overrides=["breath.kind=dsp", "dev.breath.kind=ones"]
    )
    assert kinds(run) == {
        "train": "dsp",
        "dev": "ones",
        **{f"evaluate.{name}": "zeros" for name in run.evaluate},
    }


def test_masks_at_evaluation_share_one_training(card):
    trained = {table_cards.resolve_row(card, row).training_signature for row in card.rows}
    assert len(trained) == 1


def test_where_it_is_said_makes_no_other_run(card):
    """A signature is of what each split has in the end."""
    once = table_cards.resolve_row(card, "normal", overrides=["breath.kind=dsp"])
    content = once.model_dump(mode="json") | {"breath": {"kind": "none"}}
    each = Run.model_validate(content)
    assert each.breath != once.breath
    assert (each.signature, each.training_signature) == (once.signature, once.training_signature)
    assert Run.model_validate(once.model_dump(mode="json")) == once


def test_the_variant_dsp_is_the_row_with_our_own_detector(subtests):
    for key in BREATHNET:
        with subtests.test(key=key):
            card = table_cards.read_table(key)
            rows = table_cards.runnable_rows(card)
            heard = {row: table_cards.resolve_row(card, row).train.breath.kind for row in rows}
            told = [row for row in rows if heard[row] != "none"]
            varied, found = paper_cards.add_variant(
                card, table_cards.read_paper("breathnet"), "dsp", told
            )
            assert found == tuple(f"{row}@dsp" for row in told)
            for row in told:
                ours = table_cards.resolve_row(varied, f"{row}@dsp")
                assert ours == table_cards.resolve_row(card, row, overrides=["breath.kind=dsp"])
                assert ours.signature != table_cards.resolve_row(card, row).signature


def test_an_earlier_training_hears_the_same():
    card = table_cards.read_table("breathnet/table12")
    run = table_cards.resolve_row(card, "S3", overrides=["breath.kind=dsp"])
    assert isinstance(run.start, EarlierTraining)
    assert set(kinds(run.start.stage).values()) == {"dsp"}
    # Strategy (3) goes on from strategy (1), which is trained once.
    first = table_cards.resolve_row(card, "S1", overrides=["breath.kind=dsp"])
    assert run.start.stage.training_signature == first.training_signature


def test_smoke_rows_need_no_weights(subtests):
    for key in [*BREATHNET, "cross/detection"]:
        with subtests.test(key=key):
            card = table_cards.read_table(key)
            for row in table_cards.runnable_rows(card):
                run = table_cards.resolve_row(card, row, "smoke")
                assert set(kinds(run).values()) <= {"none", "dsp", "zeros", "ones"}


def test_a_mistake_is_blamed_on_the_one_place(card):
    with pytest.raises(BenchError) as error:
        table_cards.resolve_row(card, "normal", overrides=["breath.kind=respir"])
    assert str(error.value).count("no such kind") == 1
    assert "--set breath.kind = 'respir'" in str(error.value)
    assert "respiro" in str(error.value)


def test_missing_weights_are_said_with_the_detector_that_needs_none(card, tmp_path):
    run = table_cards.resolve_row(card, "normal")
    lacking = requirements.missing_requirements(run, Config(work=tmp_path))
    (of_detector,) = [line for line in lacking if "respiro_en" in line]
    assert (
        "`bench get respiro_en` brings respiro-en.pt from https://github.com/ydqmkkx/Respiro-en"
        in (of_detector)
    )
    assert "--set breath.kind=dsp" in of_detector
    ours = table_cards.resolve_row(card, "normal", overrides=["breath.kind=dsp"])
    assert not [
        line
        for line in requirements.missing_requirements(ours, Config(work=tmp_path))
        if "respiro" in line
    ]


def test_other_weights_of_the_detector_are_asked_for_as_such(card, tmp_path):
    run = table_cards.resolve_row(card, "normal", overrides=["breath.weights=mine"])
    (of_detector,) = [
        line
        for line in requirements.missing_requirements(run, Config(work=tmp_path))
        if "weights mine" in line
    ]
    assert "any copy of Respiro-en's respiro-en.pt will do" in of_detector
