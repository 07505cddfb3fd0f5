"""Variants: rows of a paper with other settings, folded after the row and before the smoke form."""

from __future__ import annotations

import pandas as pd
import pytest
from click.testing import CliRunner

from bench.cards import table_cards
from bench.cards.paper_cards import add_variant
from bench.cli import bench
from bench.errors import BenchError
from bench.reports.variant_rows import add_variant_rows
from bench.runner.request import RunRequest
from bench.specs.table import Paper
from tests.tracked_frames import as_runs


def paper(*differences, **variants) -> Paper:
    said = {"item": "x", "paper": "a", "released": "b", "ours": "a", "effect": "small"}
    return Paper.model_validate(
        {
            "key": "sal",
            "title": "T",
            "authors": "A",
            "venue": "V",
            "differences": [{**said, "item": str(n), **of} for n, of in enumerate(differences)],
            "variants": {
                name: {"title": "as such", "says": "So.", **of} for name, of in variants.items()
            },
        }
    )


def resolved(of: Paper, row: str, form="paper", overrides=(), name="v"):
    card, found = add_variant(table_cards.read_table("sal/table4"), of, name, [row])
    assert found == (f"{row}@{name}",)
    return table_cards.resolve_row(card, f"{row}@{name}", form, overrides)


def test_a_variant_is_folded_after_the_row_then_smoke_then_set():
    said = {"settings": {"training": {"epochs": 7, "batch_size": 4}}}
    of = paper(v=said)
    assert resolved(of, "S7").training.epochs == 7
    assert resolved(of, "S7", "smoke").training.epochs == 4  # the table's [smoke]
    of = paper(v={**said, "smoke": {"training": {"epochs": 3}}})
    assert resolved(of, "S7", "smoke").training.epochs == 3
    assert resolved(of, "S7", "smoke", ["training.epochs=2"]).training.epochs == 2
    assert resolved(of, "S7", "smoke").mix.kind == "csm"


def test_a_star_stands_for_every_evaluation_of_the_row():
    of = paper(v={"settings": {"evaluate": {"*": {"clip_s": 1.6}}}})
    evaluated = resolved(of, "S7").evaluate
    assert {name: data.clip_s for name, data in evaluated.items()} == {
        "partialspoof": 1.6,
        "llamapartialspoof": 1.6,
    }
    run = table_cards.resolve_row(
        table_cards.read_table("sal/table4"), "S7", "paper", ["evaluate.*.clip_s=1.6"]
    )
    assert run.evaluate == evaluated


def test_the_released_settings_are_those_of_the_points_that_concern_the_row():
    csm = {"applies": {"mix.kind": "csm"}, "setting": {"mix": {"partner": "self"}}}
    other = {"applies": {"mix.kind": "none"}, "setting": {"training": {"epochs": 9}}}
    elsewhere = {"tables": ["table2"], "setting": {"training": {"patience": 3}}}
    of = paper(csm, other, elsewhere, v={"released": True, "settings": {"mix": {"rounds": 5}}})
    run = resolved(of, "S7")
    assert (run.mix.partner, run.mix.rounds) == ("self", 5)
    assert (run.training.epochs, run.training.patience) == (50, 10)


def test_rows_that_a_variant_does_not_change_are_left_out():
    mixed = {"applies": {"mix.kind": "csm"}, "settings": {"mix": {"rounds": 2}}}
    card, found = add_variant(
        table_cards.read_table("sal/table4"), paper(v=mixed), "v", ["S5", "S6", "S7"]
    )
    assert found == ("S6@v",)  # S5 has no rounds, S7 has two already
    assert list(card.rows)[5:9] == ["S5", "S6", "S6@v", "S7"]
    row = card.rows["S6@v"]
    assert row.cells == ("S6", "S5 + CSM (1 round), as such")
    assert row.paper == card.rows["S6"].paper


def test_faults_name_the_papers_card_and_near_names():
    card = table_cards.read_table("sal/table4")
    with pytest.raises(BenchError, match=r"sal/paper.toml: there is no variant 'w'; known: v"):
        add_variant(card, paper(v={"settings": {}}), "w", ["S7"])
    wrong = paper(v={"settings": {"training": {"epoch": 3}}})
    with pytest.raises(BenchError, match=r"sal/paper.toml: variants.v.training.epoch: no such key"):
        add_variant(card, wrong, "v", ["S7"])


def test_a_variant_has_its_rows_line_and_seeds():
    card, (new,) = add_variant(
        table_cards.read_table("sal/table4"), paper(v={"settings": SMALL}), "v", ["S3"]
    )
    order = RunRequest(card, [new, "S4"], None, "paper")
    assert [order.row_index(row) for row in order.rows] == [3, 4]
    assert order.row_seeds(new) == (666,)
    assert set(order.resolve_runs()) == {"S3@v", "S4"}


SMALL = {"training": {"epochs": 1}}


def test_the_command_line_lists_variants_and_names_those_that_are_not():
    asked = ["table4", "--variant", "released"]
    for verb, option in (("run", "--dry-run"), ("show", "--changed-settings")):
        done = CliRunner().invoke(bench, [verb, *asked, "--rows", "S6,S7", option])
        assert done.exit_code == 0, done.output
        assert "7 · S5 + CSM (2 rounds), as released" in done.output or "S7@released" in done.output
    failed = CliRunner().invoke(bench, ["run", "table4", "--variant", "relesed", "--dry-run"])
    assert "did you mean 'released'" in str(failed.exception)


def test_a_report_has_a_line_for_each_variant_that_was_run():
    card = table_cards.read_table("sal/table4")
    runs = {row: table_cards.resolve_row(card, row) for row in table_cards.runnable_rows(card)}
    frame = pd.DataFrame(
        {"row": ["S7", "S7@released", "S3@released", "S5@gone"], "form": ["paper"] * 4}
    )
    wide, found = add_variant_rows(card, runs, as_runs(frame), "paper")
    assert [row for row in wide.rows if "@" in row] == ["S3@released", "S7@released"]
    assert list(found) == list(wide.rows)
    assert found["S7@released"].mix.partner == "self"
    assert wide.rows["S7@released"].paper == card.rows["S7"].paper
    assert add_variant_rows(card, runs, as_runs(frame.assign(form="smoke")), "paper") == (
        card,
        runs,
    )
    assert add_variant_rows(card, {"S7": runs["S7"]}, as_runs(frame), "paper")[1].keys() == {
        "S7",
        "S7@released",
    }
