"""Table II of the BreathNet paper: utterances of each class, as the corpora's cards have them."""

from __future__ import annotations

import re

import pytest

from bench.cards import corpus_cards

SETS = {
    "Train (2019 LA)": ("asvspoof2019la", "train"),
    "Eval (2019 LA)": ("asvspoof2019la", "eval"),
    "Eval (2021 LA)": ("asvspoof2021la", "eval"),
    "Eval (2021 DF)": ("asvspoof2021df", "eval"),
    "Eval (In-the-Wild)": ("inthewild", "eval"),
    "Train (ASVspoof5)": ("asvspoof5", "train"),
    "Dev (ASVspoof5)": ("asvspoof5", "dev"),
    "Eval (ASVspoof5)": ("asvspoof5", "eval"),
}


@pytest.fixture(scope="module")
def printed(shared) -> dict[str, list[str]]:
    """The table's lines: bona fide, spoofed and total, by set, as the paper prints them."""
    text = (shared / "papers" / "breathnet.txt").read_text(encoding="utf-8")
    body = text.split("TABLE II\n", 1)[1].split("\n\n", 2)[1]
    rows = [line.split("\t") for line in body.splitlines()]
    return {name: counts for name, *counts in rows[1:]}


def test_every_set_is_known(printed):
    assert list(printed) == list(SETS)


def test_the_cards_have_the_counts_of_table_2(printed, subtests):
    """Commas are ignored: six of the paper's counts have them in wrong places."""
    for name in SETS:
        with subtests.test(name=name):
            corpus, split = SETS[name]
            card = corpus_cards.read_corpus_card(corpus).splits[split]
            assert [card.bonafide, card.spoof, card.utterances] == [
                int(count.replace(",", "")) for count in printed[name]
            ]
            assert card.standing == "verified"


def test_the_commas_that_are_in_wrong_places(printed):
    """As experiments/breathnet/paper.toml says."""
    counts = [count for row in printed.values() for count in row]
    wrong = [count for count in counts if not re.fullmatch(r"\d{1,3}(,\d{3})*", count)]
    assert wrong == ["16,3560", "18,2357", "10,9616", "14,0950", "13,8688", "54,2086"]
