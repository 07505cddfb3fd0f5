"""Cards: the fold, its rules, and every mistake at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench._io.trees import iterate_leaves, merge_settings
from bench.cards import card_files, table_cards
from bench.errors import BenchError

VALID = (card_files.card_folder("experiments") / "sal" / "table4.toml").read_text(encoding="utf-8")


def parse(tmp_path: Path, text: str):
    path = tmp_path / "table.toml"
    path.write_text(text, encoding="utf-8")
    return table_cards.parse_table("test/table", path)


def test_the_resolved_rows_of_table_4_are_the_golden_file(root):
    """A changed default changes results: it must be seen in a diff and agreed to."""
    card = table_cards.read_table("table4")
    found = {
        form: {
            row: {"signature": run.signature, **run.flat_settings()}
            for row in table_cards.runnable_rows(card)
            for run in [table_cards.resolve_row(card, row, form)]
        }
        for form in ("paper", "smoke")
    }
    golden = root / "tests" / "golden" / "table4.resolved.json"
    assert found == json.loads(golden.read_text(encoding="utf-8"))


def test_whole_utterances_are_a_word_in_cards_and_none_in_code():
    overrides = ["train.resolution_s=utterance", "train.clip_s=4.0375"]
    run = table_cards.resolve_row(table_cards.read_table("table4"), "S3", "smoke", overrides)
    assert run.train.resolution_s is None
    assert run.dev.clip_s is None
    assert run.flat_settings()["train.resolution_s"] == "utterance"
    assert run.flat_settings()["dev.clip_s"] == "whole"
    assert type(run).model_validate(run.model_dump(mode="json")) == run


def test_table4_is_sals():
    assert table_cards.read_table("table4") is table_cards.read_table("table4")
    assert table_cards.read_table("table4") == table_cards.read_table("sal/table4")


def test_rows_that_train_the_same_share_a_training_signature():
    s7 = table_cards.resolve_row(table_cards.read_table("sal/table4"), "S7")
    one = table_cards.resolve_row(table_cards.read_table("sal/table1"), "SAL-XLSR")
    three = table_cards.resolve_row(table_cards.read_table("sal/table3"), "SAL-XLSR")
    assert s7.training_signature == one.training_signature == three.training_signature
    assert len({s7.signature, one.signature, three.signature}) == 3


def test_every_setting_is_in_the_signature():
    card = table_cards.read_table("table4")
    run = table_cards.resolve_row(card, "S7")
    changed = {
        "training.epochs": "49",
        "optimiser.learning_rate": "2e-5",
        "mix.rounds": "3",
        "augment.probability": "0.4",
        "system.auxiliary.weight": "0.2",
        "frontend.normalise": "none",
        "evaluate.partialspoof.resolution_s": "0.02",
    }
    others = [
        table_cards.resolve_row(card, "S7", "paper", [f"{key}={value}"])
        for key, value in changed.items()
    ]
    assert len({run.signature, *(other.signature for other in others)}) == len(changed) + 1
    assert table_cards.resolve_row(card, "S7", "smoke").signature != run.signature
    trained = {other.training_signature for other in others[:-1]}
    assert run.training_signature not in trained
    assert others[-1].training_signature == run.training_signature


def test_a_repeated_override_is_no_change():
    card = table_cards.read_table("table4")
    again = table_cards.resolve_row(card, "S7", "paper", ["mix.rounds=2"])
    assert again.signature == table_cards.resolve_row(card, "S7").signature


def test_a_wrong_override_says_what_would_be_right(subtests):
    cases = [
        ("training.epocs=3", "--set training.epocs: no such key; did you mean 'epochs'?"),
        ("training.epochs=many", "--set training.epochs = 'many': should be a valid integer"),
        ("training.epochs=3.5", "--set training.epochs = 3.5: should be a valid integer"),
        ("training.epochs=true", "--set training.epochs = True: should be a valid integer"),
        ("training.epochs=0", "--set training.epochs = 0: should be greater than or equal to 1"),
        ("mix.kind=cms", "--set mix.kind = 'cms': no such kind; did you mean 'csm'?"),
        ("frontend={weights=3}", "--set frontend.weights = 3: should be a valid string"),
        ("train.clip_s=4.1", "train.clip_s = 4.1: should be a multiple of train.resolution_s"),
        ("train.resolution_s=0.03", "train.resolution_s = 0.03: should be a multiple of 0.02 s"),
        ("evaluate.partialspoof.clip_s=1.1", "should be a multiple of evaluate.partialspoof.reso"),
        ("dev.resolution_s=utterence", "dev.resolution_s = 'utterence': should be a number or"),
        ("train.clip_s=whole", "mix.kind = 'csm': mixes clips of one length: train.clip_s should"),
        ("train.clip_s=all", "--set train.clip_s = 'all': should be a number or 'whole'"),
        ("train.resolution_s=utterance", "mix.kind = 'csm': mixes frames with labels"),
        ("training.select='dev.f1'", "should be 'dev.eer', 'dev.loss' or 'train.loss'"),
        ("training.epochs", "should be KEY=VALUE"),
        ("a b=3", "should be KEY=VALUE"),
        ("training.epochs=[3", "the value is not TOML"),
    ]
    for override, message in cases:
        with subtests.test(override=override):
            with pytest.raises(BenchError) as raised:
                table_cards.resolve_row(table_cards.read_table("table4"), "S7", "paper", [override])
            assert message in str(raised.value)


def test_another_kind_brings_nothing_of_the_old_one():
    run = table_cards.resolve_row(
        table_cards.read_table("table4"), "S7", "paper", ["mix={kind='none'}"]
    )
    assert run.mix.model_dump() == {"kind": "none"}


def test_all_mistakes_of_a_card_are_reported_at_once(tmp_path):
    text = (
        VALID.replace('from = "S2"', 'from = "S22"', 1)
        .replace("learning_rate = 1e-5", "learning_rates = 1e-5")
        .replace("epochs = 50", 'epochs = "fifty"')
        .replace('"llamapartialspoof.f1" = 55.58', '"llamapartialspoof.f2" = 55.58')
        .replace('cells = ["S1", "S0 + Layer Weighting"]', 'cells = ["S1"]')
        .replace('kind = "conformer"', 'kind = "confromer"')
    )
    with pytest.raises(BenchError) as raised:
        parse(tmp_path, text)
    message = str(raised.value)
    for expected in (
        "rows.S3.from = 'S22': no such row; did you mean 'S2'?",
        "base.optimiser.learning_rates: no such key; did you mean 'learning_rate'?",
        "base.optimiser.learning_rate: is missing",
        "base.training.epochs = 'fifty': should be a valid integer",
        "rows.S5.paper.llamapartialspoof.f2: no column has this metric; did you mean",
        "rows.S1.cells: should be 2 texts",
        "rows.S2.system.context.kind = 'confromer': no such kind; did you mean 'conformer'?",
    ):
        assert expected in message
    lines = message.splitlines()
    assert len(lines) == len(set(lines))


def test_a_row_that_repeats_its_parent_is_a_mistake(tmp_path):
    text = VALID.replace(
        'cells = ["S4", "S3 + Transition Loss"]',
        'cells = ["S4", "S3 + Transition Loss"]\naugment.probability = 0.5',
    )
    with pytest.raises(BenchError, match=r"rows.S4.augment.probability = 0.5: repeats its parent"):
        parse(tmp_path, text)


def test_a_circle_of_parents_is_a_mistake(tmp_path):
    text = VALID.replace("[rows.S0]\n", '[rows.S0]\nfrom = "S1"\n')
    with pytest.raises(BenchError, match="leads back to itself"):
        parse(tmp_path, text)


def test_a_card_that_is_not_toml_names_the_line(tmp_path):
    with pytest.raises(BenchError, match=r"table.toml: not TOML: .*line 3"):
        parse(tmp_path, 'title = "x"\n\nrows = = 3\n')


def test_a_published_row_with_settings_is_a_mistake(tmp_path):
    text = (
        VALID + '\n[rows.X]\npublished_only = true\ncells = ["X", "x"]\nmix = { kind = "none" }\n'
    )
    with pytest.raises(BenchError, match="published_only"):
        parse(tmp_path, text)


def test_rows_are_chosen_in_the_cards_order(subtests):
    cases = [
        (None, ["S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"]),
        ("S5", ["S5"]),
        ("S0,S5-S8", ["S0", "S5", "S6", "S7", "S8"]),
        ("S8, S0", ["S0", "S8"]),
        ("S5,S5", ["S5"]),
    ]
    for choice, rows in cases:
        with subtests.test(choice=choice):
            assert table_cards.select_rows(table_cards.read_table("table4"), choice) == rows


def test_names_with_a_dash_are_names_first():
    assert table_cards.select_rows(table_cards.read_table("sal/table1"), "SAL-WavLM") == [
        "SAL-WavLM"
    ]


def test_unknown_names_offer_a_near_one(subtests):
    cases = [
        (lambda: table_cards.read_table("tabel4"), "did you mean 'table4'?"),
        (lambda: table_cards.read_table("sla/table4"), "did you mean 'sal/table4'?"),
        (
            lambda: table_cards.select_rows(table_cards.read_table("table4"), "S55"),
            "did you mean 'S5'?",
        ),
        (
            lambda: table_cards.select_rows(table_cards.read_table("sal/table1"), "BFC-Net-WavLM"),
            "published results only",
        ),
        (
            lambda: table_cards.resolve_row(table_cards.read_table("sal/table1"), "SPF"),
            "published results only",
        ),
    ]
    for call, message in cases:
        with subtests.test(message=message):
            with pytest.raises(BenchError) as raised:
                call()
            assert message in str(raised.value)


trees = st.recursive(
    st.integers(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda tree: isinstance(tree, dict))


@given(trees, trees, trees)
def test_folding_is_associative_and_the_last_word_wins(one, two, three):
    assert merge_settings(merge_settings(one, two), three) == merge_settings(one, two, three)
    assert merge_settings(one, {}) == merge_settings({}, one) == one
    result = merge_settings(one, two)
    for keys, value in iterate_leaves(two):
        at = result
        for key in keys:
            at = at[key]
        assert at == value


def test_the_fold_changes_none_of_its_inputs():
    base = {"mix": {"kind": "csm", "rounds": 1}}
    result = merge_settings(base, {"mix": {"rounds": 2}})
    result["mix"]["rounds"] = 9
    assert base == {"mix": {"kind": "csm", "rounds": 1}}
