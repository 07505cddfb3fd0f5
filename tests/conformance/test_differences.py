"""Every list of differences: what it gives as a setting can be set, does something, and is there
only where there is something to do.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from fnmatch import fnmatchcase
from functools import cache

import pytest
from pydantic import ValidationError

from bench._io.trees import iterate_leaves
from bench.cards import table_cards
from bench.cards.paper_cards import add_variant, rows_by_difference
from bench.cli.options import format_set_options
from bench.reports.paper_differences import describe_differences, render_differences_page
from bench.specs.run import Run
from bench.specs.table import Difference

PAPERS = sorted({key.partition("/")[0] for key in table_cards.table_keys()})
VARIANTS = [(paper, name) for paper in PAPERS for name in table_cards.read_paper(paper).variants]


@cache
def tables(paper: str) -> dict[str, dict[str, Run]]:
    """The runs of each of a paper's tables, by the table's key and row."""
    keys = [key for key in table_cards.table_keys() if key.startswith(f"{paper}/")]
    return {
        key: {
            row: table_cards.resolve_row(table_cards.read_table(key), row)
            for row in table_cards.runnable_rows(table_cards.read_table(key))
        }
        for key in keys
    }


@cache
def flat_settings(paper: str) -> dict[tuple[str, str], dict[str, object]]:
    """The flat settings of each row of a paper's tables."""
    return {
        (key, row): run.flat_settings()
        for key, runs in tables(paper).items()
        for row, run in runs.items()
    }


def concerned(paper: str, point: Difference) -> list[tuple[str, str]]:
    """The tables and rows that a point concerns."""
    return [
        (key, row)
        for (key, row), settings in flat_settings(paper).items()
        if point.concerns_row(key, settings)
    ]


def test_points_have_names_of_their_own(subtests):
    for paper in PAPERS:
        with subtests.test(paper=paper):
            names = Counter(of.item for of in table_cards.read_paper(paper).differences)
            assert [name for name, count in names.items() if count > 1] == []


def test_every_point_concerns_some_row_by_settings_that_there_are(subtests):
    for paper in PAPERS:
        with subtests.test(paper=paper):
            names = {key.partition("/")[2] for key in tables(paper)}
            runs = [run for by_row in tables(paper).values() for run in by_row.values()]
            settings = {name for run in runs for name in run.flat_settings()}
            for point in table_cards.read_paper(paper).differences:
                assert concerned(paper, point), f"{point.item}: concerns no row of any table"
                assert set(point.tables) <= names, point.item
                for key in point.applies:
                    there = any(fnmatchcase(name, key) for name in settings)
                    assert there, f"{point.item}: no row has a setting {key}"


@pytest.mark.rows
def test_settings_can_be_set_on_each_row_concerned_and_change_it(subtests):
    """As the command line has them, in both forms; the released one changes each row."""
    for paper in PAPERS:
        with subtests.test(paper=paper):
            for point in table_cards.read_paper(paper).differences:
                for key, row in concerned(paper, point) if point.setting or point.others else ():
                    card, run = table_cards.read_table(key), tables(paper)[key][row]
                    where = f"{point.item}: {key} {row}"
                    for settings in filter(None, [point.setting, *point.others]):
                        changed = table_cards.resolve_row(
                            card, row, "paper", words(format_set_options(settings))
                        )
                        assert changed.signature != run.signature, (
                            f"{where}: {settings} changes nothing"
                        )
                        if settings is point.setting:
                            assert_settings(changed, settings)
                        table_cards.resolve_row(
                            card, row, "smoke", words(format_set_options(settings))
                        )


def words(options: str) -> list[str]:
    """The `KEY=VALUE` of a command line's `--set KEY=VALUE ...`."""
    return [word for word in shlex.split(options) if word != "--set"]


def assert_settings(run: Run, settings) -> None:
    flat = run.flat_settings()
    for keys, value in iterate_leaves(settings):
        found = [own for own in flat if fnmatchcase(own, ".".join(keys))]
        assert found
        assert [flat[own] for own in found] == [value] * len(found), keys


