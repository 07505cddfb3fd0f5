"""What is left to run is known by the digests that a run gets, without loading what it gets."""

from __future__ import annotations

import pytest

from bench.cards import table_cards
from bench.config import Config
from bench.runner.current_inputs import InputReader
from bench.training.row import DatasetCache


@pytest.mark.rows
@pytest.mark.parametrize("key", ["sal/table4", "mfpt/asvspoof2021", "breathnet/table12"])
def test_what_a_row_would_be_made_from_is_what_it_is_made_from(config: Config, key):
    table, cache, reader = table_cards.read_table(key), DatasetCache(config), InputReader(config)
    for row in table_cards.runnable_rows(table):
        run = table_cards.resolve_row(table, row, "smoke")
        data, inputs = cache.load_row(run), reader.read_run(run)
        assert dict(inputs.fingerprints) == data.fingerprints()
        assert dict(inputs.made_from) == data.content_digests()
