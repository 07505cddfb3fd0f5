"""Published weights by their names, as rows of tables evaluate them."""

from __future__ import annotations

import pytest

from bench.cards import table_cards
from bench.runner.official_rows import find_official_row, list_official
from bench.specs.run import PublishedStart
from tests.errors import raises_code


@pytest.mark.parametrize(
    ("name", "key", "row", "weights"),
    [
        ("official:aasist", "aasist/asvspoof2019", "AASIST-released", "aasist"),
        ("aasist-l", "aasist/asvspoof2019", "AASIST-L-released", "aasist_l"),
        (
            "official:multi-reso-simple",
            "multi-reso/partialspoof",
            "Simple-released",
            "multi_reso_simple",
        ),
        ("bam_wavlm", "bam/partialspoof", "BAM-WavLM@official", "bam_wavlm"),
        ("official:sal-w2v2", "sal/table1", "SAL-XLSR@official-w2v2", "sal_w2v2"),
        ("official:sal_wavlm", "sal/table1", "SAL-WavLM@official-wavlm", "sal_wavlm"),
    ],
)
def test_a_name_is_a_row_that_starts_from_the_weights(name, key, row, weights):
    table, chosen = find_official_row(name)
    assert (table.key, chosen) == (key, row)
    start = table_cards.resolve_row(table, chosen).start
    assert isinstance(start, PublishedStart)
    assert start.weights == weights


def test_other_names_are_refused_with_those_that_there_are():
    names = ["aasist", "aasist-l", "bam-wavlm", "multi-reso-simple", "sal-w2v2", "sal-wavlm"]
    names = [f"official:{name}" for name in names]
    assert sorted(list_official()) == names
    with raises_code("weights.not-official", "did you mean 'official:sal-wavlm'?", *names):
        find_official_row("official:sal-wavln")