def test_a_released_setting_is_there_only_where_ours_differs_from_what_was_released(subtests):
    for paper in PAPERS:
        with subtests.test(paper=paper):
            for point in table_cards.read_paper(paper).differences:
                if point.setting:
                    assert not point.ours.startswith("as released"), point.item
                    assert not re.match(r"no code|not |no switch|-$", point.released), point.item
                assert point.ours, point.item
                assert point.paper not in ("", "-"), point.item
                assert point.released not in ("", "-"), point.item


def test_a_paper_with_released_settings_has_them_as_a_variant(subtests):
    """But MFPT, of which no code was seen: its list means the code of an earlier paper."""
    for paper in {*PAPERS} - {"mfpt"}:
        with subtests.test(paper=paper):
            card = table_cards.read_paper(paper)
            asked = any(point.setting for point in card.differences)
            assert asked == any(variant.released for variant in card.variants.values())


def test_cards_refuse_a_released_setting_without_something_released():
    said = {"item": "x", "paper": "a", "released": "b", "ours": "c", "effect": "small"}
    Difference.model_validate({**said, "setting": {"training": {"epochs": 3}}})
    for wrong in ({"ours": "as released"}, {"released": "no code"}, {"released": "no code found"}):
        with pytest.raises(ValidationError, match="setting"):
            Difference.model_validate({**said, "setting": {"training": {"epochs": 3}}, **wrong})
    for bare in ("training.epochs", {"training.epochs": 3}, {"training": {}}):
        with pytest.raises(ValidationError, match="setting"):
            Difference.model_validate({**said, "setting": bare})


@pytest.mark.rows
def test_no_table_lists_a_point_that_concerns_none_of_its_rows(subtests):
    for paper in PAPERS:
        with subtests.test(paper=paper):
            card = table_cards.read_paper(paper)
            whole = render_differences_page(card)
            for key, runs in tables(paper).items():
                text = describe_differences(card, runs, "paper", table_cards.read_table(key))
                text = text.partition("\n\nFrom ")[0]  # what follows is of other papers
                listed = [line.split(" | ")[0].removeprefix("| ") for line in text.splitlines()[2:]]
                touched = rows_by_difference(card, key, runs)
                for of in card.differences:
                    shown = of.item.replace("|", "\\|") in listed
                    assert shown == any(
                        of.concerns_row(key, run.flat_settings()) for run in runs.values()
                    ), of.item
                    assert shown == (of.item in touched)
                    assert f"| {of.item} | " in whole


@pytest.mark.parametrize(("paper", "name"), VARIANTS)
def test_a_variant_can_be_run_in_both_forms_and_has_what_it_says(paper, name):
    card = table_cards.read_paper(paper)
    found = 0
    for key, runs in tables(paper).items():
        wide, new = add_variant(table_cards.read_table(key), card, name, list(runs))
        for row in new:
            run = table_cards.resolve_row(wide, row)
            table_cards.resolve_row(wide, row, "smoke")
            assert_settings(
                run, {k: v for k, v in card.variants[name].settings.items() if k != "breath"}
            )
            if card.variants[name].released:
                of_row = runs[row.partition("@")[0]].flat_settings()
                for point in card.differences:
                    if point.setting and point.concerns_row(key, of_row):
                        assert_settings(run, point.setting)
            found += 1
    assert found


