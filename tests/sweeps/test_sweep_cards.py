"""Cards of sweeps: every mistake is one line that says what would be right."""

from __future__ import annotations

import pytest

from bench.cards import sweep_cards
from bench.errors import BenchError
from tests.sweeps.conftest import CARD

LOG = "low = 0.01, high = 10.0, log = true"


def test_a_mistake_says_what_would_be_right(parse, subtests):
    cases = [
        ("title", "titel", "titel: no such key; did you mean 'title'?"),
        ("S7", "S77", "from = sal/table4: 'S77': no such row; did you mean 'S7'?"),
        ("table4:", "tabel4:", "from = 'sal/tabel4': there is no such table; did you mean"),
        ("sal/table4:S7", "S7", "should be <table>:<row>, e.g. 'sal/table4:S7'"),
        ("trials = 6", "", "trials: is missing, and the sampler is no grid"),
        ('kind = "random"', 'kind = "grid"', "weight.step: is missing, and the sampler is a grid"),
        ('kind = "random"', 'kind = "rondom"', "sampler.kind = 'rondom': no such kind; did you"),
        ("epochs = 3", "epochs = 0", "epochs = 0: should be greater than or equal to 1"),
        ("epochs", 'objective = "partialspoof.eer"\nepochs', "should be 'dev.eer' or 'dev.loss'"),
        ("epochs", 'objective = "dev.loss"\nepochs', "is measured only where training.select is"),
        ("epochs", "base.mix.kind = 'cms'\nepochs", "base.mix.kind = 'cms': no such kind; did you"),
        (".weight =", ".wieght =", "the row has no such key; did you mean 'weight'?"),
        (LOG, "low = -1.0, high = 1.0", "space.system.auxiliary.weight = -1.0: should be greater"),
        (LOG, "low = 0.0, high = 1.0, log = true", "weight.low = 0.0: should be above 0 where log"),
        (LOG, "low = 1.0, high = 1.0", "weight.low = 1.0: should be less than high = 1.0"),
        (LOG, "low = 0.0, high = 1.0, step = 0.3", "step = 0.3: should divide the range from 0.0"),
        (LOG, f"{LOG}, step = 0.1", "weight.step = 0.1: should be left out where log is true"),
        ("low = 1, high = 3", "low = 0, high = 3", "space.mix.rounds = 0: should be greater"),
        ("mix.rounds", "mix", "space.mix = 1: should be a valid dictionary"),
        ("mix.rounds =", "system.auxiliary.x =", "the row has no such key"),
    ]
    for old, new, message in cases:
        with subtests.test(message=message):
            assert old in CARD
            with pytest.raises(BenchError) as raised:
                parse(CARD.replace(old, new, 1))
            text = str(raised.value)
            assert message in text, text
            assert len(text.splitlines()) == len(set(text.splitlines()))


def test_two_dimensions_may_not_set_one_key(parse):
    twice = CARD + 'mixing = { kind = "int", low = 1, high = 2, keys = ["mix.rounds"] }\n'
    with pytest.raises(BenchError, match=r"space.mix.rounds: is set by two dimensions"):
        parse(twice)


def test_a_category_is_there_once(parse):
    twice = CARD + 'mix.probability = { kind = "categories", values = [0.1, 0.2, 0.1] }\n'
    with pytest.raises(BenchError, match=r"values = 0.1: should be there once"):
        parse(twice)


def test_mistakes_of_the_smoke_form_are_found_with_the_paper_form(parse):
    with pytest.raises(BenchError, match="epohcs: no such key"):
        parse(CARD + "\n[smoke]\nepohcs = 1\n", "paper")


def test_the_smoke_form_is_an_overlay(parse):
    text = CARD + "\n[smoke]\nepochs = 1\n[smoke.space]\nmix.rounds.high = 2\n"
    paper, smoke = parse(text, "paper"), parse(text, "smoke")
    assert (paper.epochs, smoke.epochs) == (3, 1)
    assert smoke.space["mix.rounds"].all_values() == [1, 2]
    assert sweep_cards.base_run(paper).frontend.kind == "wav2vec2"
    assert sweep_cards.base_run(smoke).frontend.kind == "tiny"
    assert sweep_cards.base_run(smoke).training.epochs == 1


def test_a_value_may_set_several_keys_and_a_table_is_folded(parse):
    text = CARD.replace("mix.rounds", "both").replace(
        'kind = "int", low = 1, high = 3',
        'kind = "categories", values = [1.28, 1.92], keys = ["train.clip_s"]',
    )
    text += 'mix = { kind = "categories", values = [{ kind = "none" }, { kind = "csm" }] }\n'
    card = parse(text, "smoke")
    point = {"system.auxiliary.weight": 0.5, "both": 1.28, "mix": {"kind": "csm"}}
    run = sweep_cards.trial_run(card, point)
    assert run.train.clip_s == 1.28
    assert run.mix.kind == "csm"
    assert run.mix.rounds == 2, "the row's own, as the kind is the same"
    assert sweep_cards.trial_run(card, {**point, "mix": {"kind": "none"}}).mix.kind == "none"


def test_trials_see_no_test_set_unless_the_card_says_so(parse):
    assert sweep_cards.base_run(parse()).evaluate == {}
    tested = parse(CARD.replace("epochs", 'evaluate = "as-row"\nepochs', 1))
    assert list(sweep_cards.base_run(tested).evaluate) == ["partialspoof", "llamapartialspoof"]


def test_names_have_near_ones():
    with pytest.raises(BenchError, match="did you mean 'sal-lambda'"):
        sweep_cards.read_sweep("sweep/sal-lambad")
