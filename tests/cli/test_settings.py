"""`bench settings`: every setting is there, with what pydantic takes, and its docstring."""

from __future__ import annotations

import json

import pytest

from bench.cards import table_cards
from bench.specs import described


@pytest.mark.rows
def test_every_setting_of_every_row_of_the_suite_is_described():
    for key in table_cards.table_keys():
        card = table_cards.read_table(key)
        for row in table_cards.runnable_rows(card)[:3]:
            run = table_cards.resolve_row(card, row)
            known = {name for name in run.flat_settings() if not name.startswith("start.stage")}
            for name in known - {name for name in known if name.endswith(".kind")}:
                found = described.describe_setting(name)
                kinds = [dict(of.split(" = ") for of in each.where) for each in found]
                assert any(of.items() <= run.flat_settings().items() for of in kinds), name


def test_values_and_defaults_are_those_of_the_models(subtests):
    cases = [
        ("training.epochs", "whole number at least 1", ""),
        ("training.precision", "fp32 | tf32 | bf16-mixed | fp16-mixed", "fp32"),
        ("train.share", "number above 0, at most 1", "1.0"),
        ("train.resolution_s", "number above 0, or 'utterance'", ""),
        ("optimiser.frontend_learning_rate", "number above 0, or 'same'", "same"),
        ("evaluate.had.by", "list of: text", "[]"),
        ("evaluate.*.clip_s", "number above 0, or 'whole'", "whole"),
        ("optimiser.kind", "adam | adamw", ""),
        ("mix", "kind: none | csm", ""),
        ("start", "kind: none | stage | weights", "kind = none"),
        ("start.stage.training.epochs", "whole number at least 1", ""),
    ]
    for key, values, default in cases:
        with subtests.test(key=key):
            (found,) = described.describe_setting(key)
            assert (found.key, found.values, found.default) == (key, values, default)


def test_a_part_of_several_kinds_has_the_settings_of_each(bench):
    done = bench("settings", "system.auxiliary")
    assert done.returncode == 0, done.stderr
    assert "kind: none | transition | position  (where system.kind = sal)" in done.stdout
    assert "system.auxiliary.rule  both-sides | segment-edges  default both-sides" in done.stdout
    assert "the last frame before and the first after each change of class" in done.stdout


def test_without_a_key_the_parts_are_named(bench):
    done = bench("settings", "--json")
    found = [of["key"] for of in json.loads(done.stdout)["settings"]]
    assert {"system", "training", "evaluate.*", "mix"} <= {*found}


def test_a_row_says_what_it_has_and_which_kind_is_meant(bench):
    asked = ["settings", "system.auxiliary.weight", "--table", "table4"]
    (found,) = json.loads(bench(*asked, "--row", "S5", "--json").stdout)["settings"]
    assert found["value"] == 0.1
    assert found["where"] == ["system.kind = sal", "system.auxiliary.kind = position"]
    without = json.loads(bench(*asked, "--row", "S0", "--json").stdout)["settings"]
    assert [of["value"] for of in without] == [None, None]


def test_mistakes_name_what_is_near(bench, subtests):
    cases = [
        (["auxiliary"], "did you mean 'system.auxiliary'?"),
        (["system.auxilary"], "did you mean 'auxiliary'?"),
        (["trainin"], "did you mean 'training'?"),
        (["training.epochs.x"], "no such setting"),
        (["epochs", "--row", "S1"], "--row: needs --table"),
        (["training", "--table", "table4", "--row", "S55"], "did you mean 'S5'?"),
        (["training", "--table", "table4", "--row", "S0,S1"], "should be one row"),
    ]
    for arguments, message in cases:
        with subtests.test(arguments=arguments):
            done = bench("settings", *arguments)
            assert done.returncode == 2
            assert message in done.stderr