def released(**changes):
    """The configuration of SAL's S8 at 61062f1 (its yaml files and the code they start), by what
    the suite calls it; `changes` are those of another row, __ for a dot.
    """
    return {
        "frontend.kind": "wav2vec2",
        "frontend.convolutions": "frozen",
        "frontend.normalise": "utterance",
        "frontend.last_state": "normalised",
        "frontend.dropout": 0.0,
        "frontend.layerdrop": 0.0,
        "frontend.time_mask": 0.0,
        "system.padding": 256,
        "system.layers.kind": "weighted",
        "system.layers.weights": "free",
        "system.context.kind": "conformer",
        "system.context.blocks": 2,
        "system.context.heads": 4,
        "system.context.feed_forward_ratio": 1.0,
        "system.context.kernel": 31,
        "system.hidden": 256,
        "system.auxiliary.kind": "position",
        "system.auxiliary.weight": 1.0,
        "system.binary_weight": 10.0,
        "system.score": "logit-difference",
        "system.finer_than_trained": "pool",
        "augment.kind": "rawboost",
        "augment.algorithm": 4,
        "augment.probability": 0.5,
        "augment.splits": "train+dev",
        "mix.kind": "csm",
        "mix.rounds": 3,
        "mix.probability": 0.2,
        "mix.selection": "fixed-share",
        "mix.partner": "self",
        "train.corpus": "partialspoof",
        "train.clip_s": 4.0,
        "train.crop": "random",
        "train.fill": "zeros",
        "dev.clip_s": "whole",
        "optimiser.kind": "adam",
        "optimiser.learning_rate": 1e-5,
        "optimiser.frontend_learning_rate": "same",
        "optimiser.weight_decay": 1e-4,
        "schedule.kind": "step",
        "schedule.every_epochs": 10,
        "schedule.factor": 0.1,
        "training.batch_size": 32,
        "training.epochs": 50,
        "training.minimum_epochs": 30,
        "training.patience": 10,
        "training.select": "dev.eer",
        "training.keep.kind": "best",
        "training.gradient_clip": 0.0,
        "training.precision": "fp32",
    } | {key.replace("__", "."): value for key, value in changes.items()}


def without(settings, *parts):
    """The settings but for those of parts that are not there, whose kind is `none` instead."""
    left = {k: v for k, v in settings.items() if not k.startswith(tuple(f"{p}." for p in parts))}
    return left | {f"{part}.kind": "none" for part in parts}


PLAIN = without(
    released(system__score="bonafide-logit", system__binary_weight=1.0), "system.auxiliary", "mix"
)
BARE = without(PLAIN, "augment")
LAST = {"system.layers.kind": "last"}
FIRST = {k: v for k, v in BARE.items() if not k.startswith("system.layers.")}
WAVLM = {"frontend__kind": "wavlm", "training__epochs": 60, "training__minimum_epochs": 40}
HAD = {
    "train__corpus": "had",
    "train__clip_s": 0.5,
    "train__label_rule": "floor",
    "dev__label_rule": "floor",
    "evaluate__had__label_rule": "floor",
    "evaluate__had__split": "dev",
    "evaluate__had__resolution_s": 0.02,
    "mix__rounds": 2,
}
LPS = {"evaluate.llamapartialspoof.label_rule": "floor"}
RELEASED = {
    "table4": {
        "S0": without(FIRST, "system.context") | LAST | LPS,
        "S1": without(BARE, "system.context") | LPS,
        "S2": BARE | LPS,
        "S3": PLAIN | LPS,
        "S4": without(
            released(system__auxiliary__kind="transition", system__auxiliary__rule="segment-edges"),
            "mix",
        )
        | LPS,
        "S5": without(released(), "mix") | LPS,
        "S6": released(mix__rounds=1) | LPS,
        "S7": released(mix__rounds=2) | LPS,
        "S8": released() | LPS,
    },
    "table1": {"SAL-XLSR": released(mix__rounds=2), "SAL-WavLM": released(mix__rounds=2, **WAVLM)},
    "table2": {"SAL-XLSR": released(**HAD), "SAL-WavLM": released(**HAD, **WAVLM)},
    "table3": {
        "SAL-XLSR": released(mix__rounds=2) | LPS,
        "SAL-WavLM": released(mix__rounds=2, **WAVLM) | LPS,
    },
}
"""SAL's rows as released, written down from the code, not from the list of differences."""


