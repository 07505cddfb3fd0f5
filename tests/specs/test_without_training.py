"""A run without training: what it may say, and what of its settings counts."""

from __future__ import annotations

import pytest

from bench.cards import table_cards
from bench.runner.request import RunRequest
from bench.specs.run import Run
from tests.errors import raises_code

TABLE, ROW = "aasist/asvspoof2019", "AASIST-L-released"


def resolved(*changes: str, row: str = ROW, form="paper") -> Run:
    return table_cards.resolve_row(table_cards.read_table(TABLE), row, form, changes)


def test_nothing_that_only_a_training_uses_is_part_of_it():
    run = resolved()
    assert not run.is_trained
    settings = run.flat_settings()
    for part in ("training", "optimiser", "schedule", "augment", "mix"):
        assert {key for key in settings if key.startswith(f"{part}.")} == {f"{part}.kind"}
        assert settings[f"{part}.kind"] == "none"
    assert list(run.data) == ["evaluate.asvspoof2019la"]
    assert resolved("optimiser.learning_rate=0.5").signature == run.signature
    assert resolved("augment.kind=rawboost").signature == run.signature
    assert resolved("start.weights=own").signature != run.signature
    assert Run.model_validate(run.model_dump(mode="json")) == run


def test_the_smoke_overlay_of_its_table_has_no_effect_on_it():
    run = resolved(form="smoke")
    assert (run.training.epochs, run.requirements()) == (0, ())
    assert run.flat_settings()["training.kind"] == "none"


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ("training.epochs=3", ("training.epochs = 3", "left out")),
        ("training.epoks=3", ("training.epoks", "no such key", "epochs")),
        ("training.kind=all", ("training.kind = 'all'", "'none'")),
        ("start.kind=none", ("start.kind = 'none'", "'weights'")),
    ],
)
def test_what_does_not_fit_a_run_without_training_is_refused(change, parts):
    with raises_code("settings.invalid", *parts):
        resolved(change)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        (
            ("start.kind=weights", "start.weights=aasist"),
            ("start.kind = 'weights'", "training.kind"),
        ),
        (("optimiser.kind=none",), ("optimiser.kind = 'none'", "'adam'")),
        (("schedule.kind=none",), ("schedule.kind = 'none'", "training")),
    ],
)
def test_a_training_neither_starts_from_whole_weights_nor_lacks_its_parts(changes, parts):
    with raises_code("settings.invalid", *parts):
        resolved(*changes, row="AASIST")


def test_it_has_one_run_however_many_seeds_are_asked_for():
    table = table_cards.read_table(TABLE)
    order = RunRequest(table, [ROW, "AASIST-L"], 3, "paper")
    assert order.row_seeds(ROW) == (1234,)
    assert order.row_seeds("AASIST-L") == (1234, 1235, 1236)
    assert order.count_jobs() == 4


def test_a_card_that_gives_it_several_seeds_is_refused(root, tmp_path):
    text = (root / "experiments" / "aasist" / "asvspoof2019.toml").read_text()
    path = tmp_path / "asvspoof2019.toml"
    path.write_text(text.replace("seeds = [1234]", "seeds = [1, 2]"))
    with raises_code("card.invalid", f"rows.{ROW}.seeds = [1, 2]", "one seed"):
        table_cards.parse_table("aasist/asvspoof2019", path)
