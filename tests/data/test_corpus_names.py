"""A corpus is found by every name that people have for it, and never by another corpus's."""

from __future__ import annotations

import pytest

from bench.cards.corpus_cards import list_corpora, read_corpus_card
from bench.errors import BenchError

NAMES = {
    "asvspoof2019la": (
        *("19LA", "19la", "LA19", "2019LA", "LA 2019", "ASVspoof 2019 LA", "ASVspoof2019_LA"),
        *("asvspoof19la", "ASVspoof-LA-2019"),
    ),
    "asvspoof2021la": ("21LA", "LA21", "2021 LA", "ASVspoof 2021 LA"),
    "asvspoof2021df": ("21DF", "DF21", "DF 2021", "ASVspoof2021-DF"),
    "asvspoof2019pa": ("19PA", "PA 2019", "ASVspoof 2019 PA"),
    "asvspoof2017": ("ASV17", "ASVspoof 2017", "asvspoof-2017"),
    "asvspoof5": ("ASV5", "asv5", "ASVspoof 5", "asvspoof-5"),
    "inthewild": ("ITW", "In-the-Wild", "in the wild", "in_the_wild"),
    "partialspoof": ("PS", "ps", "PartialSpoof", "partial spoof"),
    "llamapartialspoof": ("LPS", "lps", "LlamaPartialSpoof"),
    "had": ("HAD", "Had"),
}


def test_a_corpus_has_many_names(subtests):
    for key in NAMES:
        with subtests.test(key=key):
            assert {name: read_corpus_card(name).key for name in NAMES[key]} == dict.fromkeys(
                NAMES[key], key
            )


def test_every_corpus_goes_by_its_key_its_short_and_its_full_name():
    for key in list_corpora():
        found = read_corpus_card(key)
        assert [read_corpus_card(of).key for of in (key.upper(), found.short, found.name)] == [
            key
        ] * 3


def test_a_misspelt_name_is_near_to_one(subtests):
    cases = [
        ("partialspof", "did you mean 'partialspoof'?"),
        ("asvspoof19", "did you mean 'asvspoof2019la'?"),
        ("asvspoof19 PB", "did you mean 'asvspoof2019pa'?"),
        ("19LB", "did you mean 'asvspoof2019la'?"),
        ("inthewyld", "did you mean 'inthewild'?"),
        ("asvspof2019la", "did you mean 'asvspoof2019la'?"),
        ("ASVspoof 2021 DFF", "did you mean 'asvspoof2021df'?"),
    ]
    for name, near in cases:
        with subtests.test(name=name):
            with pytest.raises(BenchError) as error:
                read_corpus_card(name)
            assert near in str(error.value)


def test_a_name_that_several_have_leads_to_none_of_them(subtests):
    for name in ["asvspoof", "LA", "2015LA", "asvspoof4", "spoof"]:
        with subtests.test(name=name):
            with pytest.raises(BenchError) as error:
                read_corpus_card(name)
            assert "did you mean" not in str(error.value)
            assert "; known: " in str(error.value)
            assert "asvspoof2019pa (19PA), asvspoof2021df (21DF)" in str(error.value)