def test_sal_as_released_is_the_released_configuration(subtests):
    for table, row in [(t, row) for t, rows in RELEASED.items() for row in rows]:
        with subtests.test(table=table, row=row):
            expected = RELEASED[table][row]
            card = table_cards.read_table(f"sal/{table}")
            wide, new = add_variant(
                card, table_cards.read_paper("sal"), "released", table_cards.runnable_rows(card)
            )
            assert new == tuple(f"{of}@released" for of in RELEASED[table])
            found = table_cards.resolve_row(wide, f"{row}@released").flat_settings()
            assert {key: found.get(key) for key in expected} == expected


def test_tca_as_released_is_the_released_configuration():
    card = table_cards.read_table("tca/table2")
    wide, _ = add_variant(card, table_cards.read_paper("tca"), "released", ["TCA"])
    found = table_cards.resolve_row(wide, "TCA@released").flat_settings()
    expected = {
        "frontend.normalise": "batch",
        "frontend.convolutions": "trained",
        "frontend.last_state": "normalised",
        **{f"frontend.{of}dropout": 0.1 for of in ("", "attention_", "projection_")},
        "frontend.layerdrop": 0.1,
        "frontend.time_mask": 0.075,
        "system.token.bias": "none",
        "system.token.mean": "divided",
        "system.token.deviation": "second-moment",
        "system.activation": "leaky-relu",
        "system.channel_bias": "learnt",
        "system.gate": "across-classes",
        "system.heads": "shared",
        "system.last_weights": "random",
        "system.cross_entropy": "weighted-mean",
        "system.bonafide_weight": 8.0,
        "system.cav_weight": 0.3,
        "system.tca_weight": 0.7,
        "augment.kind": "none",
        "optimiser.learning_rate": 1e-5,
        "optimiser.weight_decay": 1e-4,
        "schedule.kind": "constant",
        "training.batch_size": 10,
        "training.epochs": 20,
        **{f"{of}.clip_s": 4.0375 for of in ("train", "dev", "evaluate.asvspoof2019la")},
        **{f"{of}.fill": "repeat" for of in ("train", "dev", "evaluate.asvspoof2019la")},
        "train.crop": "first",
    }
    assert {key: found.get(key) for key in expected} == expected


def test_a_smoke_report_has_the_points_of_the_papers_rows():
    card, paper = table_cards.read_table("sal/table1"), table_cards.read_paper("sal")
    texts = {
        form: describe_differences(
            paper,
            {
                row: table_cards.resolve_row(card, row, form)
                for row in table_cards.runnable_rows(card)
            },
            form,
            card,
        )
        for form in ("paper", "smoke")
    }
    assert "dropout in WavLM" in texts["paper"]
    assert texts["smoke"].replace("SMOKE: ", "") == texts["paper"]


def test_points_stand_by_effect_with_the_rows_that_they_concern():
    card, paper = table_cards.read_table("sal/table4"), table_cards.read_paper("sal")
    text = describe_differences(paper, tables("sal")["sal/table4"], "paper", card)
    lines = [line.split(" | ") for line in text.splitlines()[2:] if line.startswith("| ")]
    effects = [line[2] for line in lines]
    assert effects == sorted(effects, key=["large", "medium", "small", "none"].index)
    rows = {line[0].removeprefix("| "): line[1] for line in lines}
    assert rows["CSM partner"] == "S6 to S8"
    assert rows["RawBoost on dev"] == "S3 to S8"
    assert rows["score without an auxiliary task (S0 to S3)"] == "S0 to S3"
    assert rows["transition labels (S4)"] == "S4"
    assert rows["Conformer"] == "S2 to S8"
    assert "span labels of HAD" not in rows
    assert "20 ms answers of a model trained at 160 ms" in rows
    other = describe_differences(
        paper, tables("sal")["sal/table2"], "paper", table_cards.read_table("sal/table2")
    )
    assert "| span labels of HAD | SAL-XLSR, SAL-WavLM | large |" in other
    assert "20 ms answers" not in other
    assert "20 ms answers" not in describe_differences(
        paper, tables("sal")["sal/table1"], "paper", table_cards.read_table("sal/table1")
    )
