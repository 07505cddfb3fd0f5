"""Every card of public score files: what it says can be fetched, read, and set beside a result."""

from __future__ import annotations

import re

import pytest

from bench.cards import corpus_cards, public_cards
from bench.downloads.addresses import _HUB
from bench.evaluation.table_placement import find_placement
from bench.metrics.catalogue import find_metric

KEYS = public_cards.public_keys()


def list_files():
    for key in KEYS:
        card = public_cards.read_public_card(key)
        for name, public in card.files.items():
            yield f"{key}, {name}", card, public


def test_there_are_cards():
    assert {"public/itw", "public/19la", "public/partialspoof"} <= {*KEYS}


def test_addresses_are_of_the_commit_that_the_card_names(subtests):
    for name, _, public in list_files():
        with subtests.test(name=name):
            for item in public.downloads:
                assert re.match("https://|hf://", item.url)
                assert not item.url.startswith("hf://") or _HUB.fullmatch(item.url)
                assert public.commit in item.url
            unknown = public.sha256 is None or not public.commit
            texts = " ".join(
                [*public.notes, *public_cards.read_public_card(name.partition(",")[0]).notes]
            )
            assert not unknown or "not found" in texts, "say what is not known"


def test_printed_results_are_metrics_with_a_source(subtests):
    for name, _, public in list_files():
        with subtests.test(name=name):
            assert public.printed
            for metric, value in public.printed.items():
                assert find_metric(metric) is not None, metric
                assert 0 < value < 100
            assert public.printed_in


def test_tables_evaluate_the_split(subtests):
    for name, card, public in list_files():
        corpus = corpus_cards.read_corpus_card(card.corpus)
        for table in public.tables:
            with subtests.test(name=name, table=table):
                placement = find_placement(corpus.key, card.split, table, "paper")
                has_frames = public.resolution_s is not None
                assert placement.resolution_s is None or has_frames


def test_a_system_has_one_name_for_each_file():
    systems = [(card.key, public.system) for _, card, public in list_files()]
    assert len({*systems}) == len(systems)


@pytest.mark.parametrize("key", KEYS)
def test_a_card_is_shown(key, capsys):
    import click

    from bench.cli.public_scores import show_public_scores

    with click.Context(click.Command("show")):
        show_public_scores(key, None)
    assert "next: bench get" in capsys.readouterr().out
