"""In which precision a row is computed: its names, what a card admits, and signatures."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from bench.cards import table_cards
from bench.specs.faults import explain_faults
from bench.specs.run import EarlierTraining, Run
from bench.specs.training import TrainingSettings
from tests.errors import raises_code

TABLE = "sal/table4"


def resolve(*overrides: str, row: str = "S7", table: str = TABLE) -> Run:
    return table_cards.resolve_row(table_cards.read_table(table), row, "paper", overrides)


def test_runs_of_before_count_as_fp32():
    """Their settings were `training.precision = "32-true"`, and S7's signature this one."""
    assert resolve().signature == "f5853640"
    assert resolve().training.precision == "fp32"


def test_every_precision_is_another_run():
    runs = resolve().admitted
    assert [run.training.precision for run in runs] == ["fp32", "tf32", "bf16-mixed"]
    assert (
        len({run.signature for run in runs}) == len({run.training_signature for run in runs}) == 3
    )
    assert resolve().signatures == tuple(run.signature for run in runs)


def test_what_is_chosen_is_what_is_stated():
    chosen = resolve().in_precision("bf16-mixed")
    assert chosen.signature == resolve("training.precision=bf16-mixed").signature
    assert chosen.signatures == (chosen.signature,)


def test_a_stated_precision_stays():
    run = resolve("training.precision=tf32")
    assert run.in_precision("fp32") is run
    assert run.training.precisions == ("tf32",)


def test_a_card_says_what_it_admits_and_that_changes_no_signature():
    run = resolve("training.admits=['fp32', 'fp16-mixed']")
    assert run.in_precision("tf32") is run
    assert run.in_precision("fp16-mixed").training.precision == "fp16-mixed"
    assert run.signature == resolve().signature
    with raises_code("settings.invalid", "should hold 'fp32'"):
        resolve("training.admits=['tf32']")


def test_the_earlier_training_is_computed_alike():
    run = resolve(row="MFPT", table="mfpt/asvspoof5").in_precision("bf16-mixed")
    assert isinstance(run.start, EarlierTraining)
    assert run.start.stage.training.precision == "bf16-mixed"


def test_lightnings_names_are_refused_with_todays():
    for earlier, today in (("32-true", "fp32"), ("16-mixed", "fp16-mixed")):
        with pytest.raises(ValidationError) as caught:
            TrainingSettings(epochs=1, batch_size=1, precision=earlier)  # pyright: ignore
        (line,) = explain_faults(caught.value, "a.toml", TrainingSettings)
        assert line == f"a.toml: precision = '{earlier}': is now called '{today}'"


def test_published_weights_are_scored_in_fp32():
    run = resolve(row="AASIST-released", table="aasist/asvspoof2019")
    assert run.signatures == (run.signature,)
